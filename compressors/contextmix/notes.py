"""What is noted while bytes go by: words, lines, kinds of bytes, and what came after which bytes."""

import numpy as np
from numpy.typing import NDArray

from panini_daemon.compressors.contextmix.slots import hash_pair
from panini_daemon.compressors.kernels import unchecked_kernel

WORD, BEFORE, EARLIER, LINE, LAST_LINE, SHAPE, MARKS = range(7)
"""What the notes hold: hashes of the word and the two before it; where this line and the last begin; the kinds of
the last eight bytes; the last three bytes since the last word that are not in words."""
NOTES = 7


@unchecked_kernel
def byte_at(data: NDArray[np.uint8], at: int) -> int:
    """Return a byte, zero before the first."""
    return int(np.int64(data[at])) if at >= 0 else 0


@unchecked_kernel
def class_of(byte: int) -> int:
    """Classify a byte: 0 control, 1 space, 2 digit, 3 small letter, 4 capital, 5 mark, 6 newline, 7 above ASCII."""
    if byte >= 128:
        return 7
    if byte in (10, 13):
        return 6
    if byte <= 32:
        return byte >> 5
    kind = 5
    if 97 <= byte <= 122:
        kind = 3
    elif 65 <= byte <= 90:
        kind = 4
    elif 48 <= byte <= 57:
        kind = 2
    return kind


@unchecked_kernel
def take_note(notes: NDArray[np.int64], data: NDArray[np.uint8], at: int) -> None:
    """Bring the notes up to date with the byte before `at`."""
    byte = byte_at(data, at - 1)
    kind = class_of(byte)
    notes[SHAPE] = (int(notes[SHAPE]) << 3 | kind) & 0xFFFFFF
    if kind in (3, 4, 7):
        if kind == 4:
            byte += 32
        notes[WORD] = hash_pair(int(notes[WORD]) + 1, byte)
    else:
        if int(notes[WORD]) != 0:
            notes[EARLIER] = notes[BEFORE]
            notes[BEFORE] = notes[WORD]
            notes[WORD] = 0
            notes[MARKS] = 0
        notes[MARKS] = (int(notes[MARKS]) << 8 | byte) & 0xFFFFFF
    if byte == 10:
        notes[LAST_LINE] = notes[LINE]
        notes[LINE] = at


@unchecked_kernel
def column_of(notes: NDArray[np.int64], at: int) -> int:
    """Return how far `at` is into its line, at most 255."""
    return min(at - int(notes[LINE]), 255)


@unchecked_kernel
def note_follower(follow: NDArray[np.int64], data: NDArray[np.uint8], at: int) -> None:
    """Remember that the byte at `at` came after the one and the two before it."""
    byte, c1, c2 = int(np.int64(data[at])), byte_at(data, at - 1), byte_at(data, at - 2)
    follow[c1] = (int(follow[c1]) << 8 | byte) & 0xFFFFFF
    two = 256 + (c1 | c2 << 8)
    follow[two] = (int(follow[two]) << 8 | byte) & 0xFFFFFF
