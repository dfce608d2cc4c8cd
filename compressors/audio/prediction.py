"""Foretelling a sample from those before: a cascade of normalised least-mean-square filters in whole numbers.

Each filter foretells what the one before left over, and its weights move with the error over the energy of what it
saw (B. Widrow, S. Stearns, "Adaptive Signal Processing", 1985). Filters one behind the other, long ones first, are what
Monkey's Audio and OptimFROG made of it.
"""

import numpy as np
from numpy.typing import NDArray

from panini_daemon.compressors.kernels import unchecked_kernel

Longs = NDArray[np.int64]

_POINT = 20
"""Bits behind the point of a weight."""
_HEAVIEST = 1 << 24


@unchecked_kernel
def foretell(weights: Longs, first: int, seen: Longs, start: int, count: int) -> int:
    """Return the filter's guess: `count` weights from `first` on, times what was seen from `start` on."""
    total = 0
    for at in range(count):
        total += int(weights[first + at]) * int(seen[start + at])
    return total >> _POINT


@unchecked_kernel
def learn(weights: Longs, first: int, seen: Longs, start: int, count: int, energy: int, error: int, rate: int) -> None:
    """Move the weights along the error: by error * seen / energy, over 2**rate."""
    if not error:
        return
    gain = (error << 34) // (energy + (count << 4) + 1)
    gain = min(max(gain, -(1 << 40)), 1 << 40) >> 14 + rate - 6
    for at in range(count):
        moved = int(weights[first + at]) + (gain * int(seen[start + at]) + 32 >> 6)
        weights[first + at] = min(max(moved, -_HEAVIEST), _HEAVIEST)
