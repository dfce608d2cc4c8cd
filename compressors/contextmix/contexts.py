"""The contexts that a byte is predicted in: each is a number, which is in the recipe, and a hash for each place.

What `docs/context-mixing-bytes.md` names is computed here. The kernel computes all, once a byte; a model picks those it wants.
"""

import numpy as np
from numpy.typing import NDArray

from panini_daemon.compressors.contextmix.slots import hash_pair
from panini_daemon.compressors.kernels import unchecked_kernel

KINDS = 72
(WORD, BEFORE, BEFORE_THAT, LINE, LAST_LINE, SHAPE, NUMBER, SEPARATOR) = range(8)
"""What the running notes hold: hashes of the word and the two before; where lines begin; the classes of bytes."""
NOTES = 16


@unchecked_kernel
def byte_at(data: NDArray[np.uint8], at: int) -> int:
    """Return a byte, zero before the first."""
    return int(np.int64(data[at])) if at >= 0 else 0


@unchecked_kernel
def class_of(byte: int) -> int:
    """Classify a byte: 0 control, 1 space, 2 digit, 3 small letter, 4 capital, 5 mark, 6 newline, 7 above ASCII."""
    if byte >= 128:
        return 7
    if byte == 10 or byte == 13:
        return 6
    if byte == 32:
        return 1
    if byte < 32:
        return 0
    if 97 <= byte <= 122:
        return 3
    if 65 <= byte <= 90:
        return 4
    if 48 <= byte <= 57:
        return 2
    return 5


@unchecked_kernel
def take_note(notes: NDArray[np.int64], data: NDArray[np.uint8], at: int) -> None:
    """Bring the notes up to date with the byte before `at`."""
    byte = byte_at(data, at - 1)
    kind = class_of(byte)
    notes[SHAPE] = (int(notes[SHAPE]) << 3 | kind) & 0xFFFFFF
    if kind == 3 or kind == 4 or kind == 7:
        if kind == 4:
            byte += 32
        notes[WORD] = hash_pair(int(notes[WORD]) + 1, byte)
    else:
        if int(notes[WORD]) != 0:
            notes[BEFORE_THAT] = notes[BEFORE]
            notes[BEFORE] = notes[WORD]
            notes[WORD] = 0
            notes[SEPARATOR] = 0
        notes[SEPARATOR] = (int(notes[SEPARATOR]) << 8 | byte) & 0xFFFFFF
    if byte == 10:
        notes[LAST_LINE] = notes[LINE]
        notes[LINE] = at


@unchecked_kernel
def column_of(notes: NDArray[np.int64], at: int) -> int:
    """Return how far `at` is into its line, at most 255."""
    return min(at - int(notes[LINE]), 255)


