"""How far a prediction is from a threshold, as a class, and as the log-odds of a bell curve around it."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from panini_daemon.compressors.contextmix.logistic import squash, stretch
from panini_daemon.compressors.kernels import unchecked_kernel

_HIGH, _LOW, _OUTSIDE = 6000, -1500, -30000
"""Log-odds that keep a bell's parts apart from rounding."""


@cache
def make_distances() -> NDArray[np.int64]:
    """Return the class, 0 to 63, of distances -2048 to 2047 in eighths: fine near zero, coarse far from it."""
    bounds = [2, 4, 6, 8, 10, 12, 14, 17, 20, 23, 27, 31, 36, 42, 50, 58, 68, 80, 94, 110, 130, 154, 184, 220, 264]
    bounds += [320, 400, 520, 700, 1000, 1500]
    classes = [sum(abs(distance) >= bound for bound in bounds) for distance in range(-2048, 2048)]
    return np.array([31 - one if at < 2048 else 32 + one for at, one in enumerate(classes)], np.int64)


@unchecked_kernel
def bell(
    squashed: NDArray[np.int32],
    stretched: NDArray[np.int16],
    centre: int,
    scale: int,
    low: int,
    threshold: int,
    high: int,
    sign: int,
) -> int:
    """Return the log-odds that a logistic curve around `centre`, of mean error `scale`, gives to lying beyond."""
    beyond = sign * (centre - threshold) * 710 // scale
    inside = min(sign * (centre - low) * 710 // scale, _HIGH)
    outside = max(sign * (centre - high) * 710 // scale, _OUTSIDE)
    if inside < _LOW:
        beyond += _LOW - inside
        outside += _LOW - inside
        inside = _LOW
    floor = squash(squashed, outside)
    whole = max(squash(squashed, inside) - floor, 1)
    part = max(squash(squashed, beyond) - floor, 0)
    return stretch(stretched, min(max((part << 16) // whole, 0), 65535))
