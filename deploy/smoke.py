"""Run while the image is built: what would stop a worker stops the build. Nothing may come from the network."""

from __future__ import annotations

from pathlib import Path

import watches
from pipelines import collect, detect, monitor  # noqa: F401 - the graphs import all there is
from schemas.watch import load_watch
from transforms.embedding.model import DIMENSIONS, embedder

names = sorted(path.parent.name for path in Path(watches.__path__[0]).glob("*/watch.yaml"))
if not names:
    raise SystemExit("no watch came with the package")
for name in names:
    watch = load_watch(Path(watches.__path__[0]) / name)
    print(f"watch {watch.name}: {len(watch.actors)} actors, {len(watch.taxonomy.types)} types of signal")

vectors = embedder().embed(["A sentence."])
if vectors.shape != (1, DIMENSIONS):
    raise SystemExit(f"the model gave vectors of shape {vectors.shape}, not (1, {DIMENSIONS})")
print("sentence model: loaded")
