"""Contexts of numbers of two bytes and more, in rows such as pictures have."""

import numpy as np
from numpy.typing import NDArray

from panini_daemon.compressors.contextmix.notes import byte_at
from panini_daemon.compressors.contextmix.slots import hash_pair
from panini_daemon.compressors.kernels import unchecked_kernel


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
