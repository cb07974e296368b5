"""why: what became of an entry, and why it did or did not alert.

    log ──► Log.last: the last entry with this id or url ──► a backtest of the log up to it ──► told, stage by stage

The answer is a backtest's: of the directory that a backtest wrote, of a file of recorded entries, or of the log, read
anew from the topic `entries`. A file is folded by time, as `vedette backtest` folds it; the topic in its own order, as
the detector does. What came later had no say in an entry, so it is not read.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pipelines.log import Log, none_of
from pipelines.recorded import UnreadableEntry, read_object
from pipelines.usage import UsageError, parser_of, parsing, project_or_local, watch_directory
from pipelines.wording import counted
from schemas.watch import Watch, load_watch

ENTRY = frozenset(
    {"id", "url", "outlet", "title", "time", "relevant", "relevance", "gated", "outcome", "relation", "story_id"}
    | {"story_id_final", "duplicate_of", "compared", "actors", "signals", "judgement"}
)
STORY = frozenset({"id", "title", "entry_count", "watch"})
"""What is told of the lines of a backtest's entries.jsonl and stories.jsonl."""

MOST_SHOWN = 5
"""Entries and their versions that are told, if a part of a url means so many."""


def run(argv: list[str]) -> int:
    """`vedette why`: the exit status."""
    parser = parser_of("why", "What became of an entry, and why it did or did not alert.")
    parser.add_argument("entry", metavar="URL|ID", help="url or id of the entry, or a part of its url")
    parser.add_argument("--watch", required=True, help="folder of the watch, or its name if it came with the package")
    parser.add_argument("--log", default="", help="directory that a backtest wrote, or a file of recorded entries "
                        "(default: the topic `entries`)")  # fmt: skip
    parser.add_argument("--project", default="", help="Google Cloud project of the topic (default: that of the local endpoint)")
    parser.add_argument("--topic", default="entries", help="default: entries")
    parser.add_argument("--spacy-model", default="", help="as of `detect`, where the log is read anew (default: none)")
    args = parser.parse_args(argv)
    watch = parsing(load_watch(watch_directory(args.watch)), args.spacy_model)
    log = Path(args.log)
    if args.log and log.is_dir():
        if not (log / "entries.jsonl").is_file():
            raise UsageError(f"--log {log}: a backtest has not written here (no entries.jsonl)")
        _tell(args.entry, log, watch)
        return 0
    by_time = bool(args.log)
    found = Log(_lines_of(args.log, args.project, args.topic), by_time)
    last = found.last(args.entry)
    with tempfile.TemporaryDirectory() as scratch:
        _tell(args.entry, _detected(found, last, by_time, watch, Path(scratch)), watch)
    return 0


def _lines_of(log: str, project: str, topic: str) -> list[bytes]:
    """The lines of a file, or of the messages that a topic retains."""
    if log:
        if not Path(log).is_file():
            raise UsageError(f"--log {log}: there is no such file or directory")
        return Path(log).read_bytes().split(b"\n")
    from pipelines.pubsub import LocalOrReal

    name = f"projects/{project_or_local(project)}/topics/{topic}"
    pubsub = LocalOrReal()
    if not pubsub.has_topic(name):
        raise UsageError(f"there is no topic {name}: `vedette topics status` tells which there are")
    messages = sorted(pubsub.retained(name), key=lambda message: message.publish_time)
    return [line for message in messages for line in message.data.splitlines()]


def _detected(log: Log, last: int, by_time: bool, watch: Watch, scratch: Path) -> Path:
    """The directory of a backtest of the log up to an entry."""
    from pipelines.backtest import backtest
    from pipelines.detect import DetectAlerts

    lines = log.upto(last)
    of = "" if len(lines) == len(log) else f" of {len(log):,}"
    order = "by time, as a backtest does" if by_time else "as the detector did"
    told = f"reading the log up to this entry, {order}: {counted(len(lines), 'entry', 'entries')}{of}"
    print(told, file=sys.stderr, flush=True)
    source = scratch / "log.jsonl"
    source.write_bytes(b"".join(line + b"\n" for line in lines))
    backtest(DetectAlerts(watch, in_order=by_time), source, scratch / "results", show_progress=sys.stderr.isatty())
    return scratch / "results"


def _tell(wanted: str, results: Path, watch: Watch) -> None:
    lines = _records(results / "entries.jsonl", ENTRY)
    found = [e for e in lines if wanted in (e["id"], e["url"])] or [e for e in lines if wanted in e["url"]]
    if not found:
        raise UsageError(f"{wanted}: {none_of(len(lines))}")
    stories = {s["id"]: s for s in _records(results / "stories.jsonl", STORY)}
    titles = {e["id"]: e["title"] for e in lines}
    console = Console(highlight=False)
    for other in {story["watch"] for story in stories.values()} - {watch.name}:
        raise UsageError(f"--log {results}: was written for the watch {other}, not for {watch.name}")
    for entry in found[:MOST_SHOWN]:
        console.print(explain(entry, stories.get(entry["story_id"]), watch, titles), "", crop=False)
    if len(found) > MOST_SHOWN:
        console.print(f"[dim]and {len(found) - MOST_SHOWN} more: give the whole url, or the id[/]")


