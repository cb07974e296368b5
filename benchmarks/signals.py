"""How well signals are read in labelled entries: by patterns alone, by meaning alone, by both.

    python benchmarks/signals.py tests/data/signals_dev.jsonl tests/data/signals_held.jsonl tests/data/signals_blind.jsonl
    python benchmarks/signals.py --spacy-model en_core_web_sm tests/data/signals_dev.jsonl
    python benchmarks/signals.py --held-out watches/shared/examples/*.jsonl

A file holds one {"entry": {title, summary, published}, "labels": [{relevant, signals}, ...]} a line, or examples such as the
reader learns from. Figures are micro F1 over the relevant entries, against the first labels: of types, of types with modality,
with source and target, and with evidence that shares half of its words. They say nothing of texts that patterns or weights
were made from (docs/quality.md). --held-out counts, of all files together, only the examples that the reader does not learn
from. --spacy-model adds the parse of an installed spaCy model to both.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from schemas.entry import Entry
from schemas.watch import Watch, load_watch
from transforms.actors import tagger_for as actor_tagger_for
from transforms.signals.lines import Line
from transforms.signals.reader import reader
from transforms.signals.rules import Hit, Rules
from transforms.signals.syntax import find_parser, syntax_of
from transforms.signals.tagger import SignalTagger
from transforms.signals.training.labels import as_entry, is_held_out, rows

Said = list[dict[str, Any]]
Labelled = tuple[Entry, Said]
KEYS: dict[str, Callable[[dict[str, Any]], object]] = {
    "type": lambda s: s["type"],
    "modality": lambda s: (s["type"], s["modality"]),
    "source, target": lambda s: (s["type"], s["source"], s["target"]),
}


class NoPatterns(Rules):
    """Rules whose lists and cues are used, and whose patterns find nothing."""

    def hits(self, line: Line) -> Iterator[Hit]:
        return iter(())


def taggers(watch: Watch, spacy_model: str = "") -> dict[str, SignalTagger]:
    """The three ways to read, and the last with a parse if a spaCy model is named."""
    by_meaning = SignalTagger(watch, reader())
    by_meaning.rules = NoPatterns(watch.taxonomy)
    ways = {"patterns": SignalTagger(watch), "meaning": by_meaning, "both": SignalTagger(watch, reader())}
    if spacy_model:
        ways["and parse"] = SignalTagger(watch, reader(), syntax_of(find_parser(spacy_model)))
    return ways


def labelled_entries(path: Path) -> list[Labelled]:
    """The relevant entries of a file with their labelled signals."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [(as_entry(row["entry"]), row["labels"][0]["signals"]) for row in rows if row["labels"][0]["relevant"]]


def held_out_examples(paths: list[Path]) -> list[Labelled]:
    """The examples that the reader does not learn from (transforms/signals/training/labels.py)."""
    return [(as_entry(row), row["signals"]) for row in rows(paths) if is_held_out(row)]


def f1(right: int, labelled: int, found: int) -> float:
    return 2 * right / max(1, labelled + found)


def figures(pairs: list[tuple[Said, Said]]) -> dict[str, float]:
    """The figures of (labelled, found) signals of entries."""
    out = {}
    for name, key in KEYS.items():
        sets = [({*map(key, labelled)}, {*map(key, found)}) for labelled, found in pairs]
        out[name] = f1(sum(len(a & b) for a, b in sets), sum(len(a) for a, _ in sets), sum(len(b) for _, b in sets))
    out["evidence"] = f1(sum(quoted(a, b) for a, b in pairs), sum(len(a) for a, _ in pairs), sum(len(b) for _, b in pairs))
    return out


def quoted(labelled: Said, found: Said) -> int:
    """How many signals found share half of the words of the evidence of a labelled one of their type."""
    free, right = list(labelled), 0
    for s in found:
        words = {*s["evidence"].lower().split()}
        for other in free:
            theirs = {*other["evidence"].lower().split()}
            if other["type"] == s["type"] and len(words & theirs) >= len(words | theirs) / 2:
                free.remove(other)
                right += 1
                break
    return right


def main() -> None:
    parser = argparse.ArgumentParser(description="Score the reading of signals in labelled entries.")
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--watch", type=Path, default=Path("watches/ukraine"))
    parser.add_argument("--held-out", action="store_true", help="of examples, those that the reader does not learn from")
    parser.add_argument("--spacy-model", default="", help="installed spaCy model that parses (default: none)")
    args = parser.parse_args()
    watch = load_watch(args.watch)
    actors = actor_tagger_for(watch)
    if args.held_out:
        sets = [("held out", held_out_examples(args.files))]
    else:
        sets = [(path.stem, labelled_entries(path)) for path in args.files]
    for stem, labelled in sets:
        for name, tagger in taggers(watch, args.spacy_model).items():
            pairs = [(gold, [vars(s) for s in tagger.tag(entry, actors.tag(entry))]) for entry, gold in labelled]
            said = "  ".join(f"{what} {value:.3f}" for what, value in figures(pairs).items())
            print(f"{stem:16} {name:9} {said}", flush=True)


if __name__ == "__main__":
    main()
