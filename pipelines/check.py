"""feeds check, watch check: what is wrong with a list of feeds or a watch, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from rich.console import Console
from rich.table import Table

from pipelines.usage import PACKAGED, parser_of, watch_directory
from pipelines.wording import counted
from schemas.config import ConfigError, read_yaml
from schemas.watch import Watch, WatchFile, load_watch
from transforms.feeds.opml import read_opml


def run_feeds(argv: list[str]) -> int:
    """`vedette feeds check`: 0 if every feed is well, else 1."""
    from transforms.feeds.check import check_feeds, feeds_table

    parser = parser_of("feeds check", "Poll each feed once and say what is wrong with it.")
    parser.add_argument("feeds", metavar="FEEDS.opml", type=Path)
    parser.add_argument("--allow-local-addresses", action="store_true", help="poll feeds on private and loopback addresses too")
    parser.add_argument("--user-agent", default="", help="how the poller introduces itself; give a way to reach you")
    args = parser.parse_args(argv)
    console = Console()
    with console.status("polling ..."):
        rows = check_feeds(args.feeds, user_agent=args.user_agent, allow_local=args.allow_local_addresses)
    console.print(feeds_table(rows))
    return 1 if any(row.problems for row in rows) else 0


def run_watch(argv: list[str]) -> int:
    """`vedette watch check`: 0 if every file of the watch is well, else 1 and each problem with file, line and field."""
    parser = parser_of("watch check", "Check all files of a watch.")
    parser.add_argument("watch", metavar="WATCH", help="folder of the watch, or its name if it came with the package")
    args = parser.parse_args(argv)
    problems = []
    watch = None
    directory = watch_directory(args.watch)
    try:
        watch = load_watch(directory)
    except ConfigError as e:
        problems += e.problems
    feeds = 0
    if (directory / "feeds.opml").exists():
        try:
            feeds = len(read_opml(directory / "feeds.opml"))
        except ConfigError as e:
            problems += e.problems
    for problem in problems:
        print(problem)
    if problems:
        print(counted(len(problems), "problem"))
        return 1
    assert watch is not None
    console = Console()
    with console.capture() as shown:
        console.print(_summary(watch, feeds))
    print(*(line.rstrip() for line in shown.get().rstrip("\n").split("\n")), sep="\n")
    for sibling, same in begun_from(directory):
        print(f"warning: the same as in {sibling}: {', '.join(same)}. Change what is to be this watch's own")
    return 0


def begun_from(directory: Path) -> Iterator[tuple[str, list[str]]]:
    """The watches beside one and in the package that say the same, each with what of title, sides, relevance and feeds."""
    mine = _said(directory)
    beside, packaged = (sorted(place.glob("*/watch.yaml")) for place in (directory.resolve().parent, PACKAGED))
    for sibling in {file.parent.name: file for file in (*packaged, *beside)}.values():
        if sibling.parent.name == directory.resolve().name:
            continue
        with suppress(ConfigError):  # what is wrong with another watch is not asked
            theirs = _said(sibling.parent)
            if same := [name for name, value in mine.items() if value is not None and value == theirs[name]]:
                yield sibling.parent.name, same


def _said(directory: Path) -> dict[str, object]:
    head = read_yaml(directory / "watch.yaml", WatchFile)
    feeds = directory / "feeds.opml"
    outlines = feeds.read_bytes() if feeds.is_file() else None
    return {"title": head.title, "sides": head.sides, "relevance": head.relevance, "feeds.opml": outlines}


def _summary(watch: Watch, feeds: int) -> Table:
    table = Table(title=f"{watch.name}: {watch.title}", title_justify="left", show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(style="bold")
    table.add_column()
    table.add_row("sides", f"{', '.join(watch.sides.challenger)} against {', '.join(watch.sides.target)}")
    table.add_row("backers", ", ".join(watch.sides.backers) or "none")
    table.add_row("actors", f"{len(watch.actors):,} known")
    table.add_row("signals", f"{len(watch.taxonomy.types)} types")
    table.add_row("gate", f"{counted(len(watch.gate.actors), 'actor')}, {counted(len(watch.gate.places), 'place')}, "
                  f"{counted(len(watch.gate.terms), 'term')}")  # fmt: skip
    table.add_row("relevance", f"{len(watch.relevance.description)} descriptions, {len(watch.relevance.decoys)} decoys, "
                  f"from {watch.relevance.threshold:g}")  # fmt: skip
    table.add_row("alerts", f"from {watch.policy.min_severity}, a story is quiet for {watch.policy.quiet_hours:g} h")
    table.add_row("feeds", str(feeds) if feeds else "none of its own")
    return table
