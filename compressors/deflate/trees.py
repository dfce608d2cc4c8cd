"""How zlib makes the codes of a block, from its published algorithm: Huffman's, with ties broken by depth."""

import numpy as np

from panini_daemon.compressors.deflate.tables import (
    H_COUNT,
    H_DISTANCES,
    H_LENGTHS,
    H_LITERALS,
    H_SENT,
    H_STEPS,
    MAX_SENT_BITS,
    SENT_ORDER,
    Ints,
    Longs,
)
from panini_daemon.compressors.kernels import kernel


@kernel
def _sink(heap: Longs, size: int, at: int, counts: Longs, depths: Longs) -> None:
    """Restore the heap below a place."""
    node = int(heap[at])
    child = at << 1
    while child <= size:
        if child < size:
            one, two = int(heap[child + 1]), int(heap[child])
            if counts[one] < counts[two] or (counts[one] == counts[two] and depths[one] <= depths[two]):
                child += 1
        other = int(heap[child])
        if counts[node] < counts[other] or (counts[node] == counts[other] and depths[node] <= depths[other]):
            break
        heap[at] = other
        at = child
        child <<= 1
    heap[at] = node


@kernel
def build_lengths(symbols: Ints, longest: int, lengths: Ints) -> int:
    """Compute the code lengths for counts of symbols; at least two get a code. Returns the greatest symbol with one.

    `symbols` gets a count of 1 where a code was needed and there was no such symbol.
    """
    elements = symbols.size
    counts, depths = np.zeros(2 * elements + 1, np.int64), np.zeros(2 * elements + 1, np.int64)
    parents, bits = np.zeros(2 * elements + 1, np.int64), np.zeros(2 * elements + 1, np.int64)
    heap, order = np.zeros(2 * elements + 2, np.int64), np.zeros(2 * elements + 2, np.int64)
    size, greatest = 0, -1
    for symbol in range(elements):
        lengths[symbol] = 0
        counts[symbol] = symbols[symbol]
        if counts[symbol]:
            size += 1
            heap[size], greatest = symbol, symbol
    while size < 2:
        greatest, extra = (greatest + 1, greatest + 1) if greatest < 2 else (greatest, 0)
        size += 1
        heap[size], counts[extra], symbols[extra] = extra, 1, 1
    for at in range(size // 2, 0, -1):
        _sink(heap, size, at, counts, depths)
    node, ordered = elements, 0
    while size >= 2:
        one = int(heap[1])
        heap[1] = heap[size]
        size -= 1
        _sink(heap, size, 1, counts, depths)
        two = int(heap[1])
        order[ordered], order[ordered + 1] = one, two
        ordered += 2
        counts[node] = counts[one] + counts[two]
        depths[node] = max(depths[one], depths[two]) + 1
        parents[one], parents[two], heap[1] = node, node, node
        node += 1
        _sink(heap, size, 1, counts, depths)
    _limit(order, ordered, parents, bits, elements, longest)
    for symbol in range(elements):
        lengths[symbol] = bits[symbol]
    return greatest


@kernel
def _limit(order: Longs, ordered: int, parents: Longs, bits: Longs, elements: int, longest: int) -> None:
    """Give each node its depth; where that is more than may be, move leaves about."""
    many = np.zeros(longest + 1, np.int64)
    over = 0
    for at in range(ordered - 1, -1, -1):
        node = int(order[at])
        depth = int(bits[parents[node]]) + 1
        if depth > longest:
            depth = longest
            over += 1
        bits[node] = depth
        if node < elements:
            many[depth] += 1
    if not over:
        return
    while over > 0:
        depth = longest - 1
        while many[depth] == 0:
            depth -= 1
        many[depth] -= 1
        many[depth + 1] += 2
        many[longest] -= 1
        over -= 2
    at = 0
    for depth in range(longest, 0, -1):
        left = int(many[depth])
        while left:
            node = int(order[at])
            at += 1
            if node < elements:
                bits[node] = depth
                left -= 1


@kernel
def tell_runs(lengths: Ints, count: int, steps: Ints, done: int, symbols: Ints) -> int:
    """Append the steps that send the first `count` code lengths; return how many steps there are then."""
    before, following, run = -1, int(lengths[0]), 0
    most, least = (138, 3) if following == 0 else (7, 4)
    for at in range(count):
        here = following
        following = int(lengths[at + 1]) if at + 1 < count else -1
        run += 1
        if run < most and here == following:
            continue
        few = run < least
        if not few and here and here != before:
            steps[done] = here
            symbols[here] += 1
            done += 1
            run -= 1
        if few:
            for _ in range(run):
                steps[done] = here
                done += 1
            symbols[here] += run
        elif here:
            steps[done] = 16 | (run - 3) << 5
            symbols[16] += 1
            done += 1
        else:
            kind, base = (17, 3) if run <= 10 else (18, 11)
            steps[done] = kind | (run - base) << 5
            symbols[kind] += 1
            done += 1
        before, run = here, 0
        if following == 0:
            most, least = 138, 3
        elif here == following:
            most, least = 6, 3
        else:
            most, least = 7, 4
    return done


@kernel
def build_header(literals: Ints, last_literal: int, distances: Ints, last_distance: int, header: Ints) -> int:
    """Make a dynamic block's table for these code lengths; return its size."""
    symbols, lengths = np.zeros(19, np.int32), np.zeros(19, np.int32)
    count = tell_runs(literals, last_literal + 1, header[H_STEPS:], 0, symbols)
    count = tell_runs(distances, last_distance + 1, header[H_STEPS:], count, symbols)
    build_lengths(symbols, MAX_SENT_BITS, lengths)
    sent = 19
    while sent > 4 and lengths[SENT_ORDER[sent - 1]] == 0:
        sent -= 1
    header[H_LITERALS], header[H_DISTANCES], header[H_SENT] = last_literal + 1, last_distance + 1, sent
    header[H_LENGTHS:H_COUNT] = lengths
    header[H_COUNT] = count
    return H_STEPS + count
