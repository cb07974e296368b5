"""The other indexes that folding.py measures beside, in an environment of their own: brute force, faiss, semhash.

    python benchmarks/folding_peers.py DIRECTORY       with vectors.npy and ours.json, as folding.py writes them

Prints the table's lines for one size. Recall is by brute force over all vectors.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

K = 40
QUESTIONS = 300
ROUNDS = 3


def cost(ask: Callable[[int], Sequence[int]], questions: int) -> tuple[float, list[list[int]]]:
    """CPU seconds for a question, the best of some rounds, and the answers."""
    best = float("inf")
    for _ in range(ROUNDS):
        begun = time.process_time()
        found = [ask(n) for n in range(questions)]
        best = min(best, (time.process_time() - begun) / questions)
    return best, [[int(key) for key in keys if key >= 0] for keys in found]


def told(
    name: str, held: int, seconds: float, added: float | None, bytes_each: float, found: list[list[int]]
) -> dict[str, object]:
    return {"name": name, "held": held, "seconds": seconds, "added": added, "bytes": bytes_each, "found": found}


def recall(similarity: np.ndarray, found: list[list[int]], least: float) -> float:
    """The share of those of the K nearest that are at least so near which were found."""
    hits = true = 0
    for row, keys in zip(similarity, found, strict=True):
        nearest = np.argpartition(-row, min(K, len(row) - 1))[:K]
        wanted = set(nearest[row[nearest] >= least].tolist())
        hits += len(wanted & set(keys))
        true += len(wanted)
    return hits / max(true, 1)


def line(result: dict[str, object], similarity: np.ndarray) -> str:
    found = result["found"]
    shares = [recall(similarity, found, least) for least in (-1.0, 0.6, 0.7)]  # type: ignore[arg-type]
    added = f"{1e6 * result['added']:10.0f}" if result["added"] is not None else f"{'at once':>10}"  # type: ignore[operator]
    told_shares = " ".join(f"{share:{width}.4f}" for share, width in zip(shares, (10, 7, 7), strict=True))
    return (
        f"{result['held']:>9,}  {result['name']:24} {1e6 * result['seconds']:13.0f} {added} {result['bytes']:10.0f} {told_shares}"  # type: ignore[operator]
    )


def brute_force(held: np.ndarray, asked: np.ndarray) -> dict[str, object]:
    def ask(n: int) -> np.ndarray:
        similarity = held @ asked[n]
        return np.argpartition(-similarity, K)[:K]

    seconds, found = cost(ask, len(asked))
    return told("numpy, brute force", len(held), seconds, 0.0, held.shape[1] * 4, found)


def faiss_index(held: np.ndarray, asked: np.ndarray, cells: int, probes: int) -> dict[str, object]:
    import faiss

    faiss.omp_set_num_threads(1)
    index = faiss.IndexFlatIP(held.shape[1])
    name = "faiss, flat"
    if cells:
        index = faiss.IndexIVFFlat(index, held.shape[1], cells, faiss.METRIC_INNER_PRODUCT)
        index.train(held[: 64 * cells])
        index.nprobe = probes
        name = f"faiss, IVF{cells} of {probes}"
    begun = time.process_time()
    for start in range(0, len(held), 1_000):
        index.add(held[start : start + 1_000])
    added = (time.process_time() - begun) / len(held)
    seconds, found = cost(lambda n: index.search(asked[n : n + 1], K)[1][0], len(asked))
    return told(name, len(held), seconds, added, held.shape[1] * 4 + (8 if cells else 0), found)


def semhash_index(held: np.ndarray, asked: np.ndarray) -> dict[str, object]:
    from semhash import SemHash

    class NoModel:
        def encode(self, inputs: Sequence[str], **options: object) -> np.ndarray:
            raise NotImplementedError

    records = [str(n) for n in range(len(held))]
    index = SemHash.from_embeddings(held, records, NoModel()).index
    place = [int(item[0]["text"]) for item in index.items]
    seconds, found = cost(lambda n: [place[i] for i in index.query_top_k(asked[n : n + 1], K, False)[0][0]], len(asked))
    return told("semhash (usearch)", len(held), seconds, None, held.shape[1] * 4, found)


def main() -> None:
    directory = Path(sys.argv[1])
    vectors = np.load(directory / "vectors.npy")
    held, asked = vectors[:-QUESTIONS], vectors[-QUESTIONS:]
    similarity = asked @ held.T
    print(line(json.loads((directory / "ours.json").read_text(encoding="ascii")), similarity), flush=True)
    print(line(brute_force(held, asked), similarity), flush=True)
    try:
        cells = int(4 * len(held) ** 0.5)
        print(line(faiss_index(held, asked, 0, 0), similarity), flush=True)
        print(line(faiss_index(held, asked, cells, max(8, cells // 40)), similarity), flush=True)
        if len(held) <= 100_000:  # it takes an hour to build the next size
            print(line(semhash_index(held, asked), similarity), flush=True)
    except ImportError as e:
        print(f"           left out: {e}; give --peers the Python of an environment that has benchmarks/requirements.txt")


if __name__ == "__main__":
    main()
