"""Learn the weights of the reader: `make train`, or `python -m transforms.signals.training WATCH`

Run it where the project lies. Reads watches/shared/examples and the files that sources.py names, and writes
transforms/signals/reader.npz. Needs transformers and scikit-learn, which sentence-transformers brings along; a detector
does not.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import get_args

import numpy as np
import torch

from schemas.taxonomy import Modality
from schemas.watch import load_watch
from transforms.embedding.encoder import tokenizer
from transforms.embedding.model import find_model
from transforms.signals.reader import FILE, Weights
from transforms.signals.training.calibration import fitted, logits, threshold_of
from transforms.signals.training.labels import digest, example_files, lessons, rows
from transforms.signals.training.learning import ORDERS, learned
from transforms.signals.training.sources import MORE


def main() -> None:
    parser = argparse.ArgumentParser(description="Learn the weights of the reader.")
    parser.add_argument("watch", type=Path, help="whose actors are tagged, and beside whose folder the examples lie")
    parser.add_argument("--output", type=Path, default=Path(__file__).parents[1] / FILE)
    at_once = range(1, ORDERS + 1)
    parser.add_argument("--processes", type=int, choices=at_once, default=min(ORDERS, os.cpu_count() or 1), help="a core each")
    args = parser.parse_args()
    torch.set_num_threads(1)
    watch, model = load_watch(args.watch), find_model()
    types, modalities = tuple(kind.type for kind in watch.taxonomy.types), tuple(get_args(Modality))
    paths = [*example_files(args.watch), *map(Path, MORE)]
    every = lessons(rows(paths), watch, types, modalities, tokenizer(model))
    taught, held_out = [x for x in every if not x.held_out], [x for x in every if x.held_out]
    print(f"{len(taught)} lessons of {sum(len(x.labels) for x in taught)} signals; {len(held_out)} held out")

    learner = learned(model, taught, types, modalities, args.processes)
    found, right = logits(learner, held_out, types)
    slope, offset = fitted(found, right)
    threshold, figure = threshold_of(1 / (1 + np.exp(-(slope * found + offset))), right)
    changes, layers = learner.changes(), learner.layers()
    Weights(types, modalities, changes, layers, (slope, offset), threshold, digest(paths)).save(args.output)
    print(f"calibration {slope}, {offset}; threshold {threshold}; type F1 on what was held out {figure:.3f}")


if __name__ == "__main__":
    main()
