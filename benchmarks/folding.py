"""What folding costs as the window fills, side by side with brute force, faiss and semhash; and what a restart costs.

    python benchmarks/folding.py --peers ENVIRONMENT/bin/python        (make benchmark-folding)

Vectors are news-like: the titles and leads of the recording in `watches/` as the model sees them, each the centre of many
stories that differ from it as the texts of the recording differ from each other, with about eight reports to a story at a
cosine of .7 to .8 to one another. A true neighbour is one of the 40 nearest of all; recall is also told for those above
cosine .6 and .7, where the fold joins a report to a story in a window that is this full.

Every index gets the same vectors and the same questions, one at a time on one thread. The fold is the whole of it, with its
texts: each member a story of its own, which is the most that there can be. CPU time is told, not the clock's.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.folding_peers import QUESTIONS, K, cost, told
from pipelines.recorded import entry_of
from pipelines.recording import Recording, entries
from schemas import Entry, Report, content_hash, micros
from schemas.watch import load_watch
from transforms.alerts import AlertPolicy
from transforms.checkpoints import Checkpoint, Checkpoints
from transforms.embedding.lead import title_and_lead
from transforms.embedding.model import embedder
from transforms.stories.affinity import UNITS, features_of
from transforms.stories.fold import Fold
from transforms.stories.index import CellIndex
from transforms.stories.ledger import StoryLedger
from transforms.stories.revision import founded, story_id
from transforms.stories.wording import wording_of

HERE = Path(__file__).parent
WATCH = HERE.parent / "watches/ukraine"
REPORTS_PER_STORY = 8
OF_STORIES, OF_REPORTS = (
    0.75,
    0.55,
)  # how far a story lies from its centre, a report from its story: in the recording's own spread
BEGIN = micros("2021-12-01")
SECOND = 1_000_000

Vectors = NDArray[np.float32]


def recorded_vectors() -> Vectors:
    recorded = entries(Recording.load(WATCH / "sample"))
    return embedder("", threads=2).embed([title_and_lead(entry_of(line)) for line in recorded])


def news(count: int, base: Vectors, seed: int = 7) -> Vectors:
    """Unit vectors of reports, those of a story strewn over the whole."""
    draw = np.random.default_rng(seed)
    spread = np.linalg.cholesky(np.cov(base.T) + 1e-4 * np.eye(base.shape[1])).astype(np.float32).T
    stories = max(1, count // REPORTS_PER_STORY)
    centres = base[draw.integers(len(base), size=stories)]
    centres = _unit(centres + OF_STORIES * draw.standard_normal((stories, base.shape[1]), np.float32) @ spread)
    vectors = np.empty((count, base.shape[1]), np.float32)
    for start in range(0, count, 50_000):
        own = centres[draw.integers(stories, size=len(vectors[start : start + 50_000]))]
        vectors[start : start + 50_000] = _unit(own + OF_REPORTS * draw.standard_normal(own.shape, np.float32) @ spread)
    return np.round(vectors, 5)


def _unit(vectors: Vectors) -> Vectors:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def reports(vectors: Vectors, prefix: str, seed: int) -> Iterator[Report]:
    """Reports with these vectors, in words of a news desk's frequencies, some seconds apart."""
    draw = np.random.default_rng(seed)
    for n, vector in enumerate(vectors):
        words = [f"word{w}" for w in np.minimum(draw.zipf(1.3, 36), 40_000)]
        title, summary = " ".join(words[:10]), " ".join(words[10:])
        at = BEGIN + n * 86_400 * 2 * SECOND // max(len(vectors), 1)
        url = f"https://paper.example/{prefix}/{n}"
        text, outlet = content_hash(title, summary, ""), f"Outlet {n % 100}"
        entry = Entry(f"{prefix}-{n}", 1, text, at, at, at, False, "https://paper.example/feed", outlet, url, title, summary)
        yield Report("window", entry, position=at, gated=True, vector=vector.tobytes(), relevance=0.9, outcome="relevant")


def fill(fold: Fold, vectors: Vectors) -> None:
    """Put every report into a story of its own, without asking where it belongs."""
    for report in reports(vectors, "held", 1):
        entry = report.entry
        thread = founded(_with_story(report, story_id("window", entry.id)), ())
        features = features_of(report.vector, wording_of(entry, title_and_lead(entry)))
        fold.log_time = entry.time
        fold._keep(_with_story(report, thread.story.id), thread, features, None, None)


def _with_story(report: Report, story: str) -> Report:
    return Report(**{**report.__dict__, "story_id": story, "relation": "new"})


