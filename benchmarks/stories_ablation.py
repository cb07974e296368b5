"""What each part of the judgement on stories is worth, and how steady it is around the chosen numbers.

    python benchmarks/stories_ablation.py [GOLD...]

GOLD is a labelled file: CSV lines with uri, published_at, title, cluster_id, or JSON lines with `entry` and `labels` (each
with `story`); every entry of it is taken to be relevant. The recording of the watch (the entries that are relevant to it)
and the hard cases are always folded, by the labels in tests/data/stories.

Entries are read once (actors, vector) and folded again for every variant: the product as it is, each part left out, numbers
around those chosen, five orders in which each entry comes up to half an hour late, and five samples of the entries: what the
figure of a set owes to chance. Last, the figure without the entries of the set's largest story. Printed: B-cubed precision,
recall and F1, and how many of the hard cases come out right.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import yaml

from pipelines.recorded import entry_of
from pipelines.recording import Recording, entries
from schemas import Entry, Judgement, Report, Story
from schemas.watch import Folding, Watch, load_watch
from transforms.actors.tagger import tagger_for
from transforms.embedding.lead import title_and_lead
from transforms.embedding.model import embedder
from transforms.relevance.stage import gated, scored
from transforms.stories import affinity, copying, merging, placing
from transforms.stories.fold import Fold
from transforms.stories.theme import theme_of

ROOT = Path(__file__).parents[1]
LABELS = ROOT / "tests/data/stories"
CASES_BEGIN = datetime(2022, 2, 9, 12, tzinfo=UTC)  # hour 0 of the hard cases
HALF_AN_HOUR = placing.HOUR // 2
ORDERS = 5
SAMPLES = 5
SAMPLED = 0.85  # of the entries
ABOVE_ALL = 9.0  # no affinity reaches it


@dataclass(frozen=True)
class Gold:
    """Labelled reports in order of time, and one list of stories for each who labelled them."""

    name: str
    reports: list[Report]
    labels: list[list[str]]


@dataclass(frozen=True)
class Variant:
    """A name, and what is other than in the product: attributes of modules, settings of `Folding`."""

    name: str
    numbers: tuple[tuple[Any, str, float], ...] = ()
    folding: tuple[tuple[str, float], ...] = ()


LEFT_OUT = (
    Variant("the product"),
    Variant("without centring", ((affinity, "CENTRING", 0.0),), (("same_story", 0.42),)),
    Variant("without words", ((affinity, "WORDS", 0.0),)),
    Variant("words alone", ((affinity, "WORDS", 1.0),)),
    Variant("without actors", ((affinity, "OTHER_ACTORS", 0.0),)),
    Variant("without numbers", ((affinity, "OTHER_QUANTITIES", 0.0),)),
    Variant("without days", ((affinity, "OTHER_DAYS", 0.0),)),
    Variant("without silence", ((placing, "SILENCE", 0.0),)),
    Variant("without crowd", ((placing, "CROWD", 0.0),), (("same_story", 0.32),)),
    Variant("a story is its last report", ((placing, "STANDING", 1),)),
    Variant("without copies", tuple((copying, name, ABOVE_ALL) for name in ("SAME_BODY", "SAME_WORDING", "SAME_PAGE"))),
    Variant("without merges", ((merging, "FEWEST", 10**9),)),
)  # fmt: skip
AROUND = (
    *(Variant(f"same_story {value}", (), (("same_story", value),)) for value in (0.14, 0.16, 0.18, 0.2, 0.22, 0.24, 0.26)),
    *(Variant(f"same_text {value}", (), (("same_text", value),)) for value in (0.89, 0.93, 0.97)),
    *(Variant(f"centring {value}", ((affinity, "CENTRING", value),)) for value in (0.8, 1.0)),
    *(Variant(f"words {value}", ((affinity, "WORDS", value),)) for value in (0.3, 0.5)),
    *(Variant(f"silence {value}", ((placing, "SILENCE", value),)) for value in (0.1, 0.2)),
    *(Variant(f"longest silence {value}", ((placing, "LONGEST_SILENCE", value),)) for value in (1.0, 2.0)),
    *(Variant(f"crowd {value}", ((placing, "CROWD", value),)) for value in (0.02, 0.03)),
    *(Variant(f"other actors {value}", ((affinity, "OTHER_ACTORS", value),)) for value in (0.03, 0.08)),
    *(Variant(f"other days {value}", ((affinity, "OTHER_DAYS", value),)) for value in (0.07, 0.13)),
)


def bcubed(gold: Sequence[str], found: Sequence[str]) -> tuple[float, float, float]:
    """B-cubed precision, recall and F1 (Bagga and Baldwin 1998) of clusters, one label an item."""
    ours, theirs, both = Counter(found), Counter(gold), Counter(zip(found, gold, strict=True))
    pairs = list(zip(found, gold, strict=True))
    precision = sum(both[a, b] / ours[a] for a, b in pairs) / len(pairs)
    recall = sum(both[a, b] / theirs[b] for a, b in pairs) / len(pairs)
    return precision, recall, 2 * precision * recall / (precision + recall)


def read(entry: Entry, watch: Watch, all_topics: bool) -> Report:
    """The entry as the detector reads it before it is folded (without signals: no story depends on them)."""
    report = Report(watch.name, entry, actors=tagger_for(watch).tag(entry))
    report = gated(report, watch, all_topics)
    if report.gated:
        vector = embedder("", 1).embed([title_and_lead(entry)])[0]
        report = replace(report, vector=vector.astype("<f4").tobytes())
    return scored(report, watch, "", 1, all_topics)


def gold_of(path: Path, watch: Watch) -> Gold:
    """A labelled file. Raises OSError, KeyError or ValueError if it is none."""
    with path.open(encoding="utf-8", newline="") as f:
        rows = list(csv.DictReader(f)) if path.suffix == ".csv" else [json.loads(line) for line in f if line.strip()]
    labelled = []
    for row in rows:
        if "cluster_id" in row:
            line = {"id": row["uri"], "feed": "gold", "outlet": "gold", "title": row["title"], "published": row["published_at"]}
            labelled.append((entry_of(line), [row["cluster_id"]]))
        else:
            labelled.append((entry_of(row["entry"]), [label["story"] for label in row["labels"]]))
    return _gold(path.name, labelled, watch, all_topics=True)


def recording_of(directory: Path, labels: Path, watch: Watch) -> Gold:
    """The first versions of a recording's entries, with the stories that a file of labels groups by slug."""
    groups = yaml.safe_load(labels.read_text(encoding="utf-8"))["stories"]
    story_of = {slug: group[0] for group in groups for slug in group}
    first: dict[str, Entry] = {}
    for line in entries(Recording.load(directory)):
        first.setdefault(line["id"], entry_of(line))
    slugs = {entry_id: entry_id.rpartition("/")[2] for entry_id in first}
    labelled = [(entry, [story_of.get(slugs[entry.id], slugs[entry.id])]) for entry in first.values()]
    return _gold(directory.name, labelled, watch, all_topics=False)


