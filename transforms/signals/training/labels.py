"""Labelled entries as what the head learns from: units with their types, and signals with their modality.

A unit (units.py) is an example of a type if the evidence of a signal of that type stands in it: for a sentence any part of
it, for a clause more than half. Where an entry's signal of a type stands in one sentence, its other sentences are no
examples against the type: labels name each signal once, however often the entry says it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from schemas.entry import Entry
from schemas.records import micros
from schemas.taxonomy import PatternSpec
from schemas.watch import SHARED, Watch
from transforms.actors import tagger_for as actor_tagger_for
from transforms.embedding.model import Embedder, Vectors
from transforms.signals.lines import Line, lines
from transforms.signals.rules import Hit, Rules, rules_of
from transforms.signals.units import Unit, units

DECOYS = "decoys"  # the file of entries that no watch would find relevant; they teach, but confidence is not fitted to them


@dataclass(frozen=True)
class Example:
    """A unit of a labelled entry.

    judged    confidence is fitted to it: the entry is relevant, and the unit no quotation of a label
    says      types it says; unsure: those that it may say as well
    patterns  type -> confidence of the pattern that matched its line
    """

    entry: int
    line: int
    judged: bool
    unit: Unit
    says: frozenset[str]
    unsure: frozenset[str]
    patterns: dict[str, float]


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
            row.setdefault("relevant", row["signals"] or path.stem != DECOYS)
            out.append({name: row[name] for name in ("title", "summary", "published", "signals", "relevant")})
    return out


def _of_case(case: dict[str, Any]) -> dict[str, Any]:
    signals = [{"type": s[0], "modality": s[1], "source": s[2], "target": s[3], "evidence": case["text"]} for s in case["says"]]
    return {"title": "", "summary": case["text"], "published": "2022-01-20", "signals": signals, "relevant": True}


def digest(paths: Iterable[Path]) -> str:
    """SHA-256 (hex) of the files, in the order of their names."""
    sha = hashlib.sha256()
    for path in sorted(paths, key=lambda p: p.name):
        sha.update(path.read_bytes())
    return sha.hexdigest()


def example_files(watch: Path) -> list[Path]:
    """The example files that all watches beside `watch` share."""
    return sorted((watch.parent / SHARED / "examples").glob("*.jsonl"))


@dataclass(frozen=True)
class Sentence:
    """A line of a labelled entry, and the labels whose evidence stands in its field, as (label, start, end) in code points."""

    entry: int
    year: int
    relevant: bool
    line: Line
    text: str
    every: frozenset[str]
    labels: tuple[tuple[dict[str, Any], int, int], ...]


def sentences(labelled: Sequence[dict[str, Any]], watch: Watch) -> Iterator[Sentence]:
    """The sentences of labelled entries, actors tagged as for `watch`."""
    actors, grammar = actor_tagger_for(watch), rules_of(watch.taxonomy).grammar
    for i, row in enumerate(labelled):
        entry = as_entry(row)
        tagged = actors.tag(entry)
        every = frozenset(s["type"] for s in row["signals"])
        for field in ("title", "summary"):
            text = getattr(entry, field)
            found = tuple((s, at, at + len(s["evidence"])) for s in row["signals"] if (at := text.find(s["evidence"])) >= 0)
            for line in lines(field, text, tagged, grammar):
                yield Sentence(i, int(row["published"][:4]), bool(row["relevant"]), line, text, every, found)


def examples(read: Iterable[Sentence], rules: Rules) -> list[Example]:
    """The units of the sentences, with what they say."""
    out: list[Example] = []
    for number, s in enumerate(read):
        patterns: dict[str, float] = {}
        hits = list(rules.hits(s.line))
        for hit in hits:
            patterns[hit.kind.type] = max(patterns.get(hit.kind.type, 0.0), hit.spec.confidence)
        seen = units(s.line, s.text, [(hit.left, hit.right) for hit in hits])
        quoted = [words for _, start, end in s.labels if (words := _words(s.line, start, end))]
        for unit in dict.fromkeys([*seen, *units(s.line, s.text, quoted)]):
            says = frozenset(label["type"] for label, start, end in s.labels if _stands_in(unit, start, end))
            judged = s.relevant and unit in seen
            out.append(Example(s.entry, number, judged, unit, says, frozenset(s.every - says), patterns))
    return out


@dataclass(frozen=True)
class Saying:
    """A labelled signal, as the hit that would have its evidence, the sentence it stands in, and its modality."""

    entry: int
    hit: Hit
    year: int
    sentence: str
    modality: str


def sayings(read: Iterable[Sentence], watch: Watch) -> list[Saying]:
    """The labelled signals of the sentences."""
    kinds = {kind.type: kind for kind in watch.taxonomy.types}
    out = []
    for s in read:
        sentence = units(s.line, s.text)[0].text
        for label, start, end in s.labels:
            if words := _words(s.line, start, end):
                hit = Hit(kinds[label["type"]], PatternSpec(find="label"), s.line, *words, *words, {}, 1.0)
                out.append(Saying(s.entry, hit, s.year, sentence, label["modality"]))
    return out


def embedded(texts: Sequence[str], model: Embedder) -> Vectors:
    """One vector for each text."""
    different = list(dict.fromkeys(texts))
    of_text = dict(zip(different, model.embed(different), strict=True))
    return np.array([of_text[text] for text in texts], np.float32)


def as_entry(row: dict[str, Any]) -> Entry:
    """A labelled entry as the pipeline would see it."""
    published = row["published"] if len(row["published"]) > 10 else row["published"] + "T12:00:00+00:00"
    time = micros(published)
    return Entry("", 1, "", time, time, time, False, "", "", "", row["title"], row["summary"], "", "en")


def _words(line: Line, start: int, end: int) -> tuple[int, int] | None:
    """The words of a line that characters [start, end) of its field cover."""
    inside = [i for i, token in enumerate(line.tokens) if token.start < end and token.end > start]
    return (inside[0], inside[-1] + 1) if inside else None


def _stands_in(unit: Unit, start: int, end: int) -> bool:
    tokens = unit.line.tokens
    shared = min(end, tokens[unit.end - 1].end) - max(start, tokens[unit.start].start)
    whole = unit.end - unit.start == len(tokens)
    return shared > (0 if whole else (end - start) / 2)
