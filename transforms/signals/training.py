"""Training of the head: `python -m transforms.signals.training watches/ukraine tests/data/signals_dev.jsonl ...`

Reads watches/shared/examples and whatever files of the same shape are named, learns the weights of head.py and writes them to
transforms/signals/head.npz. Needs scikit-learn, which sentence-transformers brings along; a detector needs neither.

A unit (units.py) is an example of a type if the evidence of a signal of that type stands in it: for a sentence any part of
it, for a clause more than half. Where an entry's signal of a type stands in one sentence, its other sentences are no
examples against the type: labels name each signal once, however often the entry says it. Calibration and threshold come
from cross-validation: no entry is judged by weights that learned from it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from schemas.entry import Entry
from schemas.records import micros
from schemas.watch import SHARED, Watch, load_watch
from transforms.actors import tagger_for as actor_tagger_for
from transforms.embedding.model import Embedder, Vectors, embedder
from transforms.signals.head import FILE, VECTOR_SCALE, Head
from transforms.signals.lines import Line, lines
from transforms.signals.rules import rules_of
from transforms.signals.units import Unit, grams, units

DECOYS = "decoys"  # the file of entries that no watch would find relevant; they teach, but confidence is not fitted to them
FOLDS = 5
PENALTY = 3.0  # scikit-learn's C, best of 0.5, 1, 3 by cross-validation
FEWEST = 2  # units that a word or pair must stand in
LEAST_WEIGHT = 0.1  # a word that weighs less for every type is left out
DECIMALS = 3
THRESHOLDS = [round(0.3 + 0.02 * i, 2) for i in range(21)]


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
            out += [
                _of_case(case)
                for case in yaml.safe_load(path.read_text(encoding="utf-8"))
                if "says" in case and not case.get("loose")
            ]
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


def examples(labelled: Sequence[dict[str, Any]], watch: Watch) -> list[Example]:
    """The units of labelled entries, actors tagged as for `watch`."""
    actors, rules = actor_tagger_for(watch), rules_of(watch.taxonomy)
    out: list[Example] = []
    number = 0
    for i, row in enumerate(labelled):
        entry = as_entry(row)
        tagged = actors.tag(entry)
        every = {s["type"] for s in row["signals"]}
        for field in ("title", "summary"):
            text = getattr(entry, field)
            spans = [(s["type"], at, at + len(s["evidence"])) for s in row["signals"] if (at := text.find(s["evidence"])) >= 0]
            for line in lines(field, text, tagged, rules.grammar):
                patterns: dict[str, float] = {}
                hits = list(rules.hits(line))
                for hit in hits:
                    patterns[hit.kind.type] = max(patterns.get(hit.kind.type, 0.0), hit.spec.confidence)
                seen = units(line, text, [(hit.left, hit.right) for hit in hits])
                quoted = [words for _, start, end in spans if (words := _words(line, start, end))]
                for unit in dict.fromkeys([*seen, *units(line, text, quoted)]):
                    says = frozenset(kind for kind, start, end in spans if _stands_in(unit, start, end))
                    out.append(
                        Example(i, number, bool(row["relevant"]) and unit in seen, unit, says, frozenset(every - says), patterns)
                    )
                number += 1
    return out


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


def learn(learned: Sequence[Example], vectors: Vectors, types: Sequence[str]) -> Head:
    """The weights, not yet calibrated. `vectors`: one row for each example."""
    counted = Counter(gram for example in learned for gram in set(grams(example.unit.words())))
    words = {gram: i for i, gram in enumerate(sorted(g for g, n in counted.items() if n >= FEWEST))}
    table = sparse.lil_matrix((len(learned), len(words)), dtype=np.float32)
    for i, example in enumerate(learned):
        for gram in set(grams(example.unit.words())) & words.keys():
            table[i, words[gram]] = 1
    features = sparse.hstack([table, sparse.csr_matrix(VECTOR_SCALE * vectors)]).tocsr()
    weights = np.zeros((len(types), features.shape[1]), np.float32)
    bias = np.full(len(types), -30, np.float32)
    for row, kind in enumerate(types):
        told = np.array([kind not in example.unsure for example in learned])
        says = np.array([kind in example.says for example in learned])
        if says[told].sum() >= FEWEST:
            model = LogisticRegression(C=PENALTY, solver="liblinear", max_iter=300).fit(features[told], says[told])
            weights[row], bias[row] = model.coef_[0], model.intercept_[0]
    heavy = [gram for gram, i in words.items() if np.abs(weights[:, i]).max() >= LEAST_WEIGHT]
    return Head(
        types=tuple(types),
        words={gram: i for i, gram in enumerate(heavy)},
        vectors=weights[:, len(words) :].round(DECIMALS),
        word_weights=weights[:, [words[gram] for gram in heavy]].round(DECIMALS),
        bias=bias.round(DECIMALS),
        calibration=(1.0, 0.0, 0.0),
        threshold=0.5,
        learned_from="",
    )


def cross_validated(learned: Sequence[Example], vectors: Vectors, types: Sequence[str]) -> NDArray[np.float64]:
    """Probabilities (examples, types), each by a head that has not seen the example's entry."""
    out = np.zeros((len(learned), len(types)))
    fold = np.array([_fold(learned, example.entry) for example in learned])
    for k in range(FOLDS):
        seen, unseen = np.flatnonzero(fold != k), np.flatnonzero(fold == k)
        head = learn([learned[i] for i in seen.tolist()], vectors[seen], types)
        out[unseen] = head.probabilities(vectors[unseen], [learned[i].unit for i in unseen.tolist()])
    return out


