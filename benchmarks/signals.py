"""How well signals are read in labelled entries: by patterns alone, by meaning alone, by both.

    python benchmarks/signals.py tests/data/signals_dev.jsonl tests/data/signals_held.jsonl tests/data/signals_blind.jsonl

A file holds one {"entry": {title, summary, published}, "labels": [{relevant, signals}, ...]} a line. Figures are micro F1 over
the relevant entries, against the first labels: of types, of types with modality, with source and target, and with evidence
that shares half of its words. They say nothing of texts that patterns or weights were made from (docs/quality.md).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from schemas.watch import Watch, load_watch
from transforms.actors import tagger_for as actor_tagger_for
from transforms.signals.lines import Line
from transforms.signals.reader import reader
from transforms.signals.rules import Hit, Rules
from transforms.signals.tagger import SignalTagger
from transforms.signals.training.labels import as_entry

Said = list[dict[str, Any]]
KEYS: dict[str, Callable[[dict[str, Any]], object]] = {
    "type": lambda s: s["type"],
    "modality": lambda s: (s["type"], s["modality"]),
    "source, target": lambda s: (s["type"], s["source"], s["target"]),
}


class NoPatterns(Rules):
    """Rules whose lists and cues are used, and whose patterns find nothing."""

    def hits(self, line: Line) -> Iterator[Hit]:
        return iter(())


def taggers(watch: Watch) -> dict[str, SignalTagger]:
    """The three ways to read."""
    by_meaning = SignalTagger(watch, reader())
    by_meaning.rules = NoPatterns(watch.taxonomy)
    return {"patterns": SignalTagger(watch), "meaning": by_meaning, "both": SignalTagger(watch, reader())}


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
    args = parser.parse_args()
    watch = load_watch(args.watch)
    actors = actor_tagger_for(watch)
    for path in args.files:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        labelled = [(as_entry(row["entry"]), row["labels"][0]["signals"]) for row in rows if row["labels"][0]["relevant"]]
        for name, tagger in taggers(watch).items():
            pairs = [(gold, [vars(s) for s in tagger.tag(entry, actors.tag(entry))]) for entry, gold in labelled]
            said = "  ".join(f"{what} {value:.3f}" for what, value in figures(pairs).items())
            print(f"{path.stem:16} {name:9} {said}", flush=True)


if __name__ == "__main__":
    main()
