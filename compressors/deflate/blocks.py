"""How zlib puts tokens into blocks: which kind each is, and its table."""

import numpy as np

from panini_daemon.compressors.deflate.tables import (
    COLUMNS,
    DISTANCE_BASE,
    DISTANCE_EXTRA,
    DISTANCES,
    DYNAMIC,
    END,
    FIXED,
    FIXED_LITERALS,
    H_COUNT,
    H_LENGTHS,
    H_MOST,
    H_SENT,
    H_STEPS,
    HEADER,
    KIND,
    LAST,
    LENGTH_EXTRA,
    LENGTH_SYMBOL,
    LITERALS,
    LONG,
    MAX_BITS,
    SENT_EXTRA,
    SIZE,
    STORED,
    TOKENS,
    Bytes,
    Ints,
    Longs,
)
from panini_daemon.compressors.deflate.trees import build_header, build_lengths
from panini_daemon.compressors.kernels import kernel


@kernel
def find_distance(distance: int) -> int:
    """Find the symbol of a distance, 1 to 32768."""
    low, high = 0, DISTANCES - 1
    while low < high:
        middle = (low + high + 1) >> 1
        if int(DISTANCE_BASE[middle]) <= distance:
            low = middle
        else:
            high = middle - 1
    return low


@kernel
def count_symbols(content: Bytes, at: int, tokens: Ints, literals: Ints, distances: Ints) -> int:
    """Count what a block's tokens need, its end included; return the place in the content behind them."""
    literals[:], distances[:] = 0, 0
    literals[END] = 1
    for token in tokens:
        length = int(token) >> 16 & 511
        if length:
            literals[284 if int(token) & LONG else int(LENGTH_SYMBOL[length])] += 1
            distances[find_distance(int(token) & 65535)] += 1
            at += length
        else:
            literals[int(content[at])] += 1
            at += 1
    return at


@kernel
def plan_block(literals: Ints, distances: Ints, size: int, fixed: bool, header: Ints) -> tuple[int, int]:  # noqa: FBT001
    """Choose a block's kind for `size` bytes as zlib does; return it and the size of the table in `header`."""
    lengths, others = np.zeros(LITERALS + 1, np.int32), np.zeros(DISTANCES + 1, np.int32)
    plain = 0
    for symbol in range(LITERALS):
        plain += int(literals[symbol]) * int(FIXED_LITERALS[symbol])
    shared = 0
    for symbol in range(257, LITERALS):
        shared += int(literals[symbol]) * int(LENGTH_EXTRA[symbol - 257])
    for symbol in range(DISTANCES):
        shared += int(distances[symbol]) * int(DISTANCE_EXTRA[symbol])
        plain += int(distances[symbol]) * 5
    told_literals, told_distances = literals[:LITERALS].copy(), distances[:DISTANCES].copy()
    last = build_lengths(told_literals, MAX_BITS, lengths[:LITERALS])
    other = build_lengths(told_distances, MAX_BITS, others[:DISTANCES])
    told = build_header(lengths, last, others, other, header)
    dynamic = 3 * int(header[H_SENT]) + 14
    for at in range(int(header[H_COUNT])):
        symbol = int(header[H_STEPS + at]) & 31
        dynamic += int(header[H_LENGTHS + symbol]) + int(SENT_EXTRA[symbol])
    for symbol in range(LITERALS):
        dynamic += int(literals[symbol]) * int(lengths[symbol])
    for symbol in range(DISTANCES):
        dynamic += int(distances[symbol]) * int(others[symbol])
    best, flat = (dynamic + shared + 10) >> 3, (plain + shared + 10) >> 3
    if flat <= best or fixed:
        best = flat
    if size + 4 <= best:
        return STORED, 0
    return (FIXED, 0) if best == flat else (DYNAMIC, told)


@kernel
def plan_blocks(content: Bytes, tokens: Ints, counts: Longs, headers: Ints, blocks: Longs) -> int:
    """Plan a block for each count of tokens; fill in `blocks` and `headers`; return how much of the latter."""
    literals, distances = np.zeros(LITERALS + 2, np.int32), np.zeros(DISTANCES + 2, np.int32)
    header = np.zeros(H_MOST, np.int32)
    at, token, told = 0, 0, 0
    for block in range(counts.size):
        count = int(counts[block])
        end = count_symbols(content, at, tokens[token : token + count], literals, distances)
        kind, size = plan_block(literals, distances, end - at, False, header)  # noqa: FBT003
        blocks[block, KIND], blocks[block, TOKENS], blocks[block, SIZE] = kind, count, end - at
        blocks[block, HEADER], blocks[block, LAST] = told, block + 1 == counts.size
        headers[told : told + size] = header[:size]
        at, token, told = end, token + count, told + size
    return told


def new_blocks(count: int) -> tuple[Longs, Ints]:
    """Make room for so many blocks and their tables."""
    return np.zeros((count, COLUMNS), np.int64), np.zeros(count * H_MOST, np.int32)
