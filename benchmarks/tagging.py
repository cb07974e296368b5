"""How many entries and articles a second are read on one core: language, actors, signals by patterns, beside a spaCy ruler.

    python benchmarks/tagging.py [--watch watches/ukraine] [--input ENTRIES.jsonl] [--rounds 5]

Entries are those of the watch's recording (or the input's): title and summary. An article is WORDS words of them under one
title. Signals are read in every entry, as if the gate had let all pass, and without the sentence model. The peer is spaCy's
blank English pipeline with an EntityRuler of the same names: it finds words, and decides nothing. All of it runs in turn on
one thread, in processor time; the figure is the median round. Exit status 1 below 400 entries or 40 articles a second.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import spacy

from pipelines.recorded import entry_of
from pipelines.recording import Recording, entries
from schemas.entry import Entry
from schemas.watch import Watch, load_watch
from transforms.actors import tagger_for as actor_tagger_for
from transforms.language import is_read
from transforms.signals import tagger_for as signal_tagger_for

LEAST_ENTRIES, LEAST_ARTICLES = 400, 40
WORDS = 800  # of an article, as long as a wire report is
Reader = Callable[[Entry], object]


def readers(watch: Watch) -> dict[str, Reader]:
    """Each thing that is measured, by its name."""
    actors, signals = actor_tagger_for(watch), signal_tagger_for(watch)
    known: dict[str, tuple] = {}

    def read_signals(entry: Entry) -> object:
        if entry.content_hash not in known:
            known[entry.content_hash] = actors.tag(entry)
        return signals.tag(entry, known[entry.content_hash])

    ruler = blank_with_ruler(watch)
    return {
        "language": lambda e: is_read(e, watch.languages),
        "actors": actors.tag,
        "signals": read_signals,
        "actors and signals": lambda e: is_read(e, watch.languages) and signals.tag(e, actors.tag(e)),
        "spaCy EntityRuler": lambda e: [ruler(text).ents for text in (e.title, e.summary, e.text) if text],
    }


def blank_with_ruler(watch: Watch) -> spacy.Language:
    """spaCy's blank English pipeline with an EntityRuler of all names of the watch's actors."""
    nlp = spacy.blank("en")
    patterns = [
        {"label": spec.kind.upper(), "pattern": name, "id": spec.name}
        for spec in watch.actors
        for name in (spec.name, *spec.aliases, *spec.stands_for, *spec.seats, *spec.short_names)
    ]
    nlp.add_pipe("entity_ruler").add_patterns(patterns)  # type: ignore[attr-defined]
    return nlp


def articles(teasers: list[Entry]) -> list[Entry]:
    """Entries with as many words of text as an article, put together from the summaries of entries that follow each other."""
    found = []
    text: list[str] = []
    for entry in teasers:
        text.append(entry.summary)
        if sum(len(part.split()) for part in text) >= WORDS:
            body = "\n".join(text)
            found.append(replace(entry, id=f"article-{len(found)}", content_hash=f"article-{len(found)}", text=body))
            text = []
    return found


def rates(read: Iterable[tuple[str, Reader]], sample: list[Entry], rounds: int) -> dict[str, float]:
    """Entries a second of each reader: the median of the rounds, after one that warms caches up."""
    took: dict[str, list[float]] = {}
    for _ in range(rounds + 1):
        for name, reader in read:
            start = time.process_time()
            for entry in sample:
                reader(entry)
            took.setdefault(name, []).append(time.process_time() - start)
    return {name: len(sample) / statistics.median(times[1:]) for name, times in took.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--watch", default="watches/ukraine")
    parser.add_argument("--input", type=Path, help="JSON lines of recorded entries (default: the watch's recording)")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    watch = load_watch(args.watch)
    given = map(json.loads, args.input.open("rb")) if args.input else entries(Recording.load(watch.directory / "sample"))
    teasers = [entry_of({"feed": "recorded", "outlet": "recorded", **line}) for line in given]
    long = articles(teasers)
    read = readers(watch)
    of_entries, of_articles = rates(read.items(), teasers, args.rounds), rates(read.items(), long, args.rounds)

    print(f"{len(teasers)} entries, {len(long)} articles of {WORDS} words; {len(watch.actors)} actors; one core")
    print(f"{'':20} {'entries/s':>10} {'articles/s':>11}")
    for name in read:
        print(f"{name:20} {of_entries[name]:10,.0f} {of_articles[name]:11,.0f}")
    beside = [rate["actors"] / rate["spaCy EntityRuler"] for rate in (of_entries, of_articles)]
    print(f"{'actors / ruler':20} {beside[0]:10.2f} {beside[1]:11.2f}")
    both = "actors and signals"
    return 0 if of_entries[both] >= LEAST_ENTRIES and of_articles[both] >= LEAST_ARTICLES else 1


if __name__ == "__main__":
    sys.exit(main())