def _fold(learned: Sequence[Example], entry: int) -> int:
    return entry % FOLDS


def calibrated(head: Head, learned: Sequence[Example], probabilities: NDArray[np.float64]) -> Head:
    """The head with its confidence fitted to how often signals are right, and the threshold with the best F1 of types."""
    cases = _cases(head, learned, probabilities)
    x = np.array([[_logit(p), pattern] for p, pattern, _, _ in cases])
    y = np.array([right for _, _, right, _ in cases])
    model = LogisticRegression(C=100.0).fit(x, y)
    a, b, c = (round(float(x), DECIMALS) for x in (*model.coef_[0], model.intercept_[0]))
    head = replace(head, calibration=(a, b, c))
    return replace(head, threshold=max(THRESHOLDS, key=lambda t: figure(head, learned, probabilities, t)))


def _cases(head: Head, learned: Sequence[Example], probabilities: NDArray[np.float64]) -> list[tuple[float, float, bool, int]]:
    """(probability, pattern, right, entry) of each line and type that could be told."""
    out = []
    for rows_of_line in _by_line(learned):
        first = learned[rows_of_line[0]]
        for column, kind in enumerate(head.types):
            if kind in first.says or kind not in first.unsure:
                p = float(probabilities[rows_of_line, column].max())
                out.append((p, first.patterns.get(kind, 0.0), kind in first.says, first.entry))
    return out


def _by_line(learned: Sequence[Example]) -> list[list[int]]:
    """The examples of each line that confidence is fitted to."""
    groups: dict[int, list[int]] = {}
    for i, example in enumerate(learned):
        if example.judged:
            groups.setdefault(example.line, []).append(i)
    return list(groups.values())


def _logit(p: float) -> float:
    p = min(0.999, max(0.001, p))
    return float(np.log(p / (1 - p)))


def figure(head: Head, learned: Sequence[Example], probabilities: NDArray[np.float64], threshold: float) -> float:
    """Micro F1 of the types of entries at a threshold."""
    labelled: dict[int, set[str]] = {}
    found: dict[int, set[str]] = {}
    for rows_of_line in _by_line(learned):
        first = learned[rows_of_line[0]]
        labelled.setdefault(first.entry, set()).update(first.says)
        for column, kind in enumerate(head.types):
            p = float(probabilities[rows_of_line, column].max())
            if head.confidence(p, first.patterns.get(kind, 0.0)) >= threshold:
                found.setdefault(first.entry, set()).add(kind)
    right = sum(len(kinds & found.get(entry, set())) for entry, kinds in labelled.items())
    return 2 * right / max(1, sum(map(len, labelled.values())) + sum(map(len, found.values())))


def embedded(learned: Sequence[Example], model: Embedder) -> Vectors:
    """One vector for each example."""
    texts = list(dict.fromkeys(example.unit.text for example in learned))
    of_text = dict(zip(texts, model.embed(texts), strict=True))
    return np.array([of_text[example.unit.text] for example in learned], np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description="Learn the weights of the semantic layer.")
    parser.add_argument("watch", type=Path, help="whose actors are tagged, and beside whose folder the examples lie")
    parser.add_argument("more", type=Path, nargs="*", help="more labelled entries to learn from")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / FILE)
    args = parser.parse_args()
    watch = load_watch(args.watch)
    paths = [*example_files(args.watch), *args.more]
    learned = examples(rows(paths), watch)
    vectors = embedded(learned, embedder("", 1))
    types = [kind.type for kind in watch.taxonomy.types]
    probabilities = cross_validated(learned, vectors, types)
    head = calibrated(learn(learned, vectors, types), learned, probabilities)
    head = replace(head, learned_from=digest(paths))
    head.save(args.output)
    print(f"{len(learned)} units, {len(head.words)} words, calibration {head.calibration}, threshold {head.threshold}")
    print(f"type F1 by cross-validation: {figure(head, learned, probabilities, head.threshold):.3f}")


if __name__ == "__main__":
    main()
