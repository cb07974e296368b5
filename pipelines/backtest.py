"""backtest: recorded entries in, JSON lines out. What it says of a log in its order, `detect` says of the same log.

    ENTRIES.jsonl ──► ReadLines ──► OpenLines ──► DetectAlerts (by time, then id) ──► WriteResults ──► DIR/entries.jsonl
                                                                                                           stories.jsonl
                                                                                                           alerts.jsonl
                                                                                                           failures.jsonl

The same input gives the same files, byte for byte. It is sorted by time, so that the lines may stand in any order; only with
--log-order they are folded as they stand. A log is out of time order where a feed tells of an entry late.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from pipelines.alone import TORCH_THREADS
from pipelines.detect import DetectAlerts
from pipelines.recorded import UnreadableEntry, read_entry
from pipelines.usage import SPACY_MODEL_HELP, UsageError, load_model, parser_of, parsing, watch_directory
from pipelines.wording import counted
from schemas.alert import Alert, alert_json
from schemas.failure import Failure, failure
from schemas.records import iso, to_dict, to_json
from schemas.report import Report
from schemas.story import Story
from schemas.watch import load_watch
from transforms.embedding.model import warm
from transforms.stories.merging import with_final_ids

logger = logging.getLogger(__name__)
ENGINE = "FnApiRunner"
OPEN_LINES = "OpenLines"
"""Beam's batch runner, in this process; the streaming one of `detect` would make a new DoFn for every bundle."""


Line = tuple[int, bytes]
"""The number of a line in its file, from 1, and what it holds."""


class ReadLines(beam.DoFn):
    """A path -> the lines of the file, with their numbers. Beam's own reading tells no numbers: whoever is told that a line is
    wrong wants to find it."""

    def process(self, path: str) -> Iterator[Line]:
        with open(path, "rb") as file:
            for number, line in enumerate(file, 1):
                yield number, line.rstrip(b"\r\n")


class OpenLines(beam.DoFn):
    """A line of the input -> the watch's report on its entry, not yet read. A line that is no entry becomes a dead letter."""

    def __init__(self, watch: str) -> None:
        self.watch = watch

    def process(self, numbered: Line) -> Iterator[Any]:
        _lines_read.tick()
        number, line = numbered
        if not line.strip():
            return
        try:
            yield Report(self.watch, read_entry(line))
        except UnreadableEntry as e:
            dead = failure(OPEN_LINES, "unreadable-entry", str(e), f"line {number}", line)
            yield beam.pvalue.TaggedOutput("failures", dead)


@dataclass
class WriteResults(beam.PTransform):
    """What DetectAlerts returns -> the files of a backtest in a directory, each sorted by time and id."""

    output: str

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, detected: dict[str, beam.PCollection[Any]]) -> beam.PCollection[str]:
        keyed = {
            name: detected[name] | f"Key_{name}" >> beam.Map(lambda value: ("", value))
            for name in ("reports", "stories", "alerts", "failures")
        }
        keyed["once"] = detected["reports"].pipeline | "Once" >> beam.Create([("", None)])  # an empty input gives empty files
        return keyed | "Gather" >> beam.CoGroupByKey() | "WriteFiles" >> beam.ParDo(_WriteFiles(self.output))


class _WriteFiles(beam.DoFn):
    def __init__(self, output: str) -> None:
        self.output = output

    def process(self, element: tuple[str, dict[str, Iterable[Any]]]) -> Iterator[str]:
        _, groups = element
        revisions: dict[tuple[str, int], Story] = {(s.id, s.revision): s for s in groups["stories"]}
        last = with_final_ids({id_: revisions[id_, number] for id_, number in sorted(revisions)})
        reports: list[Report] = sorted(groups["reports"], key=_by_time)
        alerts: list[Alert] = sorted(groups["alerts"], key=lambda a: (a.event_time, a.alert_id))
        failures: list[Failure] = sorted(groups["failures"], key=lambda f: (f.stage, _number(f.subject), f.subject, f.payload))
        stories = sorted(last.values(), key=lambda s: (s.first_time, s.id))
        lines = {
            "entries.jsonl": [_entry_line(r, revisions.get((r.story_id or "", r.revision)), last) for r in reports],
            "stories.jsonl": [to_json(s) for s in stories],
            "alerts.jsonl": [alert_json(a) for a in alerts],
            "failures.jsonl": [to_json(f) for f in failures],
        }
        directory = Path(self.output)
        directory.mkdir(parents=True, exist_ok=True)
        for name, rows in lines.items():
            (directory / name).write_bytes(b"".join(row + b"\n" for row in rows))
            yield f"{name}: {len(rows)}"


def _number(subject: str) -> int:
    """The number in "line 12", so that the second line stands before the tenth; 0 for what is no line."""
    found = re.fullmatch(r"line (\d+)", subject)
    return int(found[1]) if found else 0


def _by_time(report: Report) -> tuple[int, str, int, str]:
    entry = report.entry
    return entry.time, entry.id, entry.version, entry.content_hash


