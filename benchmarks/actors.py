"""How well actors are read in labelled entries, and which are missed and invented most.

    python benchmarks/actors.py watches/shared/examples/*.jsonl
    python benchmarks/actors.py --quiet tests/data/signals_blind.jsonl

A file holds labelled entries in either form that transforms/signals/training/labels.py reads, each with its `actors`: the
canonical names of all who are named. An actor found counts if its name or one of its aliases is a labelled name, in any
capitals; each labelled name is taken once. Files without labelled actors are left out. --quiet prints the figures alone.
--split dev counts only the rows of that split: whoever mends rules by the texts of the others has a figure for unread ones.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from schemas.report import Actor
from schemas.watch import load_watch
from transforms.actors import ActorTagger
from transforms.signals.training.labels import as_entry

UNCOUNTED = frozenset({"west"})  # labellers do not agree whether it is an actor


@dataclass
class Count:
    """Labelled names that were found, missed and invented, with the texts of the two kinds of error."""

    right: int = 0
    missed: Counter[str] = field(default_factory=Counter)
    invented: Counter[str] = field(default_factory=Counter)
    texts: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, labelled: Iterable[str], found: Iterable[Actor], text: str) -> None:
        """Count one entry's labelled names against the actors found in it."""
        gold = {_key(name): name for name in labelled}
        free = set(gold)
        for actor in found:
            hit = next((key for key in map(_key, (actor.name, *actor.aliases)) if key in free), None)
            if hit is not None:
                free.discard(hit)
                self.right += hit not in UNCOUNTED
            elif _key(actor.name) not in UNCOUNTED:
                self.invented[actor.name] += 1
                self.texts["+" + actor.name].append(text)
        for key in free - UNCOUNTED:
            self.missed[gold[key]] += 1
            self.texts["-" + gold[key]].append(text)

    def __str__(self) -> str:
        labelled, found = self.right + self.missed.total(), self.right + self.invented.total()
        precision, recall = self.right / max(1, found), self.right / max(1, labelled)
        f1 = 2 * self.right / max(1, labelled + found)
        errors = f"{labelled} labelled, {self.missed.total()} missed, {self.invented.total()} invented"
        return f"P {precision:.3f}  R {recall:.3f}  F1 {f1:.3f}  {errors}"


def labelled_rows(path: Path, split: str) -> list[dict[str, Any]]:
    """The labelled entries of a file, {title, summary, published, actors} each; of one split if that is not ""."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    rows = [{**row["entry"], **row["labels"][0]} if "entry" in row else row for row in rows]
    return [row for row in rows if not split or row.get("split", split) == split]


def counted(rows: Iterable[dict[str, Any]], tagger: ActorTagger, into: Count | None = None) -> Count:
    """The count of some labelled entries."""
    count = into or Count()
    for row in rows:
        count.add(row["actors"], tagger.tag(as_entry(row)), f"{row['title']} | {row['summary']}")
    return count


def _key(name: str) -> str:
    return " ".join(name.split()).lower()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--watch", type=Path, default=Path("watches/ukraine"))
    parser.add_argument("--split", default="", help="count only rows of this split (train or dev)")
    parser.add_argument("--most", type=int, default=25, help="how many of the commonest misses and inventions to print")
    parser.add_argument("--texts", type=int, default=0, help="how many texts of each to print")
    parser.add_argument("--quiet", action="store_true", help="print the figures alone")
    args = parser.parse_args()
    tagger = ActorTagger(load_watch(args.watch).actors)
    every = Count()
    for path in args.files:
        rows = labelled_rows(path, args.split)
        if any(row["actors"] for row in rows):
            print(f"{path.stem:16} {counted(rows, tagger)}")
            counted(rows, tagger, into=every)
    print(f"{'all':16} {every}")
    for what, sign, errors in () if args.quiet else (("missed", "-", every.missed), ("invented", "+", every.invented)):
        print(f"\n{what}")
        for name, times in errors.most_common(args.most):
            print(f"{times:5} {name}")
            for text in every.texts[sign + name][: args.texts]:
                print(f"        {text}")


if __name__ == "__main__":
    main()
