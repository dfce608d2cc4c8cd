"""Huffman codes as zlib makes them, and how it sends their lengths: its trees.c, followed step by step."""

import numpy as np

from panini_daemon.compressors.deflate.tables import (
    DISTANCE_EXTRA,
    DISTANCES,
    END,
    FIXED_LITERALS,
    H_COUNT,
    H_DISTANCES,
    H_LENGTHS,
    H_LITERALS,
    H_SENT,
    H_STEPS,
    LENGTH_EXTRA,
    LITERALS,
    MAX_BITS,
    MAX_SENT_BITS,
    SENT_EXTRA,
    SENT_ORDER,
    Ints,
    Longs,
)
from panini_daemon.compressors.kernels import kernel


@kernel
def make_lengths(counts: Longs, symbols: int, most: int, lengths: Ints) -> int:
    """Fill the code lengths of symbols that occur so often, at most `most` bits; return the last symbol in use.

    There are always two codes at least. `counts` has room for twice as many nodes; what it holds behind them is lost.
    """
    room = 2 * symbols + 1
    heap, depth, parent = np.zeros(room + 1, np.int64), np.zeros(room, np.int64), np.zeros(room, np.int64)
    size, last = 0, -1
    for symbol in range(symbols):
        lengths[symbol] = 0
        if counts[symbol]:
            size += 1
            heap[size] = symbol
            last = symbol
    while size < 2:
        last, forced = (last + 1, last + 1) if last < 2 else (last, 0)
        size += 1
        heap[size] = forced
        counts[forced] = 1
    for place in range(size >> 1, 0, -1):
        _sink(heap, size, place, counts, depth)
    node, front = symbols, room
    order = np.zeros(room, np.int64)
    while size >= 2:
        least = int(heap[1])
        heap[1] = heap[size]
        size -= 1
        _sink(heap, size, 1, counts, depth)
        second = int(heap[1])
        front -= 2
        order[front + 1], order[front] = least, second
        counts[node] = counts[least] + counts[second]
        depth[node] = max(int(depth[least]), int(depth[second])) + 1
        parent[least], parent[second] = node, node
        heap[1] = node
        node += 1
        _sink(heap, size, 1, counts, depth)
    front -= 1
    order[front] = heap[1]
    _measure(order, front, parent, last, most, lengths)
    return last


@kernel
def _sink(heap: Longs, size: int, place: int, counts: Longs, depth: Longs) -> None:
    value = int(heap[place])
    child = place << 1
    while child <= size:
        if child < size and _is_smaller(int(heap[child + 1]), int(heap[child]), counts, depth):
            child += 1
        if _is_smaller(value, int(heap[child]), counts, depth):
            break
        heap[place] = heap[child]
        place, child = child, child << 1
    heap[place] = value


@kernel
def _is_smaller(one: int, other: int, counts: Longs, depth: Longs) -> bool:
    return bool(counts[one] < counts[other] or (counts[one] == counts[other] and depth[one] <= depth[other]))


@kernel
def _measure(order: Longs, front: int, parent: Longs, last: int, most: int, lengths: Ints) -> None:
    """Turn a tree, its nodes in `order` from the root on, into lengths; too long ones are mended as zlib does."""
    bits = np.zeros(order.size, np.int64)
    used = np.zeros(MAX_BITS + 2, np.int64)
    overflow = 0
    for place in range(front + 1, order.size):
        node = int(order[place])
        length = int(bits[int(parent[node])]) + 1
        if length > most:
            length = most
            overflow += 1
        bits[node] = length
        if node <= last:
            used[length] += 1
            lengths[node] = length
    if not overflow:
        return
    while overflow > 0:
        length = most - 1
        while not used[length]:
            length -= 1
        used[length] -= 1
        used[length + 1] += 2
        used[most] -= 1
        overflow -= 2
    place = order.size
    for length in range(most, 0, -1):
        left = int(used[length])
        while left:
            place -= 1
            node = int(order[place])
            if node <= last:
                lengths[node] = length
                left -= 1


