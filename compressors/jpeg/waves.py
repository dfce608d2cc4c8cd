"""The model of a block's 63 coefficients beside its mean."""

import numpy as np
from numpy.typing import NDArray

from panini_daemon.compressors.jpeg.numbers import code_magnitude, level, signed_level
from panini_daemon.compressors.jpeg.prediction import Predictor, code_bit, select
from panini_daemon.compressors.kernels import kernel

Longs = NDArray[np.int64]
Coefficients = NDArray[np.int16]
AC, SIGNS = 22, 12
"""How many contexts the bits of a size have, and a sign."""


@kernel
def code_coefficient(
    p: Predictor,
    log: int,
    coefficients: Coefficients,
    near: Longs,
    k: int,
    place: int,
    value: int,
    steps: Longs,
    waves: Longs,
    kind: int,
    remaining: int,
    count: int,
    natural: Longs,
    left: Longs,
    top: Longs,
    seen: Longs,
) -> int:
    """Code one of a block's 63 coefficients. Raises ValueError where the stream is damaged."""
    u, v = place >> 3, place & 7
    step = int(steps[k])
    a, b = int(coefficients[near[0], k]), int(coefficients[near[1], k])
    c, d = int(coefficients[near[2], k]), int(coefficients[near[3], k])
    e, f = int(coefficients[near[4], k]), int(coefficients[near[5], k])
    o, q = int(coefficients[near[6], k]), int(coefficients[near[7], k])
    from_left = 4 * int(left[u]) // (step * int(waves[v])) if u else 0
    from_top = 4 * int(top[v]) // (step * int(waves[u])) if v else 0
    wl, wt = int(waves[v]) if u else 0, int(waves[u]) if v else 0
    both = (from_left * wl * wl + from_top * wt * wt) // max(wl * wl + wt * wt, 1)
    sl, st, sb = signed_level(from_left), signed_level(from_top), signed_level(both)
    nearby = 3 * (abs(a) + abs(b)) + abs(c) + abs(d)
    wide = nearby + abs(e) + abs(f)
    inner = 0
    if v:
        inner += 2 * abs(natural[place - 1])
        if u:
            inner += abs(natural[place - 9])
        if v > 1:
            inner += abs(natural[place - 2])
    if u:
        inner += 2 * abs(natural[place - 8])
        if u > 1:
            inner += abs(natural[place - 16])
        if v < 7:
            inner += abs(natural[place - 7])
    ln, li, lw = level(nearby), level(inner), level(wide)
    room = 64 - k
    salt = (kind << 6 | k) << 20
    keys, selected, refining = p.keys, p.selected, p.refining
    rem = min(remaining, 63)
    keys[0] = salt + (sl << 6) + st
    keys[1] = salt + (1 << 15) + (sb << 5) + level(rem)
    keys[2] = salt + (2 << 15) + (level(abs(a)) << 5) + level(abs(b))
    keys[3] = salt + (3 << 15) + (ln << 5) + li
    keys[4] = salt + (4 << 15) + (rem << 6) + count
    keys[5] = salt + (5 << 15) + (rem << 5) + ln
    keys[6] = salt + (6 << 15) + (rem << 5) + li
    keys[7] = salt + (7 << 15) + (signed_level(o) << 5) + ln
    keys[8] = salt + (8 << 15) + (signed_level(q) << 5) + li
    keys[9] = salt + (9 << 15) + (sb << 5) + ln
    keys[10] = salt + (10 << 15) + (sb << 5) + li
    keys[11] = salt + (11 << 15) + (level(seen[1]) << 10) + (level(seen[2]) << 5) + level(seen[3])
    keys[12] = salt + (12 << 15) + (level(seen[0]) << 5) + level(rem)
    keys[13] = salt + (13 << 15) + (lw << 5) + level(rem)
    keys[14] = salt + (14 << 15) + (level(abs(c)) << 10) + (level(abs(d)) << 5) + level(abs(a) + abs(b))
    keys[15] = salt + (15 << 15) + (level(abs(e) + abs(a)) << 5) + level(abs(f) + abs(b))
    keys[16] = salt + (16 << 15) + (sl << 5) + level(rem)
    keys[17] = salt + (17 << 15) + (st << 5) + level(rem)
    keys[18] = (
        salt
        + (18 << 15)
        + (min(level(abs(natural[place - 1])) if v else 31, 31) << 10)
        + ((level(abs(natural[place - 8])) if u else 31) << 5)
        + (level(abs(natural[place - 9])) if u and v else 31)
    )
    keys[19] = salt + (19 << 15) + (signed_level(o) << 6) + signed_level(q)
    keys[20] = salt + (20 << 15) + (level(abs(both)) << 10) + (min(ln, 31) << 5) + li
    keys[21] = salt + (21 << 15) + (ln << 10) + (li << 5) + level(rem)
    select(p.bases, keys, AC, log)
    selected[0] = (kind << 6 | k) << 4
    selected[1] = (level(abs(both)) << 5) + ln
    selected[2] = (min(level(rem), 15) << 5) + li
    selected[1] = min(selected[1], 1023)
    refining[0] = (kind << 6 | k) << 4
    refining[1] = (min(level(rem), 15) << 5) + ln
    if remaining < room and not code_bit(p, AC, 0, int(value != 0)):
        return 0
    selected[1] += 1024
    selected[2] += 1024
    refining[0] += 1
    refining[1] += 1024
    size = code_magnitude(p, AC, abs(value))
    if size > 32767:
        raise ValueError("a coefficient is too large")
    ls = min(level(size), 7)
    salt += 22 << 15
    sign_a = (a > 0) - (a < 0) + 1
    sign_b = (b > 0) - (b < 0) + 1
    sign_o = (o > 0) - (o < 0) + 1
    sign_q = (q > 0) - (q < 0) + 1
    sign_c = (c > 0) - (c < 0) + 1
    inner_sign = 0
    if v:
        inner_sign += signed_level(natural[place - 1])
    if u:
        inner_sign += signed_level(natural[place - 8]) << 6
    keys[0] = salt + (sl << 9) + (st << 3) + ls & 0x7FFFFFFF
    salt += 1 << 15
    keys[1] = salt + (sb << 3) + ls
    salt += 1 << 15
    keys[2] = salt + (sign_a * 3 + sign_b) * 3 + sign_c
    salt += 1 << 15
    keys[3] = salt + (sb << 4) + sign_a * 3 + sign_b
    salt += 1 << 15
    keys[4] = salt + (sign_o * 3 + sign_q << 3) + ls
    salt += 1 << 15
    keys[5] = salt + (inner_sign << 3) + ls & 0x7FFFFFFF
    salt += 1 << 15
    keys[6] = salt + (sb << 4) + sign_o * 3 + sign_q
    salt += 1 << 15
    keys[7] = salt + (sl << 3) + ls
    salt += 1 << 15
    keys[8] = salt + (st << 3) + ls
    salt += 1 << 15
    keys[9] = (signed_level(both * size) << 3) + ls + 0x7A5
    keys[10] = salt + (signed_level(a) << 6) + signed_level(b)
    salt += 1 << 15
    keys[11] = salt + (signed_level(o) << 6) + signed_level(q)
    select(p.bases, keys, SIGNS, log)
    selected[0] = ((kind << 6 | k) << 4) + 1
    selected[1] = 2048 + (sb << 3) + ls
    selected[2] = 2048 + sign_o * 9 + sign_a * 3 + sign_b
    refining[0] = 3072 + sb
    refining[1] = 3072 + (min(level(abs(both)), 15) << 3) + ls
    return -size if code_bit(p, SIGNS, 1, int(value < 0)) else size
