"""watch new: the folder of a new watch, from that of another.

What says what to watch is copied: watch.yaml under a name of its own, actors and feeds. What was recorded is not.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from pipelines.usage import PACKAGED, UsageError, parser_of, watch_directory
from schemas.watch import NAME, SHARED, load_watch

FILES = ("actors.yaml", "feeds.opml")
"""What a watch may have beside watch.yaml."""


def run(argv: list[str]) -> int:
    """`vedette watch new`: 0."""
    parser = parser_of("watch new", "Make the folder of a new watch from that of another.")
    parser.add_argument("directory", metavar="DIR", type=Path, help="the new folder; its name is the name of the watch")
    parser.add_argument("--from", dest="model", required=True, metavar="WATCH",
                        help="folder of the watch to begin with, or its name if it came with the package")  # fmt: skip
    args = parser.parse_args(argv)
    made = new_watch(args.directory, watch_directory(args.model))
    print(f"{args.directory} has {', '.join(made)}. They still speak of {Path(args.model).name}; next:")
    print("  change title, sides, gate and relevance in watch.yaml, then the actors and the feeds")
    print(f"  vedette watch check {args.directory}")
    return 0


def new_watch(directory: Path, model: Path) -> list[str]:
    """Make the folder of a watch from another's; the names of its files.

    Raises UsageError, before anything is made, for a name that is none, a folder that is there, or one that has no lists
    of `shared` beside it; ConfigError if the other watch is wrong.
    """
    load_watch(model)
    name = directory.resolve().name
    if not re.fullmatch(NAME, name):
        raise UsageError(f"{name!r} is no name of a watch: small letters, digits and hyphens, such as my-crisis")
    if directory.exists():
        raise UsageError(f"{directory} is there already: give another folder, or remove it")
    shared = directory.parent / SHARED
    if not shared.is_dir():
        raise UsageError(
            f"{shared} is missing: the lists that all watches share stand beside a watch. Copy them:\n"
            f"  mkdir -p {directory.parent} && cp -r {PACKAGED / SHARED} {directory.parent}"
        )
    text = (model / "watch.yaml").read_text(encoding="utf-8")
    try:
        directory.mkdir()
    except OSError as e:
        raise UsageError(f"{directory} cannot be made: {e.strerror}") from None
    (directory / "watch.yaml").write_text(renamed(text, name), encoding="utf-8")
    copied = [file for file in FILES if (model / file).is_file()]
    for file in copied:
        shutil.copyfile(model / file, directory / file)
    return ["watch.yaml", *copied]


def renamed(text: str, name: str) -> str:
    """The text of a watch.yaml under another name; the comment at its head, which is about the watch, is replaced."""
    body = re.sub(r"\A(?:#.*\n|\s*\n)+", "", text)
    former = re.search(r"(?m)^name:\s*(\S+)", body)
    begun = f"# Begun from {former[1]}: what is not changed below is still about that.\n" if former else ""
    return begun + re.sub(r"(?m)^name:.*$", f"name: {name}", body, count=1)