def _gold(name: str, labelled: list[tuple[Entry, list[str]]], watch: Watch, all_topics: bool) -> Gold:
    read_ = [(read(entry, watch, all_topics), labels) for entry, labels in labelled]
    kept = sorted(((r, labels) for r, labels in read_ if r.relevant), key=lambda pair: (pair[0].entry.time, pair[0].entry.id))
    return Gold(name, [r for r, _ in kept], [list(column) for column in zip(*(labels for _, labels in kept), strict=True)])


@dataclass(frozen=True)
class Case:
    """A hard case: its reports in the order of the file, their stories, and which of them each one copies (None: none)."""

    name: str
    reports: list[Report]
    stories: list[str]
    copies: list[int | None]


def cases_of(directory: Path, watch: Watch) -> tuple[list[Report], list[Case]]:
    """The background and the hard cases of tests/data/stories, read."""
    background = yaml.safe_load((directory / "background.yaml").read_text(encoding="utf-8"))["entries"]
    cases = yaml.safe_load((directory / "cases.yaml").read_text(encoding="utf-8"))["cases"]

    def report(line: dict[str, Any], entry_id: str, time: datetime) -> Report:
        fields = {"id": entry_id, "feed": "case", "outlet": line["outlet"], "url": line.get("url", "")}
        return read(
            entry_of({**fields, "title": line["title"], "summary": line["summary"], "published": time.isoformat()}), watch, True
        )

    return (
        [report(line, f"background-{n:02}", datetime.fromisoformat(line["at"])) for n, line in enumerate(background)],
        [
            Case(
                case["name"],
                [report(line, f"case-{n}", CASES_BEGIN + timedelta(hours=line["at"])) for n, line in enumerate(case["entries"])],
                [line["story"] for line in case["entries"]],
                [line.get("copy") for line in case["entries"]],
            )
            for case in cases
        ],
    )


