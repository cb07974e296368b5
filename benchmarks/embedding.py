"""Texts a second, side by side with `SentenceTransformer.encode` with its defaults, and how near the vectors are.

    python benchmarks/embedding.py                                          (make benchmark-embedding)
    python benchmarks/embedding.py --entries ENTRIES.jsonl                  texts of one's own: title and summary of each line

Headlines, and headlines with their leads, of the recording in `watches/` and word for word the same for both. They take
turns and the best of each counts, for other programs only ever slow one down. The default of encode is batches of 32 on all
cores; ours uses as many threads. "alone" is one text at a time on one thread, as entries come in.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from pipelines.recorded import entry_of
from pipelines.recording import Recording
from transforms.embedding.encoder import Encoder
from transforms.embedding.lead import title_and_lead
from transforms.embedding.model import Vectors, find_model

WATCH = Path(__file__).parents[1] / "watches/ukraine"
ALONE = 100


_ANY = {"id": "any", "feed": "any", "outlet": "any", "published": "2022-01-01"}  # what no vector depends on


def texts(entries: str, count: int) -> dict[str, list[str]]:
    """So many headlines, and the same with their leads as the detector embeds them."""
    if entries:
        rows = [json.loads(line) for line in Path(entries).read_text(encoding="utf-8").splitlines()]
        pairs = [(row["title"], row.get("summary") or "") for row in rows]
    else:
        pairs = [(version.title, version.summary) for version in Recording.load(WATCH / "sample").versions]
    pairs = [pairs[n * len(pairs) // count] for n in range(min(count, len(pairs)))]
    leads = [title_and_lead(entry_of({**_ANY, "title": t, "summary": s})) for t, s in pairs]
    return {"headlines": [t for t, _ in pairs], "headlines and leads": leads}


def rate(encode: Callable[[Sequence[str]], object], given: Sequence[str]) -> float:
    begun = time.perf_counter()
    encode(given)
    return len(given) / (time.perf_counter() - begun)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--entries", default="", help="JSON lines with title and summary (default: the recording)")
    arguments.add_argument("--count", type=int, default=512, help="texts of each kind")
    arguments.add_argument("--turns", type=int, default=4, help="of each")
    args = arguments.parse_args()

    import torch

    directory = find_model()
    begun = time.perf_counter()
    encoder = Encoder(directory)
    encoder.encode(["ready"])
    print(f"ours is ready after {time.perf_counter() - begun:.1f} s", end=", ")
    begun = time.perf_counter()
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    from sentence_transformers import SentenceTransformer

    reference = SentenceTransformer(str(directory), device="cpu", local_files_only=True)
    reference.encode(["ready"])
    print(f"sentence_transformers after {time.perf_counter() - begun:.1f} s (both with torch imported before)\n")
    threads = torch.get_num_threads()

    def theirs(given: Sequence[str]) -> Vectors:
        torch.set_num_threads(threads)
        return reference.encode(list(given), normalize_embeddings=True, show_progress_bar=False)

    def ours(given: Sequence[str]) -> Vectors:
        torch.set_num_threads(1)
        encoder.threads = threads
        return encoder.encode(given)

    def alone(given: Sequence[str]) -> None:
        torch.set_num_threads(1)
        for text in given[:ALONE]:
            encoder.encode([text])

    for kind, given in texts(args.entries, args.count).items():
        best = dict.fromkeys(("theirs", "ours", "alone"), 0.0)
        for _ in range(args.turns):
            best["theirs"] = max(best["theirs"], rate(theirs, given))
            best["ours"] = max(best["ours"], rate(ours, given))
            best["alone"] = max(best["alone"], rate(alone, given[:ALONE]))
        a, b = theirs(given), ours(given)
        cosines = np.sum(a * b, axis=1)
        between = np.abs(a @ a.T - b @ b.T)
        print(f"{kind}: {len(given)} texts, {threads} threads")
        print(f"  sentence_transformers {best['theirs']:6.0f} a second")
        print(f"  ours                  {best['ours']:6.0f} a second, {best['ours'] / best['theirs']:.2f} times")
        print(f"  ours, alone           {best['alone']:6.0f} a second")
        print(f"  cosine to the reference: mean {cosines.mean():.7f}, least {cosines.min():.7f}")
        print(f"  cosines between texts differ by {between.mean():.6f} on average, {between.max():.6f} at most\n")


if __name__ == "__main__":
    main()
