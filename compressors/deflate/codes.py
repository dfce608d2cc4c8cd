"""Canonical Huffman codes (RFC 1951, 3.2.2): from code lengths to a table for reading, and to codes for writing."""

import numpy as np

from panini_daemon.compressors.deflate.tables import MAX_BITS, Ints
from panini_daemon.compressors.kernels import kernel


@kernel
def _reverse(code: int, bits: int) -> int:
    turned = 0
    for _ in range(bits):
        turned = turned << 1 | code & 1
        code >>= 1
    return turned


@kernel
def fill_lookup(lengths: Ints, lookup: Ints, loose: bool) -> bool:
    """Fill a table of 2**bits entries, symbol << 4 | bits, for the next bits of a stream; its last place holds 2**bits.

    False where the lengths make no code. An incomplete code is one only where it is `loose`, and then only as zlib
    takes it: one symbol of one bit, or none.
    """
    counts = np.zeros(MAX_BITS + 1, np.int64)
    for at in range(lengths.size):
        counts[int(lengths[at])] += 1
    used = lengths.size - int(counts[0])
    bits = MAX_BITS
    while bits > 1 and not counts[bits]:
        bits -= 1
    left = 1
    starts = np.zeros(MAX_BITS + 2, np.int64)
    for length in range(1, MAX_BITS + 1):
        left = 2 * left - int(counts[length])
        if left < 0:
            return False
        starts[length + 1] = (int(starts[length]) + int(counts[length])) << 1
    if left and not (loose and (not used or (used == 1 and bits == 1))):
        return False
    whole = 1 << bits
    lookup[:whole] = 0
    lookup[lookup.size - 1] = whole
    for symbol in range(lengths.size):
        length = int(lengths[symbol])
        if length:
            at = _reverse(int(starts[length]), length)
            starts[length] += 1
            while at < whole:
                lookup[at] = symbol << 4 | length
                at += 1 << length
    return True


@kernel
def assign_codes(lengths: Ints, codes: Ints) -> None:
    """Give each symbol its code, bits turned round as they are written; lengths are at most 15.

    Lengths that make no code (damage) give codes all the same, each within its length.
    """
    counts = np.zeros(MAX_BITS + 1, np.int64)
    for at in range(lengths.size):
        counts[int(lengths[at])] += 1
    counts[0] = 0
    starts = np.zeros(MAX_BITS + 2, np.int64)
    for length in range(1, MAX_BITS + 1):
        starts[length + 1] = (int(starts[length]) + int(counts[length])) << 1
    for symbol in range(lengths.size):
        length = int(lengths[symbol])
        if length:
            codes[symbol] = _reverse(int(starts[length]) & ((1 << length) - 1), length)
            starts[length] += 1
