"""Chances to log-odds and back, by tables that are made of whole numbers alone and so are the same anywhere.

Log-odds are in units of 1/256 nat. `squash` takes them to a chance of 65536, `stretch` back from one.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from panini_daemon.compressors.kernels import unchecked_kernel

UNIT = 256
"""Log-odds of one nat."""
FARTHEST = 12 * UNIT - 1
"""The largest absolute log-odds that `squash` tells apart."""
STRETCHED = 2047
"""About the largest absolute log-odds that `stretch` gives: chances are told apart by their first 12 bits."""
_BITS = 96
_TERMS = 40


@cache
def make_squash() -> NDArray[np.int32]:
    """Return chances, 1 to 65535, of log-odds -FARTHEST - 1 to FARTHEST: round(65536 / (1 + exp(-x / 256)))."""
    one = 1 << _BITS
    root, term = one, one
    for number in range(1, _TERMS):
        term //= number * UNIT
        root += term
    chances = [1 << 15]
    power = one
    for _ in range(FARTHEST + 1):
        power = power * root >> _BITS
        chances.append((2 * (power << 16) + power + one) // (2 * (power + one)))
    table = [min(max(1, (1 << 16) - chance), 65535) for chance in reversed(chances[1:])]
    table += [min(chance, 65535) for chance in chances[:-1]]
    return _frozen(np.array(table, np.int32))


@cache
def make_stretch() -> NDArray[np.int16]:
    """Return log-odds of chances (index * 16 + 8) of 65536: the smallest whose `squash` is not below, +-STRETCHED."""
    chances = make_squash().astype(np.int64)
    wanted = np.arange(4096, dtype=np.int64) * 16 + 8
    odds = np.searchsorted(chances, wanted, side="left") - (FARTHEST + 1)
    return _frozen(np.clip(odds, -STRETCHED, STRETCHED).astype(np.int16))


@unchecked_kernel
def squash(table: NDArray[np.int32], odds: int) -> int:
    """Look up the chance, 1 to 65535, of any log-odds; beyond +-FARTHEST it stays the same."""
    return int(table[min(max(odds, -3072), 3071) + 3072])


@unchecked_kernel
def stretch(table: NDArray[np.int16], chance: int) -> int:
    """Look up the log-odds, at most STRETCHED either way, of a chance of 0 to 65535."""
    return int(table[chance >> 4 & 4095])


def _frozen(table: NDArray) -> NDArray:  # type: ignore[type-arg]
    table.flags.writeable = False
    return table
