"""Coding a choice, whichever way: the same function writes and reads, so that both sides stay alike."""

import numpy as np

from panini_daemon.compressors.contextmix.coding import decode_bit, encode_bit
from panini_daemon.compressors.contextmix.counters import HALF, nudge
from panini_daemon.compressors.deflate.tables import Bytes, Longs
from panini_daemon.compressors.kernels import kernel

_RATE = 5
_LONGEST = 31
NUMBER = 6 * 32
"""Chances that a number's contexts take."""


def make_chances(count: int) -> Longs:
    """Return `count` even chances."""
    return np.full(count, HALF, np.int64)


@kernel
def code_bit(coder: Longs, data: Bytes, chances: Longs, place: int, bit: int, writing: bool) -> int:
    """Code a bit by the chance at a place, and return it; `bit` counts only in writing."""
    chance = int(chances[place])
    if writing:
        encode_bit(coder, data, bit, chance)
    else:
        bit = decode_bit(coder, data, chance)
    chances[place] = nudge(chance, bit, _RATE)
    return bit


@kernel
def code_number(coder: Longs, data: Bytes, chances: Longs, place: int, value: int, writing: bool) -> int:
    """Code a number from 0 to 2**31 - 2 and return it: how many bits its successor has, then those, highest first.

    The two highest of them have chances of their own for each length, the others for each place.
    """
    value += 1
    bits = 0
    while bits < _LONGEST and code_bit(coder, data, chances, place + bits, 1 if value >> bits > 1 else 0, writing):
        bits += 1
    found = 1
    for at in range(bits - 1, -1, -1):
        context = 32 + at
        if bits - at == 1:
            context = 64 + bits
        elif bits - at == 2:
            context = 96 + 2 * bits + (found & 1)
        found = found << 1 | code_bit(coder, data, chances, place + context, value >> at & 1, writing)
    return found - 1


@kernel
def code_symbol(coder: Longs, data: Bytes, chances: Longs, place: int, value: int, bits: int, writing: bool) -> int:
    """Code a number of so many bits, highest first, each with a chance for what came before; 2**bits places."""
    found = 1
    for at in range(bits - 1, -1, -1):
        found = found << 1 | code_bit(coder, data, chances, place + found, value >> at & 1, writing)
    return found - (1 << bits)
