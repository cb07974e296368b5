"""The reader: a sentence model trained further, and the network above it, as they are shipped.

    passage ──► word pieces ──► encoder (all-MiniLM-L6-v2 with its matrices changed) ──► states
    states ──► network ──► what is said of each type, and where; how, by whom and to whom

The changes of the encoder's linear layers are kept in eight bits, a scale for each row, and added to its weights once when
the reader is loaded: ten megabytes beside the model that is there anyway. The weights come from transforms/signals/training
and name the files that they were learned from by their hash.
"""

from __future__ import annotations

import functools
import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from transforms.embedding.encoder import Encoder
from transforms.embedding.model import ModelError, find_model
from transforms.signals.network import Network, found_in
from transforms.signals.passages import Passage, Stretch

logger = logging.getLogger(__name__)

FILE = "reader.npz"
DECIMALS = 3
"""Of probabilities: a decision must not hang on the last bits of a sum."""
_STEPS, _SCALES = ".steps", ".scales"


@dataclass(frozen=True)
class Change:
    """What a matrix of the encoder is changed by: `steps`, whole numbers of shape (outputs, inputs), times the `scales` of
    their rows."""

    steps: NDArray[np.int8]
    scales: NDArray[np.float32]

    @classmethod
    def of(cls, change: NDArray[np.float32]) -> Change:
        """The nearest to a change that can be kept."""
        scales = np.maximum(np.abs(change).max(axis=1), 1e-12) / 127
        return cls(np.rint(change / scales[:, None]).astype(np.int8), scales.astype(np.float32))

    @property
    def values(self) -> NDArray[np.float32]:
        """Of the shape of the matrix, to be added to it."""
        return self.steps * self.scales[:, None]


@dataclass(frozen=True)
class Weights:
    """What is learned.

    types, modalities  their names, in the order of the network's columns
    changes            name of a matrix of the encoder -> what it is changed by
    layers             the network's own parameters
    calibration        slope and offset from a passage's logit to the confidence's
    threshold          least confidence of a signal that no good pattern found
    learned_from       SHA-256 of the labelled files
    """

    types: tuple[str, ...]
    modalities: tuple[str, ...]
    changes: dict[str, Change]
    layers: dict[str, NDArray[np.float16]]
    calibration: tuple[float, float]
    threshold: float
    learned_from: str

    def save(self, path: Path) -> None:
        """Write the weights; the same weights give the same bytes."""
        arrays: dict[str, Any] = {
            "types": np.array(self.types),
            "modalities": np.array(self.modalities),
            "calibration": np.array(self.calibration),
            "threshold": np.array(self.threshold),
            "learned_from": np.array(self.learned_from),
        }
        arrays |= {name + _STEPS: change.steps for name, change in self.changes.items()}
        arrays |= {name + _SCALES: change.scales for name, change in self.changes.items()}
        arrays |= self.layers
        np.savez_compressed(path, **arrays)


_OWN = frozenset({"types", "modalities", "calibration", "threshold", "learned_from"})


def load(path: Path) -> Weights:
    """The weights that `save` wrote. Raises OSError, KeyError or ValueError if there are none."""
    with np.load(path, allow_pickle=False) as f:
        slope, offset = map(float, f["calibration"])
        changed = [name.removesuffix(_STEPS) for name in f.files if name.endswith(_STEPS)]
        return Weights(
            types=tuple(map(str, f["types"])),
            modalities=tuple(map(str, f["modalities"])),
            changes={name: Change(f[name + _STEPS], f[name + _SCALES]) for name in changed},
            layers={n: f[n] for n in f.files if n not in _OWN and not n.endswith((_STEPS, _SCALES))},
            calibration=(slope, offset),
            threshold=float(f["threshold"]),
            learned_from=str(f["learned_from"]),
        )


@dataclass(frozen=True)
class Seen:
    """What the reader sees in a passage.

    confidence  (types,): how sure it is that the passage says something of each type
    pieces      (pieces, types): how sure it is that each piece says it
    states      (pieces, dimensions), for `Reader.roles`
    """

    confidence: NDArray[np.float64]
    pieces: NDArray[np.float64]
    states: Tensor


@dataclass(frozen=True)
class Roles:
    """How a stretch says it, and who plays in it.

    modality  probabilities in the order of the reader's modalities
    sources   probabilities of nobody and of each name of the passage; targets alike
    """

    modality: NDArray[np.float64]
    sources: NDArray[np.float64]
    targets: NDArray[np.float64]


class Reader:
    """Reads passages with these weights over the sentence model in a directory."""

    def __init__(self, directory: Path, weights: Weights) -> None:
        """Raises OSError, KeyError, ValueError or RuntimeError if the weights do not fit the model or the network."""
        self.types, self.modalities, self.threshold = weights.types, weights.modalities, weights.threshold
        self._calibration = weights.calibration
        changes = {name: torch.from_numpy(change.values) for name, change in weights.changes.items()}
        self._encoder = Encoder(directory, changes=changes, exact=True)
        self._network = Network(len(self.types), len(self.modalities))
        self._network.load_state_dict({name: torch.from_numpy(values).float() for name, values in weights.layers.items()})
        self._network.eval()
        self.tokenizer = self._encoder.tokenizer

    def seen(self, passages: Sequence[Passage]) -> list[Seen]:
        """What is said in each passage. It depends on the passage only, not on those beside it."""
        states = self._encoder.states([passage.ids for passage in passages])
        return [self._seen(passage, each) for passage, each in zip(passages, states, strict=True)]

    @torch.inference_mode()
    def _seen(self, passage: Passage, states: Tensor) -> Seen:
        found = found_in([passage], self.types, len(passage.ids))
        pieces, said = self._network.spans(states[None], torch.ones(1, len(states)), found)
        slope, offset = self._calibration
        return Seen(_rounded(torch.sigmoid(slope * said[0] + offset)), _rounded(torch.sigmoid(pieces[0])), states)

    @torch.inference_mode()
    def roles(self, passage: Passage, seen: Seen, stretches: Sequence[Stretch]) -> list[Roles]:
        """How each stretch of one passage says it, by whom and to whom; each stretch's `passage` is 0."""
        out = []
        for stretch in stretches:  # one by one: what is beside it must not decide
            how, (who,) = self._network.roles(seen.states[None], torch.ones(1, len(seen.states)), [passage], [stretch])
            sources, targets = torch.softmax(who, 0).unbind(1)
            out.append(Roles(_rounded(torch.softmax(how[0], 0)), _rounded(sources), _rounded(targets)))
        return out


def _rounded(values: Tensor) -> NDArray[np.float64]:
    return np.round(values.double().numpy(), DECIMALS)


@functools.cache
def shipped() -> Weights:
    """The weights that come with the package, read once per process."""
    with resources.as_file(resources.files("transforms.signals") / FILE) as path:
        return load(path)


_loading = threading.Lock()


def reader(directory: str = "") -> Reader:
    """The reader of this process with the shipped weights, loaded at the first call.

    directory: of the sentence model, "" to look for it on the machine
    Raises ModelError if there is no such model, or the weights do not fit it.
    """
    with _loading:
        return _reader(find_model(directory))


@functools.lru_cache(maxsize=1)
def _reader(directory: Path) -> Reader:
    torch.set_num_threads(1)
    try:
        read = Reader(directory, shipped())
    except (OSError, KeyError, ValueError, RuntimeError) as e:
        raise ModelError(f"the reader's weights ({FILE}) do not fit the model in {directory}: {e!r}") from e
    logger.info("reader loaded over the sentence model in %s", directory)
    return read
