"""The encoder of all-MiniLM-L6-v2: texts in, unit vectors out, from the weights and the tokenizer of the saved model.

    texts ──► word pieces ──► packs of texts, the short ones first ──► 6 layers ──► mean of a text's pieces ──► unit vectors

The same network as sentence_transformers runs it (BERT, Devlin et al. 2019), with its linear layers in whole numbers: those of
fitted.py, or those of integers.py for who asks for more exactness. Texts stand in a pack one after the other, without
padding; attention sees texts of equal length together. What a row is depends on no other row, so a vector depends on its
text only.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from tokenizers import Tokenizer

from transforms.embedding.fitted import GELU_FLOOR, FittedLinear, FlooredLinear, Range
from transforms.embedding.integers import Linear
from transforms.embedding.samples import SAMPLES

PACK = 384  # word pieces; more do not fit into a core's cache, fewer leave it idle (measured: benchmarks/embedding.py)
_KEPT_MEMORY = 30 << 20
_AFTER_ATTENTION, _AFTER_GELU = "attention.output.dense", "output.dense"

Weights = dict[str, torch.Tensor]
Linearity = Callable[[torch.Tensor], torch.Tensor]
Make = Callable[[str, torch.Tensor, torch.Tensor], Linearity]
"""What makes a linear layer of its name, weight and bias."""


class Encoder:
    """The model in a directory of the sentence-transformers layout.

    threads  how many packs are worked on at a time; a pack is one thread's work
    changes  what is added to its weights, by their names: a model that was trained further
    exact    three products for each linear layer instead of two: 1.4 times the time, and a mean cosine of .999999 to the
             reference instead of .9998
    Raises OSError, KeyError or ValueError if the directory does not hold such a model.
    """

    def __init__(
        self,
        directory: Path,
        threads: int = 1,
        changes: Mapping[str, torch.Tensor] | None = None,
        exact: bool = False,
    ) -> None:
        config = json.loads((directory / "config.json").read_text(encoding="utf-8"))
        self._size = int(config["hidden_size"])
        self._heads = int(config["num_attention_heads"])
        weights = load_file(directory / "model.safetensors")
        for name, change in (changes or {}).items():
            weights[name] = weights[name] + change
        self._words = weights["embeddings.word_embeddings.weight"]
        self._places = weights["embeddings.position_embeddings.weight"] + weights["embeddings.token_type_embeddings.weight"][0]
        self._norm = _Norm(weights, "embeddings.LayerNorm", config["layer_norm_eps"])
        self.tokenizer = tokenizer(directory)
        self.threads = threads
        # glibc gives memory back to the system as soon as a large block is free, and takes it again for the next tensor,
        # which cost a fifth of the time. Once a block of this size was free, it keeps blocks of up to twice the size.
        torch.empty(_KEPT_MEMORY, dtype=torch.uint8)

        def layers(make: Make) -> list[_Layer]:
            return [_Layer(weights, f"encoder.layer.{i}", config, make) for i in range(config["num_hidden_layers"])]

        if exact:
            self._layers = layers(lambda _, weight, bias: Linear(weight, bias))
        else:
            inputs: dict[str, Range] = defaultdict(Range)
            self._layers = layers(lambda name, weight, bias: _watched(Linear(weight, bias), inputs[name]))
            self.encode(SAMPLES)
            self._layers = layers(lambda name, weight, bias: _fitted(name, weight, bias, inputs[name]))

    @property
    def dimensions(self) -> int:
        return self._size

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors of the texts in their order, shape (len(texts), dimensions)."""
        states = self.states([encoded.ids for encoded in self.tokenizer.encode_batch(list(texts))])
        if not states:
            return np.zeros((0, self._size), np.float32)
        with torch.inference_mode():
            vectors: NDArray[np.float32] = torch.nn.functional.normalize(torch.stack([each.mean(0) for each in states])).numpy()
        return vectors

    def states(self, pieces: Sequence[Sequence[int]]) -> list[torch.Tensor]:
        """What the last layer makes of each word piece: for each text, given by its pieces, a tensor (pieces, dimensions)."""
        packs = list(_packs(pieces))
        if self.threads > 1 and len(packs) > 1:
            with ThreadPoolExecutor(self.threads) as pool:
                done = list(pool.map(lambda pack: self._states([pieces[i] for i in pack]), packs))
        else:
            done = [self._states([pieces[i] for i in pack]) for pack in packs]
        of_text = {i: states for pack, found in zip(packs, done, strict=True) for i, states in zip(pack, found, strict=True)}
        return [of_text[i] for i in range(len(pieces))]

    @torch.inference_mode()
    def _states(self, pieces: Sequence[Sequence[int]]) -> list[torch.Tensor]:
        """The states of the texts of one pack, which are sorted by length."""
        groups = [torch.tensor(list(same)) for _, same in groupby(pieces, key=len)]
        shapes = [(len(group), group.shape[1]) for group in groups]
        embedded = [(self._words[group] + self._places[: group.shape[1]]).flatten(0, 1) for group in groups]
        states = self._norm(torch.cat(embedded))
        for layer in self._layers:
            states = layer(states, shapes)
        return [text for group in _by_text(states, shapes) for text in group]


