"""The model of a block's first coefficient, its mean."""

import numpy as np
from numpy.typing import NDArray

from panini_daemon.compressors.jpeg.numbers import code_magnitude, level, signed_level
from panini_daemon.compressors.jpeg.prediction import Predictor, code_bit, select
from panini_daemon.compressors.kernels import kernel

Longs = NDArray[np.int64]
Coefficients = NDArray[np.int16]
DC = 14
"""How many contexts its bits have."""
_DC_SETS = 3520


@kernel
def code_dc(
    p: Predictor,
    log: int,
    coefficients: Coefficients,
    near: Longs,
    value: int,
    steps: Longs,
    kind: int,
    count: int,
    left: Longs,
    top: Longs,
    natural: Longs,
    seen: Longs,
) -> int:
    """Code a block's first coefficient as its difference to what its borders, or its neighbours, let expect."""
    step = int(steps[0])
    none = coefficients.shape[0] - 1
    has_left, has_top = near[0] != none, near[1] != none
    a, b, c = int(coefficients[near[0], 0]), int(coefficients[near[1], 0]), int(coefficients[near[2], 0])
    from_left = 8 * int(left[0]) // (step << 10)
    from_top = 8 * int(top[0]) // (step << 10)
    if has_left and has_top:
        both = from_left + from_top + 1 >> 1
        apart = from_left - from_top
    else:
        both = from_left if has_left else from_top
        apart = 0
    expected = both + 4 >> 3
    noise = 0
    for at in range(1, 8):
        noise += abs(int(left[at])) + abs(int(top[at]))
    noise = noise // (step << 10)
    change = value - expected
    o, q = int(coefficients[near[6], 0]), int(coefficients[near[7], 0])
    ln, la, lc, lm = level(noise), signed_level(apart), level(count), level(int(seen[0]))
    plane = signed_level(a + b - c - expected)
    salt = 0x2000000 + (kind << 28)
    keys, selected, refining = p.keys, p.selected, p.refining
    fraction = both - 8 * expected + 4
    keys[0] = salt + (ln << 6) + la
    keys[1] = salt + (1 << 17) + (ln << 5) + lc
    keys[2] = salt + (2 << 17) + (la << 6) + plane
    keys[3] = salt + (3 << 17) + (plane << 5) + ln
    keys[4] = salt + (4 << 17) + (lm << 5) + ln
    keys[5] = salt + (5 << 17) + (fraction << 5) + ln
    keys[6] = salt + (6 << 17) + (signed_level(a - expected) << 6) + signed_level(b - expected)
    keys[7] = salt + (7 << 17) + (level(abs(apart)) << 5) + lm
    keys[8] = salt + (8 << 17) + (level(abs(a - b)) << 5) + level(abs(apart))
    keys[9] = salt + (9 << 17) + level(int(abs(q)))
    keys[10] = salt + (10 << 17) + (la << 5) + lc
    keys[11] = salt + (11 << 17) + (level(abs(natural[1])) << 5) + level(abs(natural[8]))
    keys[12] = salt + (12 << 17) + (signed_level(q - o) << 5) + ln
    keys[13] = salt + (13 << 17) + (fraction << 6) + la
    select(p.bases, keys, DC, log)
    base = _DC_SETS + kind * 16
    selected[0] = base
    selected[1] = 3000 + (ln << 4)
    selected[2] = 3000 + (level(abs(apart)) << 4)
    refining[0] = 3500 + ln
    refining[1] = 3500 + la
    if not code_bit(p, DC, 0, int(change != 0)):
        return expected
    selected[0] = base + 1
    selected[1] += 1
    selected[2] += 1
    negative = code_bit(p, DC, 1, int(change < 0))
    other = 0x8000 * (1 + negative)
    for at in range(DC):
        p.bases[at] ^= other
    selected[0] = base
    selected[1] += 1
    selected[2] += 1
    size = code_magnitude(p, DC, abs(change))
    value = expected - size if negative else expected + size
    if value < -32768 or value > 32767:
        raise ValueError("a coefficient is too large")
    return value
