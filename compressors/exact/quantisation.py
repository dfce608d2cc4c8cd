"""From floats to small whole numbers, row by row, and through linear layers."""

import torch
from torch import Tensor

from panini_daemon.compressors.exact.products import LIMIT, Matrix, multiply

LIMB = 128
"""The base of two-limb numbers; a power of two, so that taking one apart is exact."""
TWO_LIMBS = LIMIT * LIMB
"""The largest absolute value of a two-limb number: its high limb is within +-127, its low one within +-64."""
_NOTHING = 2.0**-100
"""A row of no larger numbers counts as zeros, so that no quotient overflows."""


def quantise(rows: Tensor, limit: int) -> tuple[Tensor, Tensor]:
    """Scale each row of (..., width) so that its largest absolute value becomes `limit`, and round.

    Returns whole numbers as float32 and the rows' scales (..., 1): rows ~ numbers * scales. A row of zeros,
    or of less than 2**-100, becomes zeros. Rounding goes half to even; |row * (limit / largest)| is at most
    limit * (1 + 2**-23), which rounds to at most `limit`.
    """
    largest = rows.abs().amax(dim=-1, keepdim=True)
    top = torch.full_like(largest, limit)
    safe = torch.where(largest > _NOTHING, largest, top)
    return torch.round(rows * (top / safe)), largest / top


def split_limbs(numbers: Tensor) -> tuple[Tensor, Tensor]:
    """Take whole numbers within +-TWO_LIMBS apart into high (+-127) and low (+-64) limbs, both as float32."""
    high = torch.round(numbers * (1 / LIMB))
    return high, numbers - high * LIMB


def apply_linear(rows: Tensor, matrix: Matrix, limbs: int, gains: Tensor | None = None) -> Tensor:
    """Apply a linear layer to `rows` (count, inputs), quantised to one or two int8 limbs.

    `gains` (count, 1) multiplies the rows' scales: a factor common to a row needs no rounding of the row.
    """
    if limbs == 1:
        numbers, scales = quantise(rows, LIMIT)
        sums = multiply(numbers, matrix)
    else:
        numbers, scales = quantise(rows, TWO_LIMBS)
        high, low = multiply(torch.cat(split_limbs(numbers)), matrix).chunk(2)
        sums = high * LIMB + low
    if gains is not None:
        scales = scales * gains
    return sums * scales * matrix.scales
