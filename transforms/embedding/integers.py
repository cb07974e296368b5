"""Products of matrices in whole numbers: the same for a row whatever other rows stand beside it, and on every machine.

A float32 product adds in an order that depends on the shape of the whole matrix, so a vector would depend on its batch.
Whole numbers have no such order, and a CPU multiplies small ones several times faster. So both sides are rounded to a
scale of their own, an activation row to 15 bits and a weight row to 14, and each number is split into two digits of eight
bits:

    a = 128 hi + lo         a · w = 128² hi·hi' + 128 (hi·lo' + lo·hi')  [+ lo·lo', too small to matter]

Weights' digits keep to 7 bits: CPUs without VNNI add pairs of products in 16 bits, and two of 8 bits each may overflow.
"""

from __future__ import annotations

import torch

BASE = 128
_ACTIVATION = 127 * BASE
_WEIGHT = 63 * BASE


class Rows:
    """Rows of numbers in digits, each row with a scale of its own: row = scale * (BASE * high + low)."""

    def __init__(self, values: torch.Tensor) -> None:
        rows, columns = values.shape
        self.scale = values.abs().amax(1, keepdim=True).clamp_(min=1e-30).mul_(1 / _ACTIVATION)
        whole = (values / self.scale).round_().to(torch.int16)
        high = (whole + BASE // 2).bitwise_right_shift_(7)
        self.digits = torch.empty(rows, 2 * columns, dtype=torch.int8)
        self.high = self.digits[:, :columns]
        self.high.copy_(high)
        self.digits[:, columns:] = whole.sub_(high, alpha=BASE)


class Linear:
    """A linear layer: `weight` of shape (outputs, inputs), `bias` of shape (outputs)."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor) -> None:
        high, low, scale = digits(weight)
        self._high = stored(high)
        self._cross = stored(torch.cat([low, high], 1))
        self._scale = BASE * scale
        self._bias = bias

    def __call__(self, values: torch.Tensor) -> torch.Tensor:
        """Shape (rows, outputs). The sums of digits are exact, at most 127 * 64 * 3072 of them times BASE below 2**31."""
        rows = Rows(values)
        total = product(rows.digits, self._cross).add_(product(rows.high, self._high), alpha=BASE)
        return torch.addcmul(self._bias, total * rows.scale, self._scale)


def digits(weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """High and low digits of a weight, and the scale of each of its rows: row = scale * (BASE * high + low)."""
    scale = weight.abs().amax(1, keepdim=True) / _WEIGHT
    whole = (weight / scale).round_()
    high = (whole / BASE).round_()
    return high, whole - BASE * high, scale[:, 0]


def _multiply_small(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return torch._int_mm(a, b)


def _multiply_as_floats(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return (a.double() @ b).to(torch.int32)


_SMALL = torch.backends.mkldnn.is_available()
"""Whether PyTorch has fast products of int8 here. Elsewhere (Apple's CPUs) float64 holds the same sums exactly."""
product = _multiply_small if _SMALL else _multiply_as_floats


def stored(digits: torch.Tensor) -> torch.Tensor:
    """Whole numbers from -64 to 64, shape (outputs, inputs), as the second side of a `product`."""
    kind = torch.int8 if _SMALL else torch.float64
    # Not contiguous(): it leaves the strides of a side of one as they are, and the product of int8 misreads them.
    return torch.empty(digits.shape[::-1], dtype=kind).copy_(digits.T)
