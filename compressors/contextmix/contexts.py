"""The contexts that a byte is predicted in: numbers 0 to 79, which recipes name, and what each is at a place.

All are computed, once a byte; a model picks those it wants. `docs/context-mixing-bytes.md` lists them.
"""

import numpy as np
from numpy.typing import NDArray

from panini_daemon.compressors.contextmix.notes import (
    BEFORE,
    EARLIER,
    LAST_LINE,
    LINE,
    MARKS,
    SHAPE,
    WORD,
    byte_at,
    column_of,
)
from panini_daemon.compressors.contextmix.numbers import hash_numbers
from panini_daemon.compressors.contextmix.slots import hash_pair
from panini_daemon.compressors.kernels import unchecked_kernel

KINDS, CODE_KINDS = 80, 72
"""How many there are, and from which on they are of `instructions.py`, computed where one of those is wanted."""


@unchecked_kernel
def hash_contexts(
    keys: NDArray[np.int64],
    notes: NDArray[np.int64],
    data: NDArray[np.uint8],
    at: int,
    stride: int,
    expected: int,
    followers: NDArray[np.int64],
) -> None:
    """Compute all contexts of the byte at `at`, of which only bytes before it are looked at.

    `expected` is zero, or the byte that a match expects plus one, and its length's class times 512.
    """
    _hash_gaps(keys, data, at)
    _hash_words(keys, notes, data, at)
    _hash_lines(keys, notes, data, at)
    _hash_records(keys, data, at, stride)
    hash_numbers(keys, data, at, stride)
    c1, c2 = byte_at(data, at - 1), byte_at(data, at - 2)
    keys[50] = expected
    keys[51] = expected | c1 << 16
    keys[52] = (int(followers[c1]) & 0xFFFF) | c1 << 16
    after_two = int(followers[256 + (c1 | c2 << 8)])
    keys[53] = hash_pair(after_two, c1)
    keys[54] = after_two & 0xFFFF


@unchecked_kernel
def _hash_gaps(keys: NDArray[np.int64], data: NDArray[np.uint8], at: int) -> None:
    """Compute contexts of the last bytes: all of them, or with gaps."""
    hashed = 0
    keys[0] = 0
    for order in range(1, 13):
        hashed = hash_pair(hashed, byte_at(data, at - order) + 1)
        keys[order] = hashed
    c1, c2, c3, c4 = byte_at(data, at - 1), byte_at(data, at - 2), byte_at(data, at - 3), byte_at(data, at - 4)
    keys[20] = c2 | c3 << 8
    keys[21] = c1 | c3 << 8
    keys[22] = c2
    keys[23] = c3 | c4 << 8
    keys[24] = c1 | c4 << 8
    keys[25] = c2 | c4 << 8 | c3 << 16
    keys[26] = c4 | (at & 3) << 8
    keys[27] = c4 | byte_at(data, at - 8) << 8
    keys[28] = c1 | byte_at(data, at - 5) << 8 | byte_at(data, at - 6) << 16
    keys[29] = (c1 >> 4) | (c2 >> 4) << 4 | (c3 >> 4) << 8 | (c4 >> 4) << 12


@unchecked_kernel
def _hash_words(keys: NDArray[np.int64], notes: NDArray[np.int64], data: NDArray[np.uint8], at: int) -> None:
    """Compute contexts of words and of the kinds of bytes."""
    c1, shape, marks = byte_at(data, at - 1), int(notes[SHAPE]), int(notes[MARKS])
    word, before, earlier = int(notes[WORD]), int(notes[BEFORE]), int(notes[EARLIER])
    keys[13] = hash_pair(word, c1)
    keys[14] = hash_pair(word, before)
    keys[15] = hash_pair(int(keys[14]), earlier)
    keys[16] = hash_pair(word, earlier)
    keys[17] = hash_pair(hash_pair(word, marks), before)
    keys[18] = hash_pair(shape, c1)
    keys[19] = shape
    keys[55] = hash_pair(hash_pair(before, word), c1 | column_of(notes, at) << 8)
    keys[59] = hash_pair(earlier, hash_pair(before, marks & 255))
    keys[60] = hash_pair(int(keys[2]), shape)


@unchecked_kernel
def _hash_lines(keys: NDArray[np.int64], notes: NDArray[np.int64], data: NDArray[np.uint8], at: int) -> None:
    """Compute contexts of the column, and of what stands above it in the last line."""
    c1, c2, column = byte_at(data, at - 1), byte_at(data, at - 2), column_of(notes, at)
    above_at = at - int(notes[LINE]) + int(notes[LAST_LINE])
    above, next_above = 10, 10
    if above_at < int(notes[LINE]):
        above = byte_at(data, above_at)
    if above_at + 1 < int(notes[LINE]):
        next_above = byte_at(data, above_at + 1)
    keys[30] = above | column << 8
    keys[31] = above | c1 << 8
    keys[32] = above | c1 << 8 | c2 << 16
    keys[33] = column
    keys[34] = above | c1 << 8 | next_above << 16
    keys[56] = hash_pair(int(notes[WORD]), above)


@unchecked_kernel
def _hash_records(keys: NDArray[np.int64], data: NDArray[np.uint8], at: int, stride: int) -> None:
    """Compute contexts of the place in a record, and of the same place in those before."""
    c1, c2, c4, c8 = byte_at(data, at - 1), byte_at(data, at - 2), byte_at(data, at - 4), byte_at(data, at - 8)
    up, up2, up3 = byte_at(data, at - stride), byte_at(data, at - 2 * stride), byte_at(data, at - 3 * stride)
    left, left2 = byte_at(data, at - stride - 1), byte_at(data, at - stride - 2)
    right = byte_at(data, at - stride + 1) if stride > 1 else 0
    place = at % stride
    keys[35] = up | place << 8
    keys[36] = up | c1 << 8
    keys[37] = up | up2 << 8
    keys[38] = up | c1 << 8 | left << 16
    keys[39] = c1 | place << 8
    keys[40] = place
    keys[41] = up | c1 << 8 | c2 << 16
    keys[42] = (c1 + up - left & 255) | up << 8
    keys[43] = (c2 + up - left2 & 255) | (at & 1) << 8 | c1 << 9
    keys[44] = (2 * up - up2 & 255) | c1 << 8
    keys[45] = (2 * c2 - c4 & 255) | (at & 1) << 8 | c1 << 9
    keys[46] = (2 * c4 - c8 & 255) | (at & 3) << 8 | c1 << 10
    keys[47] = (c1 + up - left & 255) | (c1 + right - up & 255) << 8
    keys[48] = (up + c2 >> 1) | (at & 1) << 8 | c1 << 9
    keys[49] = right | up << 8 | c1 << 16
    keys[58] = up | up2 << 8 | up3 << 16
