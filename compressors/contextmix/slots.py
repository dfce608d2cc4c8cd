"""A hash table of bounded size: each slot holds what one context knows about its next four bits.

A slot is 32 words of 16 bits, a cache line: word 0 is a check of the context, word 1 how much the slot is worth
(its low byte; the high byte is free), 2 to 31 belong to the caller: 15 nodes of a tree of four bits, twice.
Three neighbours are looked at; where none has the check, the one worth least is cleared and taken. After lpaq.
"""

import numpy as np
from numpy.typing import NDArray

from panini_daemon.compressors.kernels import unchecked_kernel

WORDS = 32
"""Words of a slot."""


def make_slots(log: int) -> NDArray[np.uint16]:
    """Make 2**log empty slots, 64 bytes each. Memory that is never touched is never taken."""
    return np.zeros(WORDS << log, np.uint16)


@unchecked_kernel
def hash_pair(one: int, other: int) -> int:
    """Hash two numbers of up to 32 bits to 32 bits."""
    product = (one & 0xFFFFFFFF) * 0x1C6EF373 + (other & 0xFFFFFFFF) * 0x13198A2F + 0x243F6A88
    product ^= product >> 31
    return ((product & 0xFFFFFFFF) * 0x19E3779B >> 13) & 0xFFFFFFFF


@unchecked_kernel
def find_slot(slots: NDArray[np.uint16], key: int) -> int:
    """Find or take the slot of a context, given by a hash of 32 bits; return the index of its word 0.

    The number of slots is a power of two, at least 4.
    """
    mask = (slots.size >> 5) - 1
    spread = key * 0x1E35A7BD
    home = spread >> 17 & mask
    check = max(spread >> 44 & 0xFFFF, 1)
    place = home << 5
    if int(np.int64(slots[place])) == check:
        return place
    second = (home ^ 1) << 5
    if int(np.int64(slots[second])) == check:
        return second
    third = (home ^ 2) << 5
    if int(np.int64(slots[third])) == check:
        return third
    if int(np.int64(slots[second + 1])) & 255 < int(np.int64(slots[place + 1])) & 255:
        place = second
    if int(np.int64(slots[third + 1])) & 255 < int(np.int64(slots[place + 1])) & 255:
        place = third
    for at in range(place + 1, place + 32):
        slots[at] = 0
    slots[place] = check
    return place