def _records(file: Path, fields: frozenset[str]) -> list[dict[str, Any]]:
    """The records of a file that a backtest wrote. Raises UsageError with file and line for what none has written so."""
    if not file.is_file():
        raise UsageError(f"{file}: there is no such file; run the backtest again")
    records = []
    for number, line in enumerate(file.open("rb"), 1):
        try:
            record = read_object(line.rstrip(b"\n"))
        except UnreadableEntry as e:
            raise UsageError(f"{file}:{number}: {e}; run the backtest again") from None
        if missing := sorted(fields - record.keys()):
            raise UsageError(f"{file}:{number}: has no {', '.join(missing)}: no backtest of this release wrote it")
        records.append(record)
    return records


def explain(entry: dict[str, Any], story: dict[str, Any] | None, watch: Watch, titles: Mapping[str, str]) -> Group:
    """The decisions on one entry (a line of a backtest's entries.jsonl): title, url in one piece, then stage by stage a table.
    `titles`: by entry id."""
    head = Text(entry["title"] or entry["id"], "italic")
    url = Text(entry["url"], no_wrap=True, overflow="ignore")
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column()

    def row(stage: str, text: str, indent: int = 0) -> None:
        table.add_row(stage, Padding(Text(text), (0, 0, 0, indent), expand=False))

    row("Entry", f"{entry['id']}  {entry['outlet']}  {entry['time']}")
    row("TagActors", ", ".join(f"{a['name']}{' (' + a['role'] + ')' if a['role'] else ''}" for a in entry["actors"]) or "none")
    row("Gate", "passed" if entry["gated"] else "closed: no actor and no term of the watch's gate is named")
    if entry["gated"]:
        limit = watch.relevance.threshold
        row("ScoreRelevance", f"{entry['relevance']:.3f}, the watch asks for {limit:g}: {entry['outcome']}")
    elif entry["outcome"] == "unsupported language":
        row("ScoreRelevance", entry["outcome"])
    for s in entry["signals"]:
        parties = " → ".join(x for x in (s["source"], s["target"]) if x)
        row("TagSignals", f"{s['type']} ({s['modality']}) {parties}: {s['field']}[{s['start']}:{s['end']}] “{s['evidence']}”")
    if entry["relation"]:
        row("FoldStories", _placed(entry, story))
        for comparison in entry["compared"]:
            verdict, parts = _compared(comparison, titles)
            row("", verdict)
            row("", parts, indent=4)
    judgement = entry["judgement"]
    if judgement:
        product = " x ".join(f"{f['name']} {f['value']:g} ({f['why']})" for f in judgement["factors"])
        row("RaiseAlerts", f"{judgement['severity']}, score {judgement['score']:g}" + (f" = {product}" if product else ""))
        row("", ("alert: " if judgement["alert"] else "no alert: ") + judgement["reason"])
    else:
        row(
            "RaiseAlerts",
            "no alert: "
            + ("nothing new was folded" if entry["relevant"] else "the entry is " + (entry["outcome"] or "not relevant")),
        )
    return Group(head, *([url] if entry["url"] else []), table)


def _placed(entry: dict[str, Any], story: dict[str, Any] | None) -> str:
    told = {
        "new": "founds a story",
        "report": "another report of the story",
        "duplicate": f"repeats the wording of {entry['duplicate_of']}, in the story",
        "update": "a new version of an entry of the story"
        + (f", a copy of {entry['duplicate_of']}" if entry["duplicate_of"] else ""),
        "replay": "the same text came before, in the story",
    }[entry["relation"]]
    titled = f" “{story['title']}”, {counted(story['entry_count'], 'entry', 'entries')}" if story else ""
    merged = entry["story_id_final"] != entry["story_id"]
    return f"{told}: {entry['story_id']}{titled}" + (f"; merged into {entry['story_id_final']} later" if merged else "")


def _compared(c: dict[str, Any], titles: Mapping[str, str]) -> tuple[str, str]:
    """One comparison of the fold: what came of it by which judgement, and beside it the other one and what the nearness was made
    of."""
    wording = ("the same page, " if c["same_page"] else "") + f"{c['resemblance']:.0%} of the wording"
    affinity = f"affinity {c['affinity']:.2f} of {c['needed']:.2f} needed"
    title = f" {c['entry_id']} “{titles.get(c['entry_id'], '')}”"
    verdict, other = {
        "report": (f"{affinity}: one story with{title}", wording),
        "apart": (f"{affinity}: apart from{title}", wording),
        "duplicate": (f"{wording}: a copy of{title}", affinity),
        "version": (f"{wording}: takes the place of the version before", affinity),
    }[c["verdict"]]
    parts = [
        other,
        f"cosine {c['cosine']:.2f}, {c['centred']:.2f} beyond the common",
        _share("words", c["words"], [word for word in c["shared_words"] if word not in c["shared_numbers"]]),
        _share("actors", c["actors"], c["shared_actors"]),
        f"numbers: {', '.join(c['shared_numbers'])}" if c["shared_numbers"] else "",
        f"{c['hours']:.1f} h",
        f"against it: {', '.join(c['against'])}" if c["against"] else "",
    ]
    return verdict, " | ".join(filter(None, parts))


def _share(name: str, share: float, shared: Sequence[str]) -> str:
    return f"{name} {share:.2f}" + (f": {', '.join(shared)}" if shared else "")
