"""explain: a text as a watch reads it, with its actors and signals highlighted, and why each was read.

    TEXT | URL | FILE ──► Entry ──► DetectAlerts, as `detect` and `backtest` run it ──► terminal, JSON or a page of HTML

What it shows is what alerts: the entry goes through the same graph, alone. A page is fetched as collect fetches it.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from rich.console import Console

from pipelines.backtest import ENGINE, entry_of
from pipelines.detect import DetectAlerts
from pipelines.explained import Explanation, explanation
from pipelines.usage import UsageError, watch_directory
from schemas.entry import Entry, content_hash
from schemas.failure import Failure
from schemas.records import from_json, micros, to_dict, to_json
from schemas.report import Report
from schemas.story import Story
from schemas.watch import load_watch

TITLE = 300  # characters: a first line that is longer is no title
HERE = "given"  # feed and outlet of a text that has none


def run(argv: list[str]) -> int:
    """`vedette explain`: the exit status."""
    parser = argparse.ArgumentParser(prog="vedette explain", description=__doc__.split("\n")[0])
    parser.add_argument("what", metavar="TEXT|URL|FILE", help="a text (its first line is the title), the address of an article, "
                        "a file (text, HTML or one line of recorded entries), - for standard input")  # fmt: skip
    parser.add_argument("--watch", required=True, help="folder of the watch")
    parser.add_argument("--published", default="", help="when it was published, ISO 8601 (default: what the file says, else now)")
    parser.add_argument("--html", type=Path, help="write a page here, complete in itself")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="of the answer on the screen (default: text)")
    parser.add_argument("--model", default="", help="directory of a sentence-transformers model (default: as installed)")
    parser.add_argument("--spacy-model", default="", help="installed spaCy model that finds actors no list knows (default: none)")
    parser.add_argument("--allow-local-addresses", action="store_true", help="fetch from private and loopback addresses too")
    parser.add_argument("--user-agent", default="", help="how the fetcher introduces itself; give a way to reach you")
    args = parser.parse_args(argv)
    watch = load_watch(watch_directory(args.watch))
    entry = entry_from(args.what, args.published, lambda url, at: _fetched(url, at, args.user_agent, args.allow_local_addresses))
    told = explain(entry, DetectAlerts(watch, in_order=True, model=args.model, spacy_model=args.spacy_model))
    if args.html:
        from pipelines.explained_page import page

        args.html.write_text(page(told, watch), encoding="utf-8")
    if args.format == "json":
        print(json.dumps(to_dict(told), ensure_ascii=False, indent=2))
    else:
        from pipelines.explained_text import screen

        Console(highlight=False).print(screen(told, watch))
    return 0


def explain(entry: Entry, detect: DetectAlerts) -> Explanation:
    """What the detector reads in an entry, and why. Raises UsageError with the dead letter if it cannot read it."""
    with tempfile.TemporaryDirectory() as scratch:
        report, story = _detected(entry, detect, Path(scratch))
    return explanation(report, story.judgement if story else None, detect.watch, detect.model, detect.spacy_model)


def _detected(entry: Entry, detect: DetectAlerts, scratch: Path) -> tuple[Report, Story | None]:
    options = PipelineOptions(["--runner", ENGINE, "--direct_running_mode", "in_memory"])
    with beam.Pipeline(options=options) as pipeline:
        reports = pipeline | beam.Create([Report(detect.watch.name, entry)]).with_output_types(Report)
        detected: dict[str, Any] = dict(reports | "DetectAlerts" >> detect)
        detected["reports"] = detected["reports"] | "NoVectors" >> beam.Map(replace, vector=b"").with_output_types(Report)
        for name in ("reports", "stories", "failures"):
            lines = detected[name] | f"Json_{name}" >> beam.Map(to_json)
            lines | f"Write_{name}" >> beam.io.WriteToText(str(scratch / name), shard_name_template="", coder=_Bytes())
    for line in _lines(scratch / "failures"):
        dead = from_json(Failure, line)
        raise UsageError(f"{dead.stage}: {dead.error}")
    (report,) = (from_json(Report, line) for line in _lines(scratch / "reports"))
    return report, next((from_json(Story, line) for line in _lines(scratch / "stories")), None)


class _Bytes(beam.coders.BytesCoder):
    def to_type_hint(self) -> type:
        return bytes


def _lines(path: Path) -> Iterator[bytes]:
    return iter(path.read_bytes().splitlines() if path.exists() else [])


def entry_from(what: str, published: str, fetch: Callable[[str, int], Entry]) -> Entry:
    """The entry that a text, an address or a file gives. Raises UsageError if there is nothing to read.

    published  ISO 8601; "" for what a recorded entry says of itself, else for now
    fetch      the article at an address, published when
    """
    at = _published(published)
    if what.startswith(("http://", "https://")):
        return fetch(what, at)
    path = Path(what)
    if what != "-" and not _is_file(path):
        if path.suffix and "/" in what and len(what.split()) == 1:
            raise UsageError(f"{what}: there is no such file")
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


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
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
        raise UsageError("there is no text to explain")
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
        record = json.loads(data if name.endswith(".json") else next(filter(None, data.splitlines()), b""))
        return entry_of({"feed": HERE, "outlet": HERE, **record, **({"published": published} if published else {})})
    except (ValueError, KeyError, TypeError) as e:
        raise UsageError(f"{name}: is no recorded entry: {e}") from None


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
        raise UsageError(f"{url}: {found.error}")
    return found
