"""What a drawing's next sample is likely to depend on: exact values around it, and simple arithmetic with them."""

import numpy as np
from numpy.typing import NDArray

from panini_daemon.compressors.contextmix.slots import hash_pair
from panini_daemon.compressors.kernels import unchecked_kernel

CONTEXTS = 32
"""How many there are."""
AROUND = 22
"""How many of them, the first, are of whole pixels."""
_PLACES = (
    *((-1, 0), (0, -1), (-1, -1), (1, -1), (-2, 0), (0, -2), (-1, -2), (1, -2), (-2, -1), (2, -1)),
    *((-3, 0), (0, -3), (-2, -2), (2, -2), (-3, -1), (3, -1), (-1, -3), (1, -3), (-4, 0), (0, -4)),
    *((-3, -2), (3, -2), (-2, -3), (2, -3), (-4, -1), (4, -1), (-5, 0), (-3, -3), (3, -3), (5, -1)),
)
"""Neighbours, (right, down), nearest first."""
_SIZES = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 20, 24, 30)
"""How many of the nearest neighbours make a context together."""


def make_offsets(stride: int) -> NDArray[np.int64]:
    """Return where the neighbours lie from a pixel, in pixels, with rows `stride` pixels apart."""
    return np.array([right + down * stride for right, down in _PLACES], np.int64)


def make_marks() -> NDArray[np.int64]:
    """Return for each count of neighbours, 0 to 30, the number of the context that it completes, or 0."""
    marks = np.zeros(len(_PLACES) + 1, np.int64)
    for number, size in enumerate(_SIZES):
        marks[size] = number + 1
    return marks


@unchecked_kernel
def hash_pixel(pixel: int, sample: int, channel: int) -> int:
    """Add a pixel's sample to what stands for it: exact up to four samples of 8 bits, hashed beyond."""
    return pixel << 8 | sample if channel < 4 else hash_pair(pixel, sample)


@unchecked_kernel
def gather_around(
    pixels: NDArray[np.int64], at: int, offsets: NDArray[np.int64], marks: NDArray[np.int64], around: NDArray[np.int64]
) -> None:
    """Write into `around` hashes of ever more neighbours of pixel `at`, and of some special ones."""
    total = 0
    for number in range(len(_PLACES)):
        total = hash_pair(total, int(pixels[at + int(offsets[number])]) + number)
        mark = int(marks[number + 1])
        if mark:
            around[mark] = total
    west, north = int(pixels[at - 1]), int(pixels[at + int(offsets[1])])
    around[0] = 0
    around[15] = north + 1
    around[16] = hash_pair(west, int(pixels[at - 2]))
    around[17] = hash_pair(north, int(pixels[at + int(offsets[5])]))
    around[18] = hash_pair(int(around[16]), hash_pair(int(pixels[at - 3]), int(pixels[at - 4])))
    around[19] = hash_pair(hash_pair(north, int(pixels[at + int(offsets[3])])), int(pixels[at + int(offsets[7])]))
    around[20] = hash_pair(west, int(pixels[at + int(offsets[3])]))
    around[21] = hash_pair(int(pixels[at + int(offsets[2])]), int(pixels[at + int(offsets[3])]))


@unchecked_kernel
def expect(west: int, north: int, corner: int) -> int:
    """Return the median of left, above, and left + above - corner."""
    if corner >= max(west, north):
        return min(west, north)
    if corner <= min(west, north):
        return max(west, north)
    return west + north - corner


@unchecked_kernel
def fill_keys(
    keys: NDArray[np.int64],
    around: NDArray[np.int64],
    line: NDArray[np.int16],
    place: int,
    stride: int,
    channels: int,
    channel: int,
    before: int,
    column: int,
) -> None:
    """Write a key for each context of the sample at `place` of the flat samples; `before` is its pixel so far."""
    west, north = int(line[place - channels]), int(line[place - stride])
    corner, east = int(line[place - stride - channels]), int(line[place - stride + channels])
    far, high = int(line[place - 2 * channels]), int(line[place - 2 * stride])
    last, last_west, last_north, last_expected = 0, 0, 0, 0
    if channel:
        last = int(line[place - 1])
        last_west, last_north = int(line[place - 1 - channels]), int(line[place - 1 - stride])
        last_expected = expect(last_west, last_north, int(line[place - 1 - stride - channels]))
    own = hash_pair(before, channel + 1)
    for number in range(AROUND):
        keys[number] = hash_pair(int(around[number]) + (number << 20), own)
    slope = expect(west, north, corner)
    surprise = last - last_expected + 256
    keys[22] = hash_pair(22 << 20 | channel, west << 8 | north)
    keys[23] = hash_pair(23 << 20 | channel, slope << 10 | surprise)
    keys[24] = hash_pair(24 << 20 | channel, (west + last - last_west + 512) << 8 | north >> 3)
    keys[25] = hash_pair(25 << 20 | channel, (north + last - last_north + 512) << 8 | west >> 3)
    keys[26] = hash_pair(26 << 20 | channel, (last << 8 | last_west) << 8 | west)
    keys[27] = hash_pair(27 << 20 | channel, (last << 8 | last_north) << 8 | north)
    keys[28] = hash_pair(28 << 20 | channel, (2 * west - far + 256) << 10 | surprise)
    keys[29] = hash_pair(29 << 20 | channel, (2 * north - high + 256) << 10 | surprise)
    keys[30] = hash_pair(30 << 20 | channel, column << 8 | north)
    keys[31] = hash_pair(31 << 20 | channel, ((west + east) >> 1 << 8 | (north + corner) >> 2) << 8 | surprise >> 1)
