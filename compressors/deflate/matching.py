"""What zlib's deflate would write next: its hash chains and its lazy matching, position by position.

Follows the algorithm of zlib's deflate (J. Gailly, M. Adler; doc/algorithm.txt) so closely that for a stream which
zlib wrote every token is foretold. Positions count from the content's begin, not in a sliding window: zlib looks no
further back than its window less 262 bytes, so what slides out of it is out of reach before.
"""

import numpy as np

from panini_daemon.compressors.deflate.tables import MAX_MATCH, MIN_MATCH, Bytes, Ints, Longs
from panini_daemon.compressors.kernels import unchecked_kernel

# Places in the array of settings.
EAGER, GOOD, LAZY, NICE, CHAIN, REACH, MASK, SHIFT, STRATEGY, BUFFER = range(10)
"""Whether matches are taken at once; zlib's four numbers of a level; how far back a match may lie; hash; strategy;
tokens of a block."""
DEFAULT, FILTERED, HUFFMAN, RLE, FIXED_ONLY, FAR = range(6)
"""zlib's strategies."""
# Places in the array of state.
NEXT, READY, READY_LENGTH, READY_DISTANCE = range(4)
"""First position not yet in the chains; position whose match is known already (-1: none), and that match."""
STATES = 4

LEVELS = (
    (1, 4, 4, 8, 4),
    (1, 4, 5, 16, 8),
    (1, 4, 6, 32, 32),
    (0, 4, 4, 16, 16),
    (0, 8, 16, 32, 32),
    (0, 8, 16, 128, 128),
    (0, 8, 32, 128, 256),
    (0, 32, 128, 258, 1024),
    (0, 32, 258, 258, 4096),
)
"""Eager, good, lazy, nice and chain of the levels 1 to 9."""
_LOOKAHEAD = MAX_MATCH + MIN_MATCH + 1
TOO_FAR = 4096


def make_settings(level: int, window_bits: int, memory: int, strategy: int) -> Longs:
    """Return what `foretell` goes by: level 1 to 9, window 9 to 15 bits, memory level 1 to 9, strategy."""
    bits = memory + 7
    reach, mask, shift = (1 << window_bits) - _LOOKAHEAD, (1 << bits) - 1, (bits + MIN_MATCH - 1) // MIN_MATCH
    return np.array([*LEVELS[level - 1], reach, mask, shift, strategy, (1 << (memory + 6)) - 1], np.int64)


def make_chains(settings: Longs) -> tuple[Ints, Ints, Longs]:
    """Return empty hash chains and a state at the content's begin."""
    state = np.zeros(STATES, np.int64)
    state[READY] = -1
    return np.zeros(int(settings[MASK]) + 1, np.int32), np.zeros(1 << 15, np.int32), state


@unchecked_kernel
def foretell(content: Bytes, at: int, settings: Longs, state: Longs, heads: Ints, chains: Ints) -> int:
    """Return the token that zlib would write at a position before the content's end: length << 16 | distance, or 0."""
    strategy = int(settings[STRATEGY])
    if strategy == HUFFMAN:
        return 0
    if strategy == RLE:
        return _foretell_run(content, at)
    if int(state[READY]) == at:
        length, distance = int(state[READY_LENGTH]), int(state[READY_DISTANCE])
    else:
        found = _find(content, at, 2, settings, state, heads, chains)
        length, distance = found >> 16, found & 65535
    if length < MIN_MATCH:
        return 0
    if int(settings[EAGER]):
        return length << 16 | distance
    better = 0
    if length < int(settings[LAZY]):
        better = _find(content, at + 1, length, settings, state, heads, chains)
    if better >> 16 <= length:
        return length << 16 | distance
    state[READY], state[READY_LENGTH], state[READY_DISTANCE] = at + 1, better >> 16, better & 65535
    return 0


@unchecked_kernel
def advance(content: Bytes, at: int, length: int, settings: Longs, state: Longs, heads: Ints, chains: Ints) -> None:
    """Take note that the token at a position was a match of `length` bytes, or, with 1, a literal."""
    if int(settings[STRATEGY]) == HUFFMAN or int(settings[STRATEGY]) == RLE or length == 1:
        return
    end = at + length
    if int(settings[EAGER]) and (length > int(settings[LAZY]) or content.size - end < MIN_MATCH):
        insert_to(content, at, settings, state, heads, chains)
        state[NEXT] = end
        return
    insert_to(content, end - 1, settings, state, heads, chains)


@unchecked_kernel
def insert_to(content: Bytes, last: int, settings: Longs, state: Longs, heads: Ints, chains: Ints) -> None:
    """Put the positions up to `last`, 32-bit ones, into the chains, as far as three bytes begin there."""
    shift, mask = int(settings[SHIFT]), int(settings[MASK])
    stop = min(last, content.size - MIN_MATCH)
    for at in range(int(state[NEXT]), stop + 1):
        key = int(content[at]) << 2 * shift ^ int(content[at + 1]) << shift ^ int(content[at + 2])
        chains[at & 32767] = heads[key & mask]
        heads[key & mask] = at
    state[NEXT] = max(int(state[NEXT]), last + 1)


@unchecked_kernel
def _find(content: Bytes, at: int, least: int, settings: Longs, state: Longs, heads: Ints, chains: Ints) -> int:
    """Return zlib's match at a position, longer than `least`, or 2 << 16: its `longest_match` and what it discards."""
    left = content.size - at
    if left < MIN_MATCH:
        return 2 << 16
    insert_to(content, at, settings, state, heads, chains)
    limit = max(at - int(settings[REACH]), 0)
    other = int(chains[at & 32767])
    if not other or at - other > int(settings[REACH]):
        return 2 << 16
    tries = int(settings[CHAIN])
    if least >= int(settings[GOOD]):
        tries >>= 2
    nice, most = min(int(settings[NICE]), left), min(MAX_MATCH, left)
    best, place = least, 0
    if best >= most:
        return 2 << 16
    while True:
        if content[other + best] == content[at + best] and content[other + best - 1] == content[at + best - 1]:
            length = 0
            while length < most and content[other + length] == content[at + length]:
                length += 1
            if length > best:
                best, place = length, other
                if length >= nice or length >= most:
                    break
        following = int(chains[other & 32767])
        tries -= 1
        if following <= limit or following >= other or tries == 0:
            break
        other = following
    if not place:
        return 2 << 16
    if best <= 5 and (
        (int(settings[STRATEGY]) == FILTERED and not int(settings[EAGER]))
        or (best == MIN_MATCH and at - place > TOO_FAR and not int(settings[EAGER]) and int(settings[STRATEGY]) != FAR)
    ):
        return 2 << 16
    return best << 16 | at - place


@unchecked_kernel
def _foretell_run(content: Bytes, at: int) -> int:
    """Return the match of zlib's run length strategy, which repeats the byte before."""
    most = min(MAX_MATCH, content.size - at)
    if not at or most < MIN_MATCH:
        return 0
    length = 0
    while length < most and content[at + length] == content[at - 1]:
        length += 1
    return length << 16 | 1 if length >= MIN_MATCH else 0
