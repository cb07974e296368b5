"""why: what became of an entry, and why it did or did not alert.

The answer is a backtest's: of the directory that a backtest wrote, of a file of recorded entries, or of the log, read
anew from the topic `entries`. What a backtest says of a log, the detector says of the same log.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipelines.backtest import backtest
from pipelines.detect import DetectAlerts
from pipelines.pubsub import LocalOrReal
from pipelines.usage import UsageError, project_or_local, watch_directory
from schemas.watch import Watch, load_watch


def run(argv: list[str]) -> int:
    """`vedette why`: the exit status."""
    parser = argparse.ArgumentParser(prog="vedette why", description=__doc__.split("\n")[0])
    parser.add_argument("entry", metavar="URL|ID", help="url or id of the entry, or a part of its url")
    parser.add_argument("--watch", required=True, help="folder of the watch")
    parser.add_argument("--log", default="", help="directory that a backtest wrote, or a file of recorded entries "
                        "(default: the topic `entries`)")  # fmt: skip
    parser.add_argument("--project", default="", help="Google Cloud project of the topic (default: that of the local endpoint)")
    parser.add_argument("--topic", default="entries", help="default: entries")
    args = parser.parse_args(argv)
    watch = load_watch(watch_directory(args.watch))
    with tempfile.TemporaryDirectory() as scratch:
        results = _results(args, watch, Path(scratch))
        lines = [json.loads(line) for line in (results / "entries.jsonl").open("rb")]
        found = [e for e in lines if args.entry in (e["id"], e["url"])] or [e for e in lines if args.entry in e["url"]]
        if not found:
            raise UsageError(f"{args.entry}: none of the {len(lines)} entries of the log has this id or url")
        stories = {s["id"]: s for s in map(json.loads, (results / "stories.jsonl").open("rb"))}
        titles = {e["id"]: e["title"] for e in lines}
        for entry in found[:5]:
            Console(highlight=False).print(explain(entry, stories.get(entry["story_id"]), watch, titles))
    return 0


def _results(args: argparse.Namespace, watch: Watch, scratch: Path) -> Path:
    log = Path(args.log) if args.log else None
    if log is not None and log.is_dir():
        if not (log / "entries.jsonl").is_file():
            raise UsageError(f"--log {log}: a backtest has not written here (no entries.jsonl)")
        return log
    if log is None:
        project = project_or_local(args.project)
        log = scratch / "log.jsonl"
        with log.open("wb") as f:
            for message in LocalOrReal().retained(f"projects/{project}/topics/{args.topic}"):
                f.write(message.data.rstrip(b"\n") + b"\n")
    elif not log.is_file():
        raise UsageError(f"--log {log}: there is no such file or directory")
    backtest(DetectAlerts(watch, in_order=True), log, scratch / "results", show_progress=True)
    return scratch / "results"


def explain(entry: dict[str, Any], story: dict[str, Any] | None, watch: Watch, titles: Mapping[str, str]) -> Table:
    """The decisions on one entry (a line of a backtest's entries.jsonl), stage by stage, as a table. `titles`: by entry id."""
    table = Table(
        title=escape(entry["title"] or entry["id"]), title_justify="left", show_header=False, box=None, padding=(0, 2, 0, 0)
    )
    table.add_column(style="bold", no_wrap=True)
    table.add_column()

    def row(stage: str, text: str) -> None:
        table.add_row(stage, escape(text))

    row("Entry", f"{entry['id']}  {entry['outlet']}  {entry['time']}  {entry['url']}")
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
            row("", _compared(comparison, titles))
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
    return table


def _placed(entry: dict[str, Any], story: dict[str, Any] | None) -> str:
    told = {
        "new": "founds a story",
        "report": "another report of the story",
        "duplicate": f"repeats the wording of {entry['duplicate_of']}, in the story",
        "update": "a new version of an entry of the story"
        + (f", a copy of {entry['duplicate_of']}" if entry["duplicate_of"] else ""),
        "replay": "the same text came before, in the story",
    }[entry["relation"]]
    titled = f" “{story['title']}”, {story['entry_count']} entries in all" if story else ""
    merged = entry["story_id_final"] != entry["story_id"]
    return f"{told}: {entry['story_id']}{titled}" + (f"; merged into {entry['story_id_final']} later" if merged else "")


def _compared(c: dict[str, Any], titles: Mapping[str, str]) -> str:
    """One comparison of the fold: with whom, what came of it, and what the nearness was made of."""
    wording = "the same page" if c["same_page"] else f"{c['resemblance']:.0%} of the wording"
    verdict = {
        "report": f"affinity {c['affinity']:.2f} of {c['needed']:.2f} needed: one story with",
        "apart": f"affinity {c['affinity']:.2f} of {c['needed']:.2f} needed: apart from",
        "duplicate": f"{wording}: a copy of",
        "version": f"{wording}: takes the place of the version before of",
    }[c["verdict"]]
    parts = [
        f"cosine {c['cosine']:.2f}, {c['centred']:.2f} beyond the common",
        _share("words", c["words"], [word for word in c["shared_words"] if word not in c["shared_numbers"]]),
        _share("actors", c["actors"], c["shared_actors"]),
        f"numbers: {', '.join(c['shared_numbers'])}" if c["shared_numbers"] else "",
        f"{c['hours']:.1f} h",
        f"against it: {', '.join(c['against'])}" if c["against"] else "",
    ]
    title = "" if c["verdict"] == "version" else f" “{titles.get(c['entry_id'], '')}”"
    return f"{verdict} {c['entry_id']}{title}\n    {' | '.join(filter(None, parts))}"


def _share(name: str, share: float, shared: Sequence[str]) -> str:
    return f"{name} {share:.2f}" + (f": {', '.join(shared)}" if shared else "")
