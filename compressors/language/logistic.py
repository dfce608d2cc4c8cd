"""Logarithms, log-odds and back, over whole numbers by tables pinned by SHA-256."""

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

import torch
from torch import Tensor

from panini_daemon.compressors.exact.tables import require

UNIT = 1024
"""Log-odds of one nat."""
LARGEST = 12 * UNIT - 1
"""The largest absolute log-odds."""
PROBABILITY_BITS = 22
ONE = 1 << PROBABILITY_BITS
"""What a probability of one is."""
_MANTISSA = 12

_LOGARITHMS = "a475b5f4b01f23e15abbbe8a7236b718f7789d910de4fed01714b50a272b2290"
_CHANCES = "61e4e1f9ce53f3e1c588f087c283768b83cc72e913e0d9cecd1c51c16c62c3f8"


@dataclass(frozen=True, slots=True, eq=False)
class Logistic:
    """The tables on a device: `logarithms` of 1 to 2 in UNITs, and `chances` of log-odds -LARGEST to LARGEST."""

    logarithms: Tensor
    chances: Tensor

    def log(self, numbers: Tensor) -> Tensor:
        """Return logarithms in UNITs of whole numbers from 1 to 2**52, cut to 13 leading bits."""
        bits = numbers.double().view(torch.int64)
        mantissa = (bits >> (52 - _MANTISSA)) & ((1 << _MANTISSA) - 1)
        return ((bits >> 52) - 1023) * _LOG_TWO // 1024 + self.logarithms[mantissa]

    def stretch(self, part: Tensor, whole: Tensor) -> Tensor:
        """Return the log-odds of `part` out of `whole`, both 1 or more, within +-LARGEST."""
        rest = (whole - part).clamp_(min=1)
        return (self.log(part) - self.log(rest)).clamp_(-LARGEST, LARGEST)

    def squash(self, odds: Tensor) -> Tensor:
        """Return the probabilities of log-odds, 1 to ONE - 1."""
        return self.chances[odds.clamp(-LARGEST, LARGEST) + LARGEST]


_LOG_TWO = 726817
"""Round(ln 2 * UNIT * 1024)."""


def make_logistic(device: torch.device) -> Logistic:
    """Make the tables. Raises ModelDamaged where they are not as pinned."""
    logarithms = require(make_logarithms(), _LOGARITHMS, "logarithms")
    chances = require(make_chances(), _CHANCES, "chances")
    return Logistic(logarithms.to(device), chances.to(device))


def make_logarithms() -> Tensor:
    """Return round(ln(1 + index / 4096) * UNIT)."""
    with localcontext(prec=40):
        values = [((1 + Decimal(at) / (1 << _MANTISSA)).ln() * UNIT) for at in range(1 << _MANTISSA)]
        return torch.tensor([_round(value) for value in values], dtype=torch.int64)


def make_chances() -> Tensor:
    """Return ONE / (1 + exp(-odds / UNIT)), rounded."""
    with localcontext(prec=40):
        step = (Decimal(-1) / UNIT).exp()
        power = Decimal(1)
        upper: list[int] = []
        for _ in range(LARGEST + 1):
            upper.append(min(ONE - 1, _round(ONE / (1 + power))))
            power *= step
    lower = [ONE - value for value in reversed(upper[1:])]
    return torch.tensor(lower + upper, dtype=torch.int64)


def _round(value: Decimal) -> int:
    return int(value.to_integral_value(rounding=ROUND_HALF_EVEN))