@kernel
def list_steps(lengths: Ints, count: int, steps: Ints, done: int) -> int:
    """Write how zlib sends `count` lengths, each step symbol | extra << 5, behind `done` steps; return how many."""
    before, following = -1, int(lengths[0])
    most, least = (138, 3) if not following else (7, 4)
    run = 0
    for at in range(count):
        current, following = following, int(lengths[at + 1]) if at + 1 < count else -1
        run += 1
        if run < most and current == following:
            continue
        if run < least:
            for _ in range(run):
                steps[done] = current
                done += 1
        elif current:
            if current != before:
                steps[done] = current
                done += 1
                run -= 1
            steps[done] = 16 | run - 3 << 5
            done += 1
        elif run <= 10:
            steps[done] = 17 | run - 3 << 5
            done += 1
        else:
            steps[done] = 18 | run - 11 << 5
            done += 1
        run, before = 0, current
        if not following:
            most, least = 138, 3
        elif current == following:
            most, least = 6, 3
        else:
            most, least = 7, 4
    return done


@kernel
def make_sent_lengths(steps: Ints, count: int, lengths: Ints) -> None:
    """Fill the 19 code lengths of the code that sends such steps."""
    counts = np.zeros(2 * 19 + 1, np.int64)
    for at in range(count):
        counts[int(steps[at]) & 31] += 1
    make_lengths(counts, 19, MAX_SENT_BITS, lengths)


@kernel
def count_sent(lengths: Ints) -> int:
    """Return how many of the 19 lengths are sent, 4 at least."""
    sent = 19
    while sent > 4 and not lengths[int(SENT_ORDER[sent - 1])]:
        sent -= 1
    return sent


@kernel
def make_header(literal_counts: Longs, distance_counts: Longs, header: Ints, lengths: Ints) -> None:
    """Fill zlib's table for a block: `header` as `parsing` lays it out, and the lengths of both codes, in a row.

    The counts are those of the symbols that occur; they are not changed.
    """
    counts = np.zeros(2 * LITERALS + 1, np.int64)
    counts[:LITERALS] = literal_counts[:LITERALS]
    own = np.zeros(LITERALS + 1, np.int32)
    literals = make_lengths(counts, LITERALS, MAX_BITS, own) + 1
    lengths[:literals] = own[:literals]
    done = list_steps(own, literals, header[H_STEPS:], 0)
    counts[:] = 0
    counts[:DISTANCES] = distance_counts[:DISTANCES]
    distances = make_lengths(counts, DISTANCES, MAX_BITS, own) + 1
    lengths[literals : literals + distances] = own[:distances]
    done = list_steps(own, distances, header[H_STEPS:], done)
    make_sent_lengths(header[H_STEPS:], done, header[H_LENGTHS:H_COUNT])
    header[H_LITERALS], header[H_DISTANCES], header[H_COUNT] = literals, distances, done
    header[H_SENT] = count_sent(header[H_LENGTHS:H_COUNT])


@kernel
def measure_dynamic(literal_counts: Longs, distance_counts: Longs, header: Ints, lengths: Ints) -> int:
    """Return how many bits a block takes with such a table, the block's first three bits left out."""
    bits = 14 + 3 * int(header[H_SENT])
    for at in range(int(header[H_COUNT])):
        symbol = int(header[H_STEPS + at]) & 31
        bits += int(header[H_LENGTHS + symbol]) + int(SENT_EXTRA[symbol])
    literals, distances = int(header[H_LITERALS]), int(header[H_DISTANCES])
    for symbol in range(literals):
        extra = int(LENGTH_EXTRA[symbol - END - 1]) if symbol > END else 0
        bits += int(literal_counts[symbol]) * (int(lengths[symbol]) + extra)
    for symbol in range(distances):
        bits += int(distance_counts[symbol]) * (int(lengths[literals + symbol]) + int(DISTANCE_EXTRA[symbol]))
    return bits


@kernel
def measure_fixed(literal_counts: Longs, distance_counts: Longs) -> int:
    """Return how many bits a block takes with the fixed codes, the block's first three bits left out."""
    bits = 0
    for symbol in range(LITERALS):
        extra = int(LENGTH_EXTRA[symbol - END - 1]) if symbol > END else 0
        bits += int(literal_counts[symbol]) * (int(FIXED_LITERALS[symbol]) + extra)
    for symbol in range(DISTANCES):
        bits += int(distance_counts[symbol]) * (5 + int(DISTANCE_EXTRA[symbol]))
    return bits
