"""Chances that follow the bits they see: at a fixed rate, or fast at first and slower with each bit."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from panini_daemon.compressors.kernels import unchecked_kernel

HALF = 1 << 15
_COUNT_BITS = 9
LONGEST = (1 << _COUNT_BITS) - 1
"""The largest limit of a counted chance."""


@unchecked_kernel
def nudge(chance: int, bit: int, rate: int) -> int:
    """Move a chance, 1 to 65535, towards the bit by 1 / 2**rate of the way, rate 1 or more; it stays in there."""
    if bit:
        return chance + (65536 - chance >> rate)
    return chance - (chance >> rate)


def make_counted(chances: NDArray[np.int64]) -> NDArray[np.int32]:
    """Make counted chances that begin at `chances`, 1 to 65535 of 65536, and have seen nothing."""
    return (chances << 15).astype(np.int32)


@cache
def make_rates() -> NDArray[np.int32]:
    """Return 65536 / (n + 1.5), rounded down, for n bits seen: the share that the next bit moves a chance by."""
    rates = np.array([2 * 65536 // (2 * seen + 3) for seen in range(LONGEST + 1)], np.int32)
    rates.flags.writeable = False
    return rates


@unchecked_kernel
def counted_chance(counted: NDArray[np.int32], index: int) -> int:
    """Return a counted chance, 0 to 65535. An entry is the chance of 2**22 times 512, plus the bits it has seen."""
    return int(counted[index]) >> 15


@unchecked_kernel
def counted_learn(counted: NDArray[np.int32], index: int, bit: int, limit: int, rates: NDArray[np.int32]) -> None:
    """Move a counted chance towards the bit by rates[n] / 65536 and count, to `limit` (at most LONGEST)."""
    entry = int(counted[index])
    chance, seen = entry >> 9, entry & 511
    rate = int(rates[seen])
    if bit:
        chance += ((1 << 22) - chance) * rate >> 16
    else:
        chance -= chance * rate >> 16
    if seen < limit:
        seen += 1
    counted[index] = chance << 9 | seen
