"""The model of coefficients: in which order they are told, and how many of a block are not zero."""

import numpy as np
from numpy.typing import NDArray

from panini_daemon.compressors.contextmix.coding import is_exhausted
from panini_daemon.compressors.jpeg.means import code_dc
from panini_daemon.compressors.jpeg.numbers import code_tree, level
from panini_daemon.compressors.jpeg.prediction import Predictor, select
from panini_daemon.compressors.jpeg.waves import code_coefficient
from panini_daemon.compressors.kernels import kernel

Longs = NDArray[np.int64]
Coefficients = NDArray[np.int16]
COUNTS = 10
"""How many contexts the bits of a count have."""
_COUNT_SETS = 3312


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
    keys = p.keys
    mean = (a + b + 1) >> 1
    all_ = (2 * a + 2 * b + c + d + 3) // 6
    keys[0] = salt + (a << 7) + b
    keys[1] = salt + (1 << 18) + (mean << 6) + (all_ >> 1)
    keys[2] = salt + (2 << 18) + (all_ << 6) + o
    keys[3] = salt + (3 << 18) + (o << 6) + q
    keys[4] = salt + (4 << 18) + (q << 6) + mean
    keys[5] = salt + (5 << 18) + (level(a) << 12) + (level(b) << 8) + (level(c) << 4) + level(d)
    keys[6] = salt + (6 << 18) + all_
    keys[7] = salt + (7 << 18) + ((a + e >> 1) << 6) + (b + f >> 1)
    keys[8] = salt + (1 << 23) + (level(mean) << 12) + (level(c) << 8) + (level(o) << 4) + level(q)
    keys[9] = salt + (1 << 23) + (1 << 18) + (d << 6) + mean
    select(p.bases, keys, COUNTS, log)
    p.selected[1] = 4000 + level(all_)
    p.selected[2] = 4000 + (level(o) if kind else level(b))
    p.refining[0] = 4000 + level(all_)
    p.refining[1] = 4000
    return code_tree(p, COUNTS, _COUNT_SETS + kind * 64, count)
