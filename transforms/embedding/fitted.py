"""Linear layers whose inputs need one digit only: two products of whole numbers instead of three (see integers.py).

A digit has 255 steps. A few columns of a BERT's inner values are ten times as large as the others, and would take most of
the steps for themselves. So each column is moved and shrunk by the range that it has on a few texts (`Range`), and the
weights take that up: x * w = (x - centre) / spread * (spread * w) + centre * w. That is SmoothQuant (Xiao et al. 2022) with
all of the range on the side of the weights, which have 14 bits for it. What comes out of GELU has a floor instead, and uses
the digit from there to its row's largest value.

The scale of a row is still the row's own: a value outside the range that was seen makes a vector less exact, never wrong.
"""

from __future__ import annotations

import torch

from transforms.embedding.integers import BASE, digits, product, stored

GELU_FLOOR = -0.17
"""GELU is never less: its least value is -.16997, at -.7518."""
_DIGIT = 127
_STEPS = 16
_LEAST = 1e-30


class Range:
    """The range of each column of a layer's inputs, as far as it was seen."""

    def __init__(self) -> None:
        self._least, self._most = torch.tensor(torch.inf), torch.tensor(-torch.inf)

    def see(self, inputs: torch.Tensor) -> None:
        self._least = torch.minimum(self._least, inputs.amin(0))
        self._most = torch.maximum(self._most, inputs.amax(0))

    @property
    def centre(self) -> torch.Tensor:
        return _coarse((self._most + self._least) / 2)

    @property
    def spread(self) -> torch.Tensor:
        """How far a column goes from its centre."""
        return _coarse((self._most - self._least) / 2).clamp_(min=1 / _STEPS)


def _coarse(values: torch.Tensor) -> torch.Tensor:
    """To a sixteenth, so that the last bits of a float, in which machines differ, do not reach the weights."""
    return values.mul(_STEPS).round_().div_(_STEPS)


class FittedLinear:
    """A linear layer for inputs of about this range; `weight` of shape (outputs, inputs), `bias` of shape (outputs)."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor, inputs: Range) -> None:
        self._centre, self._shrink = inputs.centre, 1 / inputs.spread
        self._weight = _Weight(weight * inputs.spread)
        self._bias = (bias.double() + weight.double() @ self._centre.double()).float()

    def __call__(self, values: torch.Tensor) -> torch.Tensor:
        """Shape (rows, outputs)."""
        fitted = values.sub(self._centre).mul_(self._shrink)
        scale = fitted.abs().amax(1, keepdim=True).clamp_(min=_LEAST).mul_(1 / _DIGIT)
        sums = self._weight.sums(fitted.div_(scale).round_().to(torch.int8)).float().mul_(scale)
        return torch.addcmul(self._bias, sums, self._weight.scale, out=sums)


class FlooredLinear:
    """A linear layer for inputs of which none is below `floor`, a little under zero."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor, floor: float) -> None:
        self._floor = floor
        self._weight = _Weight(weight)
        self._middle = (_DIGIT + 1) * self._weight.total
        self._bias = (bias.double() + floor * weight.double().sum(1)).float()

    def __call__(self, values: torch.Tensor) -> torch.Tensor:
        """Shape (rows, outputs). Overwrites the values.

        There are 255 steps from the floor to the largest value of a row; the digit 0 is the one in the middle.
        """
        scale = values.amax(1, keepdim=True).sub_(self._floor).clamp_(min=_LEAST).mul_(1 / (2 * _DIGIT + 1))
        steps = values.div_(scale).sub_(self._floor / scale + (_DIGIT + 1)).round_().to(torch.int8)
        sums = self._weight.sums(steps).float().add_(self._middle).mul_(scale)
        return torch.addcmul(self._bias, sums, self._weight.scale, out=sums)


class _Weight:
    """A weight in two digits, with a scale for each output, and the sum of each output's numbers."""

    def __init__(self, weight: torch.Tensor) -> None:
        high, low, self.scale = digits(weight)
        self.total = (BASE * high + low).sum(1)
        self._high, self._low = stored(high), stored(low)

    def sums(self, rows: torch.Tensor) -> torch.Tensor:
        """Products with rows of one digit. Exact: at most 1536 times 128 * 63 * BASE, below 2**31."""
        return product(rows, self._low).add_(product(rows, self._high), alpha=BASE)
