"""The model of coefficients: which contexts predict each number of a block."""

import numpy as np
from numpy.typing import NDArray

from panini_daemon.compressors.contextmix.coding import is_exhausted
from panini_daemon.compressors.jpeg.numbers import code_magnitude, code_tree, level, signed_level
from panini_daemon.compressors.jpeg.prediction import Predictor, code_bit, select
from panini_daemon.compressors.kernels import kernel

Longs = NDArray[np.int64]
Coefficients = NDArray[np.int16]
COUNTS, AC, SIGNS, DC = 10, 22, 12, 14
"""How many contexts each kind of number has."""
_COUNT_SETS, _DC_SETS, _SIGN_SETS = 3312, 3520, 3600


@kernel
def code_component(
    p: Predictor,
    log: int,
    coefficients: Coefficients,
    first: int,
    columns: int,
    rows: int,
    steps: Longs,
    zigzag: Longs,
    waves: Longs,
    counts: Longs,
    kind: int,
    others: Longs,
) -> None:
    """Code the blocks of a component, row by row. Raises ValueError where the stream is damaged.

    `coefficients` has, behind all blocks, one of zeros, and `counts` a zero: they stand for what is outside. `kind`
    is 0 for the first component, 1 for others and 2 for one that is like the one before. `others`, shape (2, 5): the
    first component and the one before: its first block, columns, rows, and its size over this one's, times 16.
    """
    none = coefficients.shape[0] - 1
    below = np.zeros((columns, 8), np.int64)
    right = np.zeros(8, np.int64)
    near = np.full(9, none, np.int64)
    for y in range(rows):
        for x in range(columns):
            here = first + y * columns + x
            near[0] = here - 1 if x else none
            near[1] = here - columns if y else none
            near[2] = here - columns - 1 if x and y else none
            near[3] = here - columns + 1 if x + 1 < columns and y else none
            near[4] = here - 2 if x > 1 else none
            near[5] = here - 2 * columns if y > 1 else none
            for one in range(2):
                near[6 + one] = none
                if kind > one:
                    across = min(x * others[one, 3] >> 4, others[one, 1] - 1)
                    down = min(y * others[one, 4] >> 4, others[one, 2] - 1)
                    near[6 + one] = others[one, 0] + down * others[one, 1] + across
            if x == 0:
                right[:] = 0
            code_block(p, log, coefficients, here, near, steps, zigzag, waves, counts, kind, right, below[x])
            if is_exhausted(p.coder, p.stream) and p.coder[4]:
                raise ValueError("the stream ends too early")


@kernel
def code_block(
    p: Predictor,
    log: int,
    coefficients: Coefficients,
    here: int,
    near: Longs,
    steps: Longs,
    zigzag: Longs,
    waves: Longs,
    counts: Longs,
    kind: int,
    right: Longs,
    below: Longs,
) -> None:
    """Code a block; `right` and `below` hold the borders of the blocks left and above, and then its own."""
    row = coefficients[here]
    natural = np.zeros(64, np.int64)
    left = right.copy()  # what the borders lack
    top = below.copy()
    count = 0
    if not p.coder[4]:
        for k in range(1, 64):
            count += row[k] != 0
    count = code_count(p, log, counts, near, kind, count)
    counts[here] = count
    remaining, k = count, 1
    seen = np.zeros(4, np.int64)  # magnitudes so far; of the last one, two, three
    while remaining > 0 and k < 64:
        place = int(zigzag[k])
        value = code_coefficient(
            p,
            log,
            coefficients,
            near,
            k,
            place,
            int(row[k]),
            steps,
            waves,
            kind,
            remaining,
            count,
            natural,
            left,
            top,
            seen,
        )
        if value:
            row[k] = value
            natural[place] = value
            remaining -= 1
            left[place >> 3] -= value * steps[k] * waves[place & 7]
            top[place & 7] -= value * steps[k] * waves[place >> 3]
        seen[0] += abs(value)
        seen[3], seen[2], seen[1] = seen[2], seen[1], abs(value)
        k += 1
    row[0] = code_dc(p, log, coefficients, near, int(row[0]), steps, kind, count, left, top, natural, seen)
    natural[0] = row[0]
    right[:] = 0
    below[:] = 0
    for k in range(64):
        place = int(zigzag[k])
        value = int(natural[place])
        if value:
            value *= steps[k]
            u, v = place >> 3, place & 7
            right[u] += -value * waves[v] if v & 1 else value * waves[v]
            below[v] += -value * waves[u] if u & 1 else value * waves[u]