def tokenizer(directory: Path) -> Tokenizer:
    """What cuts texts into the word pieces of the model in a directory, as many of each text as the model was made for."""
    sentences = json.loads((directory / "sentence_bert_config.json").read_text(encoding="utf-8"))
    made = Tokenizer.from_file(str(directory / "tokenizer.json"))
    made.no_padding()
    made.enable_truncation(int(sentences["max_seq_length"]))
    return made


class _Norm:
    def __init__(self, weights: Weights, name: str, epsilon: float) -> None:
        self._weight, self._bias, self._epsilon = weights[f"{name}.weight"], weights[f"{name}.bias"], epsilon

    def __call__(self, states: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.layer_norm(states, self._weight.shape, self._weight, self._bias, self._epsilon)


def _watched(layer: Linearity, inputs: Range) -> Linearity:
    """The layer, and the range of its inputs is noted."""

    def call(values: torch.Tensor) -> torch.Tensor:
        inputs.see(values)
        return layer(values)

    return call


def _fitted(name: str, weight: torch.Tensor, bias: torch.Tensor, inputs: Range) -> Linearity:
    if name.endswith(_AFTER_GELU) and not name.endswith(_AFTER_ATTENTION):
        return FlooredLinear(weight, bias, GELU_FLOOR)
    return FittedLinear(weight, bias, inputs)


class _Layer:
    def __init__(self, weights: Weights, name: str, config: dict[str, float], make: Make) -> None:
        def linear(*names: str) -> Linearity:
            parts = [f"{name}.{part}" for part in names]
            weight = torch.cat([weights[f"{part}.weight"] for part in parts])
            return make(parts[0], weight, torch.cat([weights[f"{part}.bias"] for part in parts]))

        self._heads = int(config["num_attention_heads"])
        self._asked = linear("attention.self.query", "attention.self.key", "attention.self.value")
        self._answered = linear(_AFTER_ATTENTION)
        self._answered_norm = _Norm(weights, f"{name}.attention.output.LayerNorm", config["layer_norm_eps"])
        self._wide = linear("intermediate.dense")
        self._narrow = linear(_AFTER_GELU)
        self._norm = _Norm(weights, f"{name}.output.LayerNorm", config["layer_norm_eps"])

    def __call__(self, states: torch.Tensor, shapes: Sequence[tuple[int, int]]) -> torch.Tensor:
        asked = self._asked(states)
        attended = torch.cat([self._attention(group) for group in _by_text(asked, shapes)])
        states = self._answered_norm(self._answered(attended).add_(states))
        wide = torch.ops.aten.gelu_(self._wide(states))
        return self._norm(self._narrow(wide).add_(states))

    def _attention(self, asked: torch.Tensor) -> torch.Tensor:
        """(texts, pieces, 3 * size) -> (texts * pieces, size)."""
        query, key, value = asked.unflatten(2, (3, self._heads, -1)).permute(2, 0, 3, 1, 4)
        attended = torch.nn.functional.scaled_dot_product_attention(query, key, value)
        return attended.transpose(1, 2).flatten(2).flatten(0, 1)


def _packs(pieces: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Indexes of the texts, the shortest first, in packs of at most PACK pieces or of one text."""
    pack: list[int] = []
    held = 0
    for i in sorted(range(len(pieces)), key=lambda i: len(pieces[i])):
        if pack and held + len(pieces[i]) > PACK:
            yield pack
            pack, held = [], 0
        pack.append(i)
        held += len(pieces[i])
    if pack:
        yield pack


def _by_text(rows: torch.Tensor, shapes: Sequence[tuple[int, int]]) -> list[torch.Tensor]:
    """The rows of a pack as one tensor (texts, pieces, columns) for each length of text."""
    parts = rows.split([texts * length for texts, length in shapes])
    return [part.unflatten(0, shape) for part, shape in zip(parts, shapes, strict=True)]