def faults(case: Case, background: list[Report], watch: Watch) -> list[str]:
    """What the fold gets wrong in a case, in words; nothing if it is right."""
    log = sorted([*background, *case.reports], key=lambda r: (r.entry.time, r.entry.id))
    fold = Fold(watch, _no_judgement, theme=theme_of(watch))
    placed = {r.entry.id: r for r in (fold.fold(report)[0] for report in log)}
    found = [placed[r.entry.id] for r in case.reports]
    told = []
    for n, report in enumerate(found):
        for m, earlier in enumerate(found[:n]):
            if (case.stories[n] == case.stories[m]) != (report.story_id == earlier.story_id):
                told.append(f"{m} and {n} are {'one story' if report.story_id == earlier.story_id else 'two stories'}")
        copy = case.copies[n]
        if report.duplicate_of != (None if copy is None else case.reports[copy].entry.id):
            told.append(f"{n} is a copy of {report.duplicate_of}")
        if report.story_id in {placed[r.entry.id].story_id for r in background}:
            told.append(f"{n} joins another matter")
    return told


def score(gold: Gold, watch: Watch, order: Sequence[int] | None = None) -> tuple[float, float, float]:
    """B-cubed of the stories that the fold gives on arrival, the mean over those who labelled; `order`: of arrival."""
    return _figure(gold, stories_of(gold, watch, order), range(len(gold.reports)))


def score_without_largest(gold: Gold, watch: Watch) -> tuple[float, float, float]:
    """The same, without the entries of the largest labelled story. They are folded nevertheless."""
    largest, _ = Counter(gold.labels[0]).most_common(1)[0]
    return _figure(gold, stories_of(gold, watch), [n for n, label in enumerate(gold.labels[0]) if label != largest])


def stories_of(gold: Gold, watch: Watch, order: Sequence[int] | None = None) -> list[str]:
    """The story that each report goes to on arrival."""
    fold = Fold(watch, _no_judgement, theme=theme_of(watch))
    found = [""] * len(gold.reports)
    for n in order if order is not None else range(len(gold.reports)):
        found[n] = fold.fold(gold.reports[n])[0].story_id or ""
    return found


def _figure(gold: Gold, found: Sequence[str], counted: Sequence[int]) -> tuple[float, float, float]:
    each = [bcubed([labels[n] for n in counted], [found[n] for n in counted]) for labels in gold.labels]
    precision, recall, f1 = (sum(column) / len(each) for column in zip(*each, strict=True))
    return precision, recall, f1


def sampled(gold: Gold, seed: int) -> Gold:
    """Some of the reports, in their order."""
    kept = sorted(random.Random(seed).sample(range(len(gold.reports)), round(SAMPLED * len(gold.reports))))
    return Gold(gold.name, [gold.reports[n] for n in kept], [[labels[n] for n in kept] for labels in gold.labels])


def _no_judgement(story: Story, log_time: int) -> Judgement:
    return Judgement("INFO", 0, 0.0, (), False, "not asked", ())


def late(reports: Sequence[Report], seed: int) -> list[int]:
    """An order in which each entry comes up to half an hour late."""
    delay = random.Random(seed)
    return sorted(range(len(reports)), key=[r.entry.time + delay.randrange(HALF_AN_HOUR) for r in reports].__getitem__)


@contextmanager
def changed(variant: Variant) -> Iterator[None]:
    before = [(module, name, getattr(module, name)) for module, name, _ in variant.numbers]
    try:
        for module, name, value in variant.numbers:
            setattr(module, name, value)
        yield
    finally:
        for module, name, value in before:
            setattr(module, name, value)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("gold", nargs="*", type=Path, help="labelled files")
    parser.add_argument("--watch", type=Path, default=ROOT / "watches/ukraine")
    args = parser.parse_args()
    watch = load_watch(args.watch)
    sets = [gold_of(path, watch) for path in args.gold]
    sets.append(recording_of(args.watch / "sample", LABELS / "recording.yaml", watch))
    background, cases = cases_of(LABELS, watch)
    print(f"{'':28s}" + "".join(f"{gold.name[:24]:>26s}" for gold in sets) + f"{f'of {len(cases)} cases':>14s}")
    for variant in (*LEFT_OUT, *AROUND):
        settings = Folding(**{**watch.folding.model_dump(), **dict(variant.folding)})
        other = watch.model_copy(update={"folding": settings})
        with changed(variant):
            right = sum(not faults(case, background, other) for case in cases)
            _print(variant.name, [score(gold, other) for gold in sets], str(right))
    for seed in range(ORDERS):
        _print(f"order {seed}", [score(gold, watch, late(gold.reports, seed)) for gold in sets])
    for seed in range(SAMPLES):
        _print(f"{SAMPLED:.0%} of the entries, {seed}", [score(sampled(gold, seed), watch) for gold in sets])
    _print("without the largest story", [score_without_largest(gold, watch) for gold in sets])
    return 0


def _print(name: str, figures: list[tuple[float, float, float]], right: str = "") -> None:
    cells = (f"P {p:.3f} R {r:.3f} F1 {f1:.3f}" for p, r, f1 in figures)
    print(f"{name:28s}" + "".join(f"{cell:>26s}" for cell in cells) + f"{right:>14s}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