def _entry_line(report: Report, story: Story | None, last: dict[str, Story]) -> bytes:
    """What the detector says of an entry: the line that scoring and `vedette why` read."""
    judgement = story.judgement if story else None
    line = {
        "id": report.entry.id,
        "url": report.entry.url,
        "outlet": report.entry.outlet,
        "title": report.entry.title,
        "time": iso(report.entry.time),
        "relevant": report.relevant,
        "relevance": report.relevance,
        "gated": report.gated,
        "outcome": report.outcome,
        "relation": report.relation,
        "story_id": report.story_id,
        "story_id_final": last[report.story_id].final_id if report.story_id in last else report.story_id,
        "similarity": report.similarity,
        "duplicate_of": report.duplicate_of,
        "compared": [to_dict(c) for c in report.compared],
        "actors": [to_dict(a) for a in report.actors],
        "signals": [to_dict(s) for s in report.signals] if report.relevant else [],
        "judgement": to_dict(judgement) if judgement else None,
    }
    return json.dumps(line, ensure_ascii=False).encode("utf-8")


def build_pipeline(pipeline: beam.Pipeline, lines: beam.PCollection[Line], detect: DetectAlerts, output: str) -> None:
    """The graph from lines of recorded entries to the files."""
    open_lines = beam.ParDo(OpenLines(detect.watch.name)).with_output_types(Report, failures=Failure)
    opened = lines | OPEN_LINES >> open_lines.with_outputs("failures", main="reports")
    detected = dict(opened.reports | "DetectAlerts" >> detect)
    detected["failures"] = (opened.failures, detected["failures"]) | "AllFailures" >> beam.Flatten()
    _ = detected | "WriteResults" >> WriteResults(output)


def backtest(detect: DetectAlerts, source: Path, output: Path, show_progress: bool = False) -> None:
    """Run the detector over a file of recorded entries and write what it says to a directory."""
    total = sum(1 for _ in source.open("rb"))
    options = PipelineOptions(["--runner", ENGINE, "--direct_running_mode", "in_memory"])
    warm(detect.model, TORCH_THREADS)
    with _lines_read.shown(total, show_progress), beam.Pipeline(options=options) as pipeline:
        path = pipeline | beam.Create([str(source.resolve())])
        lines = path | "ReadLines" >> beam.ParDo(ReadLines()).with_output_types(Line)
        build_pipeline(pipeline, lines, detect, str(output.resolve()))


class _Count:
    """Lines read so far, counted where the work is done: the local runner tells nothing while it runs."""

    def __init__(self) -> None:
        self.progress: Progress | None = None
        self.task: Any = None

    def shown(self, total: int, show: bool) -> Progress:
        columns = (TextColumn("reading entries"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self.progress = Progress(*columns, console=Console(stderr=True), disable=not show)
        self.task = self.progress.add_task("entries", total=total)
        return self.progress

    def tick(self) -> None:
        if self.progress is not None:
            self.progress.advance(self.task)


_lines_read = _Count()


def run(argv: list[str]) -> int:
    """`vedette backtest`: the exit status."""
    parser = parser_of("backtest", "Recorded entries in, JSON lines out: what the detector says of them.")
    parser.add_argument("--watch", required=True, help="folder of the watch, or its name if it came with the package")
    parser.add_argument("--input", required=True, type=Path, help="JSON lines of recorded entries")
    parser.add_argument("--output", required=True, type=Path, help="directory for the results")
    parser.add_argument("--all-topics", action="store_true", help="treat every entry as relevant (for measuring)")
    parser.add_argument("--log-order", action="store_true", help="fold the entries as they stand, as the detector does "
                        "(default: by time)")  # fmt: skip
    parser.add_argument(
        "--alert-on-backfill", action="store_true", help="let entries alert that a feed held before it was first polled"
    )
    parser.add_argument(
        "--model", default="", help="directory of a sentence-transformers model (default: all-MiniLM-L6-v2 as installed)"
    )
    parser.add_argument("--spacy-model", default="", help=SPACY_MODEL_HELP)
    args = parser.parse_args(argv)
    if not args.input.is_file():
        raise UsageError(f"--input {args.input}: there is no such file")
    for path in (args.output, *args.output.parents):
        if path.is_file():
            raise UsageError(f"--output {args.output}: {path} is a file, and the results are files in a directory")
    watch = parsing(load_watch(watch_directory(args.watch)), args.spacy_model)
    detect = DetectAlerts(
        watch,
        in_order=not args.log_order,
        all_topics=args.all_topics,
        alert_on_backfill=args.alert_on_backfill,
        model=load_model(args.model),
    )
    backtest(detect, args.input, args.output, show_progress=True)
    _summary(args.output)
    return 0


MOST_TOLD = 3
"""Failures that are told on the screen; all are in the file."""


def _summary(output: Path) -> None:
    def lines(name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (output / f"{name}.jsonl").open("rb")]

    entries, failures = lines("entries"), lines("failures")
    relevant = sum(entry["relevant"] for entry in entries)
    found = f"{counted(len(lines('stories')), 'story', 'stories')}, {counted(len(lines('alerts')), 'alert')}"
    failed = counted(len(failures), "failure") if failures else "no failures"
    print(f"{counted(len(entries), 'entry', 'entries')}, {relevant:,} relevant: {found}, {failed}, in {output}")
    for each in failures[:MOST_TOLD]:
        stage = "" if each["stage"] == OPEN_LINES else f" ({each['stage']})"  # what reads the file is no stage to a reader
        print(f"  {each['subject']}: {each['error']}{stage}")
    if len(failures) > MOST_TOLD:
        print(f"  ... {output / 'failures.jsonl'} has them all")
