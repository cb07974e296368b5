"""The minimal pairs of tests/data/minimal_pairs: what they say, what is read in them, and which are known to be misread.

    python tests/transforms/signals/minimal_pairs.py [--note]

prints how many pairs of each idea are read rightly; --note writes down those that are not, with what is read instead, as
tests/data/minimal_pairs/known_failures.yaml.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

DATA = Path(__file__).parents[2] / "data" / "minimal_pairs"
KNOWN_FAILURES = DATA / "known_failures.yaml"
WATCHES = Path(__file__).parents[3] / "watches"
FEBRUARY = "2022-02-20T12:00:00+00:00"  # the build-up is at its height: shots in Donbas are incidents, an invasion is an attack

Said = set[tuple[str, str, str | None, str | None]]  # type, modality, source, target
Read = Callable[[str, str], Said]  # of a watch's name and a text


@dataclass(frozen=True)
class Pair:
    """Two texts and what each of them says.

    idea   the file that it stands in: what its two texts turn on
    watch  the name of the watch that reads it
    """

    idea: str
    number: int
    watch: str
    says: tuple[tuple[str, frozenset[tuple[str, str, str | None, str | None]]], ...]

    @property
    def name(self) -> str:
        """Its first text, by which a known failure is noted."""
        return self.says[0][0]

    def misread(self, read: Read) -> str:
        """What is read in it that it does not say, in words; "" if both texts are read rightly."""
        wrong = [(text, read(self.watch, text), said) for text, said in self.says]
        return "; ".join(f"{text} reads {_words(found)}, not {_words(set(said))}" for text, found, said in wrong if found != said)


def pairs() -> list[Pair]:
    """All pairs, in the order of the files."""
    out = []
    for path in sorted(DATA.glob("*.yaml")):
        if path == KNOWN_FAILURES:
            continue
        group = yaml.safe_load(path.read_text(encoding="utf-8"))
        for n, pair in enumerate(group["pairs"], 1):
            out.append(Pair(path.stem, n, group["watch"], tuple((text, frozenset(said(w))) for text, w in pair.items())))
    return out


def said(written: str | list[str]) -> Said:
    """What "nothing", or one or several of "TYPE modality source > target", stands for; nobody is None."""
    out: Said = set()
    for line in [] if written == "nothing" else [written] if isinstance(written, str) else written:
        kind, modality, roles = line.split(" ", 2)
        source, target = (None if name == "nobody" else name for name in roles.split(" > "))
        out.add((kind, modality, source, target))
    return out


def known_failures() -> dict[str, str]:
    """First text of a pair -> what is read instead."""
    return yaml.safe_load(KNOWN_FAILURES.read_text(encoding="utf-8")) or {}


def reader() -> Read:
    """What the taggers of a watch find in a text, patterns and sentence model together."""
    from signal_cast import entry  # type: ignore[import-not-found]

    from schemas.watch import load_watch
    from transforms.actors import ActorTagger
    from transforms.actors import tagger_for as actor_tagger_for
    from transforms.signals import SignalTagger, tagger_for

    @cache
    def taggers(watch: str) -> tuple[ActorTagger, SignalTagger]:
        configured = load_watch(WATCHES / watch)
        return actor_tagger_for(configured), tagger_for(configured, "")

    def read(watch: str, text: str) -> Said:
        actors, signals = taggers(watch)
        e = entry(text, published=FEBRUARY)
        return {(s.type, s.modality, s.source, s.target) for s in signals.tag(e, actors.tag(e))}

    return read


def _words(signals: Said) -> str:
    names = sorted(f"{k} {m} {s or 'nobody'} > {t or 'nobody'}" for k, m, s, t in signals)
    return " and ".join(names) or "nothing"


def main() -> None:
    sys.path.insert(0, str(WATCHES.parent))
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--note", action="store_true", help="write the pairs that are misread to known_failures.yaml")
    note, read = parser.parse_args().note, reader()
    misread = {pair: reason for pair in pairs() if (reason := pair.misread(read))}
    all_of, wrong_of = Counter(p.idea for p in pairs()), Counter(p.idea for p in misread)
    for idea, n in all_of.items():
        print(f"{idea:12} {n - wrong_of[idea]:3} of {n}")
    print(f"{'all':12} {all_of.total() - len(misread):3} of {all_of.total()}")
    if note:
        noted = {pair.name: reason for pair, reason in misread.items()}
        KNOWN_FAILURES.write_text(yaml.safe_dump(noted, sort_keys=False, width=10_000, allow_unicode=True), encoding="utf-8")


if __name__ == "__main__":
    main()
