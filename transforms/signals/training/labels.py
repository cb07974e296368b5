"""Labelled entries as lessons: passages with what they say, and what the rules make of the words that say it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from tokenizers import Tokenizer

from schemas.entry import Entry
from schemas.records import micros
from schemas.watch import SHARED, Watch
from transforms.actors import tagger_for as actor_tagger_for
from transforms.signals.lines import lines
from transforms.signals.meaning import located, ruled
from transforms.signals.modality import modality
from transforms.signals.passages import HEADING, NOWHERE, Passage, Stretch, passages
from transforms.signals.roles import roles
from transforms.signals.tagger import SignalTagger

UNKNOWN = -2
"""The place of an actor whom the tagger did not find: nothing is to be learned of this role."""
HELD_OUT = 10
"""One row in so many, by the hash of its text, is not learned from: confidence is fitted to these."""


@dataclass(frozen=True)
class Label:
    """A signal of a passage.

    stretch         the pieces of its evidence, its type, and what the rules make of them
    modality        its number
    source, target  places of names in the passage, NOWHERE for nobody, UNKNOWN if the labelled actor was not found
    """

    stretch: Stretch
    modality: int
    source: int
    target: int


@dataclass(frozen=True)
class Lesson:
    """A passage and all that it says. `held_out`: it is there to measure by."""

    passage: Passage
    labels: tuple[Label, ...]
    held_out: bool


def rows(paths: Iterable[Path]) -> list[dict[str, Any]]:
    """Labelled entries: {title, summary, published, signals} each, from example files, files of labelled entries, or YAML
    cases {text, says: [[type, modality, source, target], ...]}, of which each is one sentence."""
    out = []
    for path in paths:
        if path.suffix == ".yaml":
            cases = yaml.safe_load(path.read_text(encoding="utf-8"))
            out += [_of_case(case) for case in cases if "says" in case and not case.get("loose")]
            continue
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            if "entry" in row:
                row = {**row["entry"], **row["labels"][0]}
            out.append({name: row[name] for name in ("title", "summary", "published", "signals")})
    return out


def _of_case(case: dict[str, Any]) -> dict[str, Any]:
    signals = [{"type": s[0], "modality": s[1], "source": s[2], "target": s[3], "evidence": case["text"]} for s in case["says"]]
    return {"title": "", "summary": case["text"], "published": "2022-01-20", "signals": signals}


def digest(paths: Iterable[Path]) -> str:
    """SHA-256 (hex) of the files, in the order of their names."""
    sha = hashlib.sha256()
    for path in sorted(paths, key=lambda p: p.name):
        sha.update(path.read_bytes())
    return sha.hexdigest()


def example_files(watch: Path) -> list[Path]:
    """The example files that all watches beside `watch` share."""
    return sorted((watch.parent / SHARED / "examples").glob("*.jsonl"))


def lessons(
    labelled: Sequence[dict[str, Any]], watch: Watch, types: Sequence[str], modalities: Sequence[str], tokenizer: Tokenizer
) -> list[Lesson]:
    """The lessons of labelled entries, with actors and rules as `watch` has them; an entry without words gives none."""
    tagger, actors = SignalTagger(watch), actor_tagger_for(watch)
    kinds = {kind.type: kind for kind in watch.taxonomy.types}
    out = []
    for row in labelled:
        entry = as_entry(row)
        tagged = actors.tag(entry)
        texts = {field: row[field] for field in HEADING}
        said = [line for field in HEADING for line in lines(field, texts[field], tagged, tagger.rules.grammar)]
        found = {id(line): tuple(tagger.rules.hits(line)) for line in said}
        parts = passages(texts, [(line, found[id(line)]) for line in said], tagged, tokenizer)
        cast, year = tagger.cast(entry, tagged), int(row["published"][:4])
        for part in parts:
            labels = []
            for signal in row["signals"]:
                field = next((f for f in HEADING if signal["evidence"] in texts[f]), HEADING[0])
                start = texts[field].find(signal["evidence"])
                pieces = part.pieces(field, start, start + len(signal["evidence"])) if start >= 0 else ()
                pieces = tuple(i for i in pieces if (spot := part.spots[i]) and spot.line != NOWHERE)
                if pieces:
                    stretch = Stretch(0, types.index(signal["type"]), pieces)
                    hit = located(kinds[signal["type"]], part, pieces, found)
                    pairs, _ = roles(hit, tagger.rules, cast)
                    stretch = ruled(stretch, pairs, modality(hit, tagger.rules, year), part, modalities)
                    how = modalities.index(signal["modality"])
                    labels.append(Label(stretch, how, _place(part, signal["source"]), _place(part, signal["target"])))
            out.append(Lesson(part, tuple(labels), is_held_out(row)))
    return out


def is_held_out(row: dict[str, Any]) -> bool:
    """Whether a labelled entry is not learned from, by the hash of its text."""
    return int(hashlib.sha1(f"{row['title']}\n{row['summary']}".encode()).hexdigest(), 16) % HELD_OUT == 0


def _place(part: Passage, name: str | None) -> int:
    return NOWHERE if name is None else part.index(name) if name in part.names else UNKNOWN


def as_entry(row: dict[str, Any]) -> Entry:
    """A labelled entry as the pipeline would see it."""
    published = row["published"] if len(row["published"]) > 10 else row["published"] + "T12:00:00+00:00"
    time = micros(published)
    return Entry("", 1, "", time, time, time, False, "", "", "", row["title"], row["summary"], "", "en")