def measure_index(held: Vectors, asked: Vectors) -> dict[str, object]:
    index = CellIndex(held.shape[1])
    whole = np.rint(held * UNITS).astype(np.float64) if len(held) <= 100_000 else None

    def row(n: int) -> NDArray[np.float64]:
        return whole[n] if whole is not None else np.rint(held[n].astype(np.float64) * UNITS)

    begun = time.process_time()
    for n in range(len(held)):
        index.add(n, row(n))
    added = (time.process_time() - begun) / len(held)
    questions = [np.rint(q.astype(np.float64) * UNITS) for q in asked]
    seconds, found = cost(lambda n: index.nearest(questions[n], K), len(asked))
    columns = (index._codes, index._scales, index._keys, index._centres, index._units, index._counts)
    bytes_each = sum(c[: index._cells].nbytes for c in columns) / len(held)
    return told("Vedette, cells", len(held), seconds, added, bytes_each, found)


def measure_fold(fold: Fold, asked: Vectors, size: int) -> None:
    new = list(reports(asked, f"new-{size}", 2))
    times = []
    for report in new:
        entry = Entry(**{**report.entry.__dict__, "time": fold.log_time, "published": fold.log_time})
        report = Report(**{**report.__dict__, "entry": entry})
        begun = time.process_time()
        fold.fold(report)
        times.append(time.process_time() - begun)
    median, mean = 1e6 * float(np.median(times)), 1e6 * float(np.mean(times))
    print(f"{size:>9,}  the whole fold takes {median:.0f} us an entry (median; mean {mean:.0f})", flush=True)


def measure_restart(ledger: StoryLedger, size: int) -> None:
    watch = ledger.watch
    begun = time.perf_counter()
    state = ledger.state()
    written = time.perf_counter()
    with tempfile.TemporaryDirectory() as directory:
        checkpoints = Checkpoints(directory, "stories")
        checkpoints.write(watch.name, Checkpoint(state, 1, watch.config_hash))
        kept = time.perf_counter()
        checkpoint = checkpoints.read(watch.name)
        assert checkpoint is not None
        restored = StoryLedger.restore(watch, AlertPolicy(watch), checkpoint.state)
    ready = time.perf_counter()
    print(f"           its state: {len(state) / 2**20:.0f} MiB, {len(state) / size:.0f} bytes each, in {written - begun:.1f} s")
    print(f"           a checkpoint of it: {kept - written:.1f} s more; read again: {ready - kept:.1f} s", flush=True)
    assert restored.state() == state, "what was restored is not what was written"


def measure_folds(base: Vectors, sizes: list[int], restart_at: int) -> None:
    watch = load_watch(WATCH)
    theme = np.rint(base.astype(np.float64).mean(0) * UNITS)
    for size in sizes:
        vectors = news(size + QUESTIONS, base)
        fold = Fold(watch, AlertPolicy(watch), theme)
        before = _resident()
        fill(fold, vectors[:size])
        held = _resident() - before
        print(f"{size:>9,}  the fold holds {held:,.0f} MiB, {held * 2**20 / size:,.0f} bytes a story", flush=True)
        for _ in fold._members.all.packed():  # as each snapshot leaves them: a running fold packs a member only once
            pass
        measure_fold(fold, vectors[size:], size)
        if size == restart_at:
            ledger = StoryLedger(watch, AlertPolicy(watch))
            ledger.fold_ = fold
            measure_restart(ledger, size)
        del fold


def _resident() -> float:
    """MiB of this process in memory."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 2**20


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--peers", default="", help="Python of the environment that has benchmarks/requirements.txt")
    arguments.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000, 1_000_000], help="vectors held")
    arguments.add_argument(
        "--fold-sizes", type=int, nargs="*", default=[1_000, 10_000, 70_000, 1_000_000], help="of the whole fold"
    )
    arguments.add_argument("--restart-at", type=int, default=70_000, help="size at which the state is written and read")
    args = arguments.parse_args()
    base = recorded_vectors()
    names = f"{'us a question':>13} {'us to add':>10} {'bytes each':>10} {'recall@40':>10} {'> .6':>7} {'> .7':>7}"
    print(f"{'held':>9}  {'':24} {names}", flush=True)
    for size in args.sizes:
        vectors = news(size + QUESTIONS, base)
        with tempfile.TemporaryDirectory() as directory:
            np.save(Path(directory) / "vectors.npy", vectors)
            ours = measure_index(vectors[:size], vectors[size:])
            Path(directory, "ours.json").write_text(json.dumps(ours), encoding="ascii")
            script = [args.peers or sys.executable, str(HERE / "folding_peers.py"), directory]
            del vectors
            subprocess.run(script, check=True, env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"})
    measure_folds(base, args.fold_sizes, args.restart_at)


if __name__ == "__main__":
    main()
