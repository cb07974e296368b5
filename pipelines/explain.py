"""explain: a text as a watch reads it, with its actors and signals highlighted, and why each was read.

    TEXT | URL | FILE ──► Entry ──► the stages of `detect` (alone.py) ──► terminal, JSON or a page of HTML

What it shows is what alerts: the entry goes through the same stages, alone. A page is fetched as collect fetches it.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from pipelines.recorded import UnreadableEntry, entry_of, read_object
from pipelines.usage import SPACY_MODEL_HELP, UsageError, load_model, parser_of, parsing, watch_directory
from pipelines.wording import counted
from schemas.entry import Entry, content_hash
from schemas.failure import Failure
from schemas.records import micros, to_dict
from schemas.watch import Watch, load_watch

if TYPE_CHECKING:
    from pipelines.explained import Explanation

TITLE = 300  # characters: a first line that is longer is no title
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")  # RFC 3986, 3.1
SUFFIXES = frozenset({".txt", ".html", ".htm", ".json", ".jsonl"})
SAVED = ". Save the page and give the file"
NEXT_STEPS = {"address-refused": ". --allow-local-addresses fetches it all the same"}
"""What to do where a page cannot be fetched, by the reason; else to save it."""
HERE = "given"  # feed and outlet of a text that has none


def run(argv: list[str]) -> int:
    """`vedette explain`: the exit status."""
    parser = parser_of("explain", "A text as a watch reads it, with its actors and signals highlighted, and why each was read.")
    parser.add_argument("what", metavar="TEXT|URL|FILE", help="a text (its first line is the title), the address of an article, "
                        "a file (text, HTML or one line of recorded entries), - for standard input")  # fmt: skip
    parser.add_argument("--watch", required=True, help="folder of the watch, or its name if it came with the package")
    parser.add_argument("--published", default="", help="when it was published, ISO 8601 (default: what the file says, else now)")
    parser.add_argument("--html", type=Path, help="write a page here, complete in itself")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="of the answer on the screen (default: text)")
    parser.add_argument("--model", default="", help="directory of a sentence-transformers model (default: as installed)")
    parser.add_argument("--spacy-model", default="", help=SPACY_MODEL_HELP)
    parser.add_argument("--allow-local-addresses", action="store_true", help="fetch from private and loopback addresses too")
    parser.add_argument("--user-agent", default="", help="how the fetcher introduces itself; give a way to reach you")
    args = parser.parse_args(argv)
    if args.html and not args.html.parent.is_dir():
        raise UsageError(f"--html {args.html}: there is no folder {args.html.parent}")
    if args.html and args.html.is_dir():
        raise UsageError(f"--html {args.html}: is a folder, the page is a file")
    watch = parsing(load_watch(watch_directory(args.watch)), args.spacy_model)
    entry = entry_from(args.what, args.published, lambda url, at: _fetched(url, at, args.user_agent, args.allow_local_addresses))
    told = explain(entry, watch, args.model)
    _tell_unread(told, watch, args.model)
    if args.html:
        from pipelines.explained_page import page

        args.html.write_text(page(told, watch), encoding="utf-8")
    if args.format == "json":
        print(json.dumps(to_dict(told), ensure_ascii=False, indent=2))
    else:
        from pipelines.explained_text import lines

        print(*lines(Console(highlight=False), told, watch), sep="\n")
    return 0


def explain(entry: Entry, watch: Watch, model: str = "") -> Explanation:
    """What the detector reads in an entry, and why. Raises UsageError if the model cannot be loaded or a stage fails."""
    from pipelines.alone import StageError, detect_alone
    from pipelines.explained import explanation

    load_model(model)
    try:
        report, story = detect_alone(entry, watch, model)
    except StageError as e:
        raise UsageError(f"{e}; `detect` would make it a dead letter (--verbose tells more)") from e
    return explanation(report, story.judgement if story else None, watch, model)


def _tell_unread(told: Explanation, watch: Watch, model: str) -> None:
    """Say on stderr what of a long text is not read in full (docs/quality.md)."""
    from transforms.signals.tagger import tagger_for

    if not told.gated:
        return
    unread = tagger_for(watch, model).unread(told.entry, tuple(each.actor for each in told.actors))
    for field, characters in unread.characters.items():
        print(f"the last {characters:,} characters of the {field} are not read", file=sys.stderr)
    if unread.sentences:
        print(
            f"the last {counted(unread.sentences, 'sentence')} that may say something are read by patterns only", file=sys.stderr
        )


def entry_from(what: str, published: str, fetch: Callable[[str, int], Entry]) -> Entry:
    """The entry that a text, an address or a file gives. Raises UsageError if there is nothing to read.

    published  ISO 8601; "" for what a recorded entry says of itself, else for now
    fetch      the article at an address, published when
    """
    at = _published(published)
    if SCHEME.match(what) and len(what.split()) == 1:
        return fetch(_address(what), at)
    path = Path(what)
    if what != "-" and not _is(path.is_file):
        _check_is_text(what, path)
        return _from_text(what, at)
    data = sys.stdin.buffer.read() if what == "-" else path.read_bytes()
    if path.suffix in (".html", ".htm"):
        return _from_page(data, what, at)
    if path.suffix in (".json", ".jsonl"):
        return _from_record(data, what, published)
    try:
        return _from_text(data.decode("utf-8"), at)
    except UnicodeDecodeError as e:
        raise UsageError(f"{what}: is not UTF-8: {e}") from None


def _address(what: str) -> str:
    from transforms.feeds.fetch import FetchError, parse_url

    try:
        return str(parse_url(what))
    except FetchError as e:
        raise UsageError(str(e)) from None


def _check_is_text(what: str, path: Path) -> None:
    """Raises UsageError if a single word that names no file was meant to: nobody explains the text "article.txt"."""
    if len(what.split()) != 1:
        return
    if _is(path.is_dir):
        raise UsageError(f"{what}: is a directory; give one file, or a text of more than a word")
    if path.suffix.lower() in SUFFIXES or (path.suffix and "/" in what):
        raise UsageError(f"{what}: there is no such file")


def _is(kind: Callable[[], bool]) -> bool:
    try:
        return kind()
    except (OSError, ValueError):  # a text is longer than a name may be, or has a NUL
        return False


def _published(given: str) -> int:
    try:
        return micros(given) if given else time.time_ns() // 1000
    except ValueError:
        raise UsageError(f"--published {given}: is no ISO 8601 time, such as 2022-02-10 or 2022-02-10T08:00Z") from None


def _from_text(text: str, published: int, url: str = "", title: str = "", language: str = "") -> Entry:
    if not title:
        first, _, rest = text.strip().partition("\n")
        title, text = (first.strip(), rest.strip()) if len(first) <= TITLE else ("", text.strip())
    if not (title or text):
        raise UsageError('there is no text to explain; for example: vedette explain "Talks begin in Oslo" --watch ...')
    digest = content_hash(title, "", text)
    return Entry("explained", 1, digest, published, published, published, False, HERE, HERE, url, title, "", text, language)


def _from_page(body: bytes, name: str, published: int) -> Entry:
    from transforms.fulltext.extract import PAGE, read_page

    found = read_page(body, "text/html", "")
    if found.kind != PAGE:
        raise UsageError(f"{name}: {found.complaint}")
    (article,) = found.items
    return _from_text(article.text, published, title=article.title, language=article.language)


def _from_record(data: bytes, name: str, published: str) -> Entry:
    try:
        record = read_object(data if name.endswith(".json") else _first_line(data, name))
        return entry_of({"feed": HERE, "outlet": HERE, **record, **({"published": published} if published else {})})
    except UnreadableEntry as e:
        raise UsageError(f"{name}: is no recorded entry: {e}") from None


def _first_line(data: bytes, name: str) -> bytes:
    lines = [(number, line) for number, line in enumerate(data.splitlines(), 1) if line.strip()]
    number, first = lines[0] if lines else (0, b"")
    if len(lines) > 1:
        print(f"{name}: only line {number} is explained, the first of {len(lines):,} entries", file=sys.stderr)
    return first


def _fetched(url: str, published: int, user_agent: str, allow_local: bool) -> Entry:
    from transforms.feeds.poller import USER_AGENT, Poller, PollOptions
    from transforms.fulltext.pages import Pages

    agent = user_agent or USER_AGENT
    asked = Entry("explained", 1, "", published, published, published, False, HERE, HERE, url, "", "")
    with Poller(PollOptions(user_agent=agent, allow_local_addresses=allow_local)) as poller:
        pages = Pages(poller, agent.partition("/")[0])
        found = pages.read(asked)
        pages.close()
    if isinstance(found, Failure):
        raise UsageError(f"{url}: {found.error}{NEXT_STEPS.get(found.reason, SAVED)}")
    return found