@unchecked_kernel
def hash_contexts(
    keys: NDArray[np.int64],
    notes: NDArray[np.int64],
    data: NDArray[np.uint8],
    at: int,
    stride: int,
    expected: int,
    follow: NDArray[np.int64],
) -> None:
    """Compute all contexts of the byte at `at`."""
    c1, c2, c3, c4 = byte_at(data, at - 1), byte_at(data, at - 2), byte_at(data, at - 3), byte_at(data, at - 4)
    c5, c6, c8 = byte_at(data, at - 5), byte_at(data, at - 6), byte_at(data, at - 8)
    # orders
    hashed = 0
    keys[0] = 0
    for order in range(1, 13):
        hashed = hash_pair(hashed, byte_at(data, at - order) + 1)
        keys[order] = hashed
    # words
    word, before, earlier = int(notes[WORD]), int(notes[BEFORE]), int(notes[BEFORE_THAT])
    keys[13] = hash_pair(word, c1)
    keys[14] = hash_pair(word, before)
    keys[15] = hash_pair(hash_pair(word, before), earlier)
    keys[16] = hash_pair(word, earlier)
    keys[17] = hash_pair(hash_pair(word, int(notes[SEPARATOR])), before)
    keys[18] = hash_pair(int(notes[SHAPE]), c1)
    keys[19] = int(notes[SHAPE])
    # bytes with gaps
    keys[20] = c2 | c3 << 8
    keys[21] = c1 | c3 << 8
    keys[22] = c2
    keys[23] = c3 | c4 << 8
    keys[24] = c1 | c4 << 8
    keys[25] = c2 | c4 << 8 | c3 << 16
    keys[26] = c4 | (at & 3) << 8
    keys[27] = c4 | c8 << 8
    keys[28] = c1 | c5 << 8 | c6 << 16
    keys[29] = (c1 >> 4) | (c2 >> 4) << 4 | (c3 >> 4) << 8 | (c4 >> 4) << 12
    # lines
    column = at - int(notes[LINE])
    above_at = int(notes[LAST_LINE]) + column
    above = byte_at(data, above_at) if above_at < int(notes[LINE]) else 10
    column = min(column, 255)
    keys[30] = above | column << 8
    keys[31] = above | c1 << 8
    keys[32] = hash_pair(above | c1 << 8 | c2 << 16, 0)
    keys[33] = column
    keys[34] = above | c1 << 8 | byte_at(data, above_at + 1) << 16 if above_at + 1 < at else 0
    # records
    up, up2 = byte_at(data, at - stride), byte_at(data, at - 2 * stride)
    upleft = byte_at(data, at - stride - 1)
    upright = byte_at(data, at - stride + 1) if stride > 1 else 0
    place = at % stride
    keys[35] = up | place << 8
    keys[36] = up | c1 << 8
    keys[37] = up | up2 << 8
    keys[38] = up | c1 << 8 | upleft << 16
    keys[39] = c1 | place << 8
    keys[40] = place
    keys[41] = up | c1 << 8 | c2 << 16
    keys[42] = (c1 + up - upleft & 255) | up << 8
    keys[43] = (c2 + up - byte_at(data, at - stride - 2) & 255) | (at & 1) << 8 | c1 << 9
    keys[44] = (2 * up - up2 & 255) | c1 << 8
    keys[45] = (2 * c2 - c4 & 255) | (at & 1) << 8 | c1 << 9
    keys[46] = (2 * c4 - c8 & 255) | (at & 3) << 8 | c1 << 10
    keys[47] = (c1 + up - upleft & 255) | (c1 + upright - up & 255) << 8
    keys[48] = (up + c2 >> 1) | (at & 1) << 8 | c1 << 9
    keys[49] = upright | up << 8 | c1 << 16
    # what a match expects; what came after the same bytes before
    keys[50] = expected
    keys[51] = expected | c1 << 16
    keys[52] = int(follow[c1]) & 0xFFFF | c1 << 16
    keys[53] = hash_pair(int(follow[256 + (c1 | c2 << 8)]) & 0xFFFFFF, c1)
    keys[54] = int(follow[256 + (c1 | c2 << 8)]) & 0xFFFF
    keys[55] = hash_pair(hash_pair(before, word), c1 | column << 8)
    keys[56] = hash_pair(word, above)
    keys[58] = up | up2 << 8 | byte_at(data, at - 3 * stride) << 16
    keys[59] = hash_pair(earlier, hash_pair(before, int(notes[SEPARATOR]) & 255))
    keys[60] = hash_pair(keys[2], int(notes[SHAPE]))
    hash_numbers(keys, data, at, stride)


@unchecked_kernel
def word_at(data: NDArray[np.uint8], at: int) -> int:
    """Return two bytes as a number, the lower one first."""
    return byte_at(data, at) | byte_at(data, at + 1) << 8


@unchecked_kernel
def hash_numbers(keys: NDArray[np.int64], data: NDArray[np.uint8], at: int, stride: int) -> None:
    """Compute the contexts of numbers of two and more bytes, in rows that are `stride` bytes apart."""
    second = at & 1
    here = at - second
    row = stride if stride > 3 else 1 << 30  # in shorter records the neighbours above are not known yet
    known = byte_at(data, at - 1) + 1 if second else 0
    west, further = word_at(data, here - 2), word_at(data, here - 4)
    north, northwest = word_at(data, here - row), word_at(data, here - row - 2)
    northeast, beyond = word_at(data, here - row + 2), word_at(data, here - 2 * row)
    plane = west + north - northwest & 0xFFFF
    median = max(min(west, north), min(max(west, north), west + north - northwest))
    keys[57] = plane | known << 16
    keys[61] = west + north >> 1 | known << 16
    keys[62] = west + northeast >> 1 | known << 16
    keys[63] = hash_pair(median, known)
    keys[64] = median >> 3 | known << 16
    keys[65] = (2 * west - further & 0xFFFF) | known << 16
    keys[66] = hash_pair(2 * north - beyond & 0xFFFF, known)
    keys[67] = hash_pair(west + north + northeast + northwest >> 4 | known << 16, west - northwest >> 3 & 0xFF)
    c1, c3, c4 = byte_at(data, at - 1), byte_at(data, at - 3), byte_at(data, at - 4)
    up = byte_at(data, at - row)
    keys[68] = (c3 + up - byte_at(data, at - row - 3) & 255) | c1 << 8
    keys[69] = c3 + up >> 1 | at % 3 << 8 | (c1 >> 2) << 16
    keys[70] = (c4 + up - byte_at(data, at - row - 4) & 255) | (at & 3) << 8 | c1 << 16
    keys[71] = (c4 - byte_at(data, at - 8) & 255) | c4 << 8 | (at & 3) << 16


@unchecked_kernel
def note_follower(follow: NDArray[np.int64], data: NDArray[np.uint8], at: int) -> None:
    """Remember that the byte at `at` came after the one and the two before it."""
    byte, c1, c2 = int(np.int64(data[at])), byte_at(data, at - 1), byte_at(data, at - 2)
    follow[c1] = (int(follow[c1]) << 8 | byte) & 0xFFFFFF
    two = 256 + (c1 | c2 << 8)
    follow[two] = (int(follow[two]) << 8 | byte) & 0xFFFFFF
