"""Learn the weights of the semantic layer: `make train`, or `python -m transforms.signals.training WATCH`

Reads watches/shared/examples and the files that sources.py names, and writes transforms/signals/head.npz. Needs
scikit-learn, which sentence-transformers brings along; a detector does not. The same files give the same weights.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from schemas.watch import load_watch
from transforms.embedding.model import embedder
from transforms.signals.head import FILE
from transforms.signals.rules import rules_of
from transforms.signals.training.kinds import calibrated, cross_validated, figure, weighed
from transforms.signals.training.labels import digest, embedded, example_files, examples, rows, sayings, sentences
from transforms.signals.training.moods import accuracy, features_of, learned_moods
from transforms.signals.training.sources import MORE


def main() -> None:
    parser = argparse.ArgumentParser(description="Learn the weights of the semantic layer.")
    parser.add_argument("watch", type=Path, help="whose actors are tagged, and beside whose folder the examples lie")
    parser.add_argument("--output", type=Path, default=Path(__file__).parents[1] / FILE)
    args = parser.parse_args()
    watch, model = load_watch(args.watch), embedder("", 1)
    rules, types = rules_of(watch.taxonomy), [kind.type for kind in watch.taxonomy.types]
    paths = [*example_files(args.watch), *map(Path, MORE)]
    read = list(sentences(rows(paths), watch))

    learned = examples(read, rules)
    vectors = embedded([example.unit.text for example in learned], model)
    probabilities = cross_validated(learned, vectors, types)
    head = calibrated(weighed(learned, vectors, types), learned, probabilities)

    labelled = list(sentences(rows(path for path in paths if path.suffix != ".yaml"), watch))  # a case's evidence is no quotation
    said = sayings(labelled, watch)
    names, spoken = features_of(said, rules), embedded([s.sentence for s in said], model)
    head = replace(head, mood=learned_moods(said, names, spoken), learned_from=digest(paths))
    head.save(args.output)

    print(f"{len(learned)} units, {len(head.words)} words; {len(said)} signals, {len(head.mood.features)} features")
    print(f"calibration {head.calibration}, threshold {head.threshold}")
    print(f"by cross-validation: type F1 {figure(head, learned, probabilities, head.threshold):.3f}, ", end="")
    print(f"modality of a labelled signal {accuracy(said, names, spoken, rules):.3f}")


if __name__ == "__main__":
    main()
