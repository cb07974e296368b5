"""The encoder: the vectors of sentence_transformers, whole numbers that add up exactly, nothing that depends on a batch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.embedding import integers
from transforms.embedding.encoder import PACK, Encoder, _packs
from transforms.embedding.fitted import FittedLinear, FlooredLinear, Range
from transforms.embedding.integers import Linear, product
from transforms.embedding.model import ReferenceEmbedder, embedder, find_model

TEXTS = [
    "",
    "Talks",
    "Norland gathers ships off the coast of its neighbour",
    "Sudland's minister — “we are ready” — says 90,000 soldiers are near; naïve, she adds 😀",
    "One ship came. Two more left. " * 40,
    "a" * 300,
]


def test_its_vectors_are_those_of_sentence_transformers() -> None:
    reference = ReferenceEmbedder(find_model()).embed(TEXTS)
    assert (np.sum(reference * embedder().embed(TEXTS), axis=1) > 0.999).all()
    assert (np.sum(reference * Encoder(find_model(), exact=True).encode(TEXTS), axis=1) > 0.99999).all()


def test_two_encoders_of_one_model_give_the_same_vectors() -> None:
    assert np.array_equal(Encoder(find_model()).encode(TEXTS), Encoder(find_model()).encode(TEXTS))


@settings(max_examples=20, deadline=None)
@given(st.lists(st.sampled_from(TEXTS), min_size=1, max_size=12), st.integers(1, 2))
def test_a_text_has_one_vector_whatever_stands_beside_it(texts: list[str], threads: int) -> None:
    together = embedder("", threads).embed(texts)
    for text, vector in zip(texts, together, strict=True):
        assert np.array_equal(vector, alone(text)), text


def alone(text: str) -> np.ndarray:
    return embedder().embed([text])[0]


@pytest.mark.parametrize("rows", [1, 3, 64])
@pytest.mark.parametrize("outputs", [1, 8])
@pytest.mark.parametrize("sign", [-1, 1])
def test_sums_of_the_largest_digits_are_exact(rows: int, outputs: int, sign: int) -> None:
    """On CPUs without VNNI, products of two full bytes each would overflow; ONEDNN_MAX_CPU_ISA=AVX2 shows it."""
    a = torch.full((rows, 3072), 127, dtype=torch.int8)
    weights = torch.full((outputs, 3072), sign * 64.0)
    weights[:, ::2] = 0
    assert (product(a, integers.stored(weights)) == sign * 127 * 64 * 1536).all()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 9), st.floats(1e-6, 1e6))
def test_a_layer_in_whole_numbers_is_near_the_layer_in_floats(seed: int, rows: int, size: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(rows, 384, generator=generator) * size
    weight, bias = torch.randn(24, 384, generator=generator), torch.randn(24, generator=generator)
    wanted = torch.nn.functional.linear(values.double(), weight.double(), bias.double())
    found = Linear(weight, bias)(values)
    assert (found - wanted).abs().max() < 2e-3 * wanted.std() + 1e-5


def seen(values: torch.Tensor) -> Range:
    inputs = Range()
    inputs.see(values)
    return inputs


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 9), st.floats(1, 1e3))
def test_a_fitted_layer_needs_one_digit_though_a_column_is_far_out(seed: int, rows: int, far: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    columns = torch.ones(384)
    columns[99] = far
    values = torch.randn(rows + 32, 384, generator=generator) * columns + columns
    weight, bias = torch.randn(24, 384, generator=generator) / columns, torch.randn(24, generator=generator)
    wanted = torch.nn.functional.linear(values.double(), weight.double(), bias.double())
    found = FittedLinear(weight, bias, seen(values[rows:]))(values[:rows])
    assert (found - wanted[:rows]).abs().max() < 0.05 * wanted.std()


def test_a_fitted_layer_takes_values_that_it_never_saw() -> None:
    generator = torch.Generator().manual_seed(3)
    values, weight, bias = torch.randn(5, 384, generator=generator), torch.randn(24, 384, generator=generator), torch.zeros(24)
    found = FittedLinear(weight, bias, seen(values / 50))(values)
    wanted = torch.nn.functional.linear(values, weight)
    assert torch.cosine_similarity(found, wanted).min() > 0.999


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 9))
def test_a_floored_layer_uses_its_digit_from_the_floor_up(seed: int, rows: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    values = torch.nn.functional.gelu(torch.randn(rows, 1536, generator=generator))
    weight, bias = torch.randn(24, 1536, generator=generator), torch.randn(24, generator=generator)
    wanted = torch.nn.functional.linear(values.double(), weight.double(), bias.double())
    together = FlooredLinear(weight, bias, -0.17)(values.clone())
    assert (together - wanted).abs().max() < 0.03 * wanted.std()
    alone = [FlooredLinear(weight, bias, -0.17)(row[None].clone()) for row in values]
    assert torch.equal(together, torch.cat(alone))


@pytest.mark.parametrize("sign", [-1, 1])
def test_the_largest_sums_of_fitted_layers_do_not_overflow(sign: int) -> None:
    """Every digit and every weight at its end."""
    weight, bias, values = torch.full((8, 1536), float(sign)), torch.zeros(8), torch.ones(1, 1536)
    wanted = torch.full((1, 8), 1536.0 * sign)
    inputs = seen(torch.cat([values, -values]))
    assert torch.allclose(FittedLinear(weight, bias, inputs)(values), wanted, rtol=1e-6)
    assert torch.allclose(FittedLinear(weight, bias, inputs)(-values), -wanted, rtol=1e-6)
    assert torch.allclose(FlooredLinear(weight, bias, 0)(values.clone()), wanted, rtol=1e-6)


def test_without_small_products_floats_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine whose PyTorch multiplies int8 slowly."""
    generator = torch.Generator().manual_seed(1)
    values, weight, bias = torch.randn(5, 384, generator=generator), torch.randn(24, 384, generator=generator), torch.zeros(24)
    wanted = Linear(weight, bias)(values)
    monkeypatch.setattr(integers, "_SMALL", False)
    monkeypatch.setattr(integers, "product", integers._multiply_as_floats)
    assert torch.equal(Linear(weight, bias)(values), wanted)


def test_rows_of_zeros_stay_zeros() -> None:
    assert torch.equal(Linear(torch.ones(2, 4), torch.tensor([1.0, 2.0]))(torch.zeros(1, 4)), torch.tensor([[1.0, 2.0]]))


@given(st.lists(st.integers(0, PACK + 5), max_size=60))
def test_every_text_is_in_one_pack_the_short_ones_first(lengths: list[int]) -> None:
    packs = list(_packs([[0] * n for n in lengths]))
    order = [i for pack in packs for i in pack]
    assert sorted(order) == list(range(len(lengths)))
    assert [lengths[i] for i in order] == sorted(lengths)
    assert all(len(pack) == 1 or sum(lengths[i] for i in pack) <= PACK for pack in packs)