@kernel
def code_count(p: Predictor, log: int, counts: Longs, near: Longs, kind: int, count: int) -> int:
    """Code how many of a block's 63 coefficients are not zero."""
    a, b, c, d = int(counts[near[0]]), int(counts[near[1]]), int(counts[near[2]]), int(counts[near[3]])
    e, f = int(counts[near[4]]), int(counts[near[5]])
    o, q = int(counts[near[6]]), int(counts[near[7]])
    salt = 0x1000000 + (kind << 21)
    mean = (a + b + 1) >> 1
    all_ = (2 * a + 2 * b + c + d + 3) // 6
    select(p, log, 0, salt + (a << 7) + b)
    select(p, log, 1, salt + (1 << 18) + (mean << 6) + (all_ >> 1))
    select(p, log, 2, salt + (2 << 18) + (all_ << 6) + o)
    select(p, log, 3, salt + (3 << 18) + (o << 6) + q)
    select(p, log, 4, salt + (4 << 18) + (q << 6) + mean)
    select(p, log, 5, salt + (5 << 18) + (level(a) << 12) + (level(b) << 8) + (level(c) << 4) + level(d))
    select(p, log, 6, salt + (6 << 18) + all_)
    select(p, log, 7, salt + (7 << 18) + ((a + e >> 1) << 6) + (b + f >> 1))
    select(p, log, 8, salt + (1 << 23) + (level(mean) << 12) + (level(c) << 8) + (level(o) << 4) + level(q))
    select(p, log, 9, salt + (1 << 23) + (1 << 18) + (d << 6) + mean)
    p.selected[1] = 4000 + level(all_)
    p.selected[2] = 4000 + (level(o) if kind else level(b))
    p.refining[0] = 4000 + level(all_)
    p.refining[1] = 4000
    return code_tree(p, COUNTS, _COUNT_SETS + kind * 64, count)


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
    """Code one of a block's 63 coefficients."""
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
    rem = min(remaining, 63)
    select(p, log, 0, salt + (sl << 6) + st)
    select(p, log, 1, salt + (1 << 15) + (sb << 5) + level(rem))
    select(p, log, 2, salt + (2 << 15) + (level(abs(a)) << 5) + level(abs(b)))
    select(p, log, 3, salt + (3 << 15) + (ln << 5) + li)
    select(p, log, 4, salt + (4 << 15) + (rem << 6) + count)
    select(p, log, 5, salt + (5 << 15) + (rem << 5) + ln)
    select(p, log, 6, salt + (6 << 15) + (rem << 5) + li)
    select(p, log, 7, salt + (7 << 15) + (signed_level(o) << 5) + ln)
    select(p, log, 8, salt + (8 << 15) + (signed_level(q) << 5) + li)
    select(p, log, 9, salt + (9 << 15) + (sb << 5) + ln)
    select(p, log, 10, salt + (10 << 15) + (sb << 5) + li)
    select(p, log, 11, salt + (11 << 15) + (level(seen[1]) << 10) + (level(seen[2]) << 5) + level(seen[3]))
    select(p, log, 12, salt + (12 << 15) + (level(seen[0]) << 5) + level(rem))
    select(p, log, 13, salt + (13 << 15) + (lw << 5) + level(rem))
    select(p, log, 14, salt + (14 << 15) + (level(abs(c)) << 10) + (level(abs(d)) << 5) + level(abs(a) + abs(b)))
    select(p, log, 15, salt + (15 << 15) + (level(abs(e) + abs(a)) << 5) + level(abs(f) + abs(b)))
    select(p, log, 16, salt + (16 << 15) + (sl << 5) + level(rem))
    select(p, log, 17, salt + (17 << 15) + (st << 5) + level(rem))
    select(
        p,
        log,
        18,
        salt
        + (18 << 15)
        + (min(level(abs(natural[place - 1])) if v else 31, 31) << 10)
        + ((level(abs(natural[place - 8])) if u else 31) << 5)
        + (level(abs(natural[place - 9])) if u and v else 31),
    )
    select(p, log, 19, salt + (19 << 15) + (signed_level(o) << 6) + signed_level(q))
    select(p, log, 20, salt + (20 << 15) + (level(abs(both)) << 10) + (min(ln, 31) << 5) + li)
    select(p, log, 21, salt + (21 << 15) + (ln << 10) + (li << 5) + level(rem))
    p.selected[0] = (kind << 6 | k) << 4
    p.selected[1] = (level(abs(both)) << 5) + ln
    p.selected[2] = (min(level(rem), 15) << 5) + li
    p.selected[1] = min(p.selected[1], 1023)
    p.refining[0] = (kind << 6 | k) << 4
    p.refining[1] = (min(level(rem), 15) << 5) + ln
    if remaining < room and not code_bit(p, AC, 0, int(value != 0)):
        return 0
    p.selected[1] += 1024
    p.selected[2] += 1024
    p.refining[0] += 1
    p.refining[1] += 1024
    size = code_magnitude(p, AC, abs(value))
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
    select(p, log, 0, salt + (sl << 9) + (st << 3) + ls & 0x7FFFFFFF)
    salt += 1 << 15
    select(p, log, 1, salt + (sb << 3) + ls)
    salt += 1 << 15
    select(p, log, 2, salt + (sign_a * 3 + sign_b) * 3 + sign_c)
    salt += 1 << 15
    select(p, log, 3, salt + (sb << 4) + sign_a * 3 + sign_b)
    salt += 1 << 15
    select(p, log, 4, salt + (sign_o * 3 + sign_q << 3) + ls)
    salt += 1 << 15
    select(p, log, 5, salt + (inner_sign << 3) + ls & 0x7FFFFFFF)
    salt += 1 << 15
    select(p, log, 6, salt + (sb << 4) + sign_o * 3 + sign_q)
    salt += 1 << 15
    select(p, log, 7, salt + (sl << 3) + ls)
    salt += 1 << 15
    select(p, log, 8, salt + (st << 3) + ls)
    salt += 1 << 15
    select(p, log, 9, (signed_level(both * size) << 3) + ls + 0x7A5)
    select(p, log, 10, salt + (signed_level(a) << 6) + signed_level(b))
    salt += 1 << 15
    select(p, log, 11, salt + (signed_level(o) << 6) + signed_level(q))
    p.selected[0] = ((kind << 6 | k) << 4) + 1
    p.selected[1] = 2048 + (sb << 3) + ls
    p.selected[2] = 2048 + sign_o * 9 + sign_a * 3 + sign_b
    p.refining[0] = 3072 + sb
    p.refining[1] = 3072 + (min(level(abs(both)), 15) << 3) + ls
    return -size if code_bit(p, SIGNS, 1, int(value < 0)) else size


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
    fraction = both - 8 * expected + 4
    select(p, log, 0, salt + (ln << 6) + la)
    select(p, log, 1, salt + (1 << 17) + (ln << 5) + lc)
    select(p, log, 2, salt + (2 << 17) + (la << 6) + plane)
    select(p, log, 3, salt + (3 << 17) + (plane << 5) + ln)
    select(p, log, 4, salt + (4 << 17) + (lm << 5) + ln)
    select(p, log, 5, salt + (5 << 17) + (fraction << 5) + ln)
    select(p, log, 6, salt + (6 << 17) + (signed_level(a - expected) << 6) + signed_level(b - expected))
    select(p, log, 7, salt + (7 << 17) + (level(abs(apart)) << 5) + lm)
    select(p, log, 8, salt + (8 << 17) + (level(abs(a - b)) << 5) + level(abs(apart)))
    select(p, log, 9, salt + (9 << 17) + level(int(abs(q))))
    select(p, log, 10, salt + (10 << 17) + (la << 5) + lc)
    select(p, log, 11, salt + (11 << 17) + (level(abs(natural[1])) << 5) + level(abs(natural[8])))
    select(p, log, 12, salt + (12 << 17) + (signed_level(q - o) << 5) + ln)
    select(p, log, 13, salt + (13 << 17) + (fraction << 6) + la)
    base = _DC_SETS + kind * 16
    p.selected[0] = base
    p.selected[1] = 3000 + (ln << 4)
    p.selected[2] = 3000 + (level(abs(apart)) << 4)
    p.refining[0] = 3500 + ln
    p.refining[1] = 3500 + la
    if not code_bit(p, DC, 0, int(change != 0)):
        return expected
    p.selected[0] = base + 1
    p.selected[1] += 1
    p.selected[2] += 1
    negative = code_bit(p, DC, 1, int(change < 0))
    other = 0x8000 * (1 + negative)
    for at in range(DC):
        p.bases[at] ^= other
    p.selected[0] = base
    p.selected[1] += 1
    p.selected[2] += 1
    size = code_magnitude(p, DC, abs(change))
    value = expected - size if negative else expected + size
    if value < -32768 or value > 32767:
        raise ValueError("a coefficient is too large")
    return value
