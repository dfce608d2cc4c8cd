"""A raw deflate stream (RFC 1951) taken apart: its content, its tokens, its blocks and their tables."""

from dataclasses import dataclass

import numpy as np

from panini_daemon.compressors.deflate.codes import fill_lookup
from panini_daemon.compressors.deflate.tables import (
    COLUMNS,
    DISTANCE_BASE,
    DISTANCE_EXTRA,
    DYNAMIC,
    FIXED_DISTANCES,
    FIXED_LITERALS,
    H_COUNT,
    H_DISTANCES,
    H_LENGTHS,
    H_LITERALS,
    H_MOST,
    H_SENT,
    H_STEPS,
    HEADER,
    KIND,
    LAST,
    LENGTH_BASE,
    LENGTH_EXTRA,
    LONG,
    PAD,
    SENT_BASE,
    SENT_EXTRA,
    SENT_ORDER,
    SIZE,
    STORED,
    TOKENS,
    Bytes,
    Ints,
    Longs,
)
from panini_daemon.compressors.kernels import kernel

_AT, _HELD, _COUNT = 0, 1, 2
_BAD = -1


@dataclass(frozen=True, slots=True, eq=False)
class Stream:
    """One deflate stream: `content`, `tokens` (of blocks that are not stored), `blocks` (rows), `headers`.

    `size` is how many whole bytes it takes, `tail` the value of the unused bits of the last one.
    """

    content: Bytes
    tokens: Ints
    blocks: Longs
    headers: Ints
    size: int
    tail: int


def parse_stream(data: bytes | memoryview, limit: int) -> Stream | None:
    """Parse the deflate stream that `data` begins with; None where there is no whole valid one.

    A stream that inflates to more than `limit` bytes is none. Memory: five bytes for each byte of content.
    """
    source = np.frombuffer(data, np.uint8)
    counts = np.zeros(6, np.int64)
    nothing = np.zeros(0, np.int32)
    if not _walk(
        source, limit, False, np.zeros(0, np.uint8), nothing, np.zeros((0, COLUMNS), np.int64), nothing, counts
    ):
        return None
    content = np.empty(int(counts[0]), np.uint8)
    tokens = np.empty(int(counts[1]), np.int32)
    blocks = np.zeros((int(counts[2]), COLUMNS), np.int64)
    headers = np.zeros(int(counts[3]), np.int32)
    _walk(source, limit, True, content, tokens, blocks, headers, counts)
    return Stream(content, tokens, blocks, headers, int(counts[4]), int(counts[5]))


@kernel
def _fill(data: Bytes, reader: Longs) -> None:
    """Hold at least 48 bits; zeros follow behind the end."""
    at, held, count = int(reader[_AT]), int(reader[_HELD]), int(reader[_COUNT])
    while count <= 48:
        if at < data.size:
            held |= int(data[at]) << count
        at += 1
        count += 8
    reader[_AT], reader[_HELD], reader[_COUNT] = at, held, count


@kernel
def _take(data: Bytes, reader: Longs, bits: int) -> int:
    """Read up to 16 bits."""
    if int(reader[_COUNT]) < bits:
        _fill(data, reader)
    held = int(reader[_HELD])
    reader[_HELD] = held >> bits
    reader[_COUNT] -= bits
    return held & ((1 << bits) - 1)


@kernel
def _look(data: Bytes, reader: Longs, lookup: Ints) -> int:
    """Read one symbol by a table of 2**bits entries, symbol << 4 | bits; -1 where there is none."""
    if int(reader[_COUNT]) < 15:
        _fill(data, reader)
    held = int(reader[_HELD])
    found = int(lookup[held & (int(lookup[lookup.size - 1]) - 1)])
    bits = found & 15
    if not bits:
        return _BAD
    reader[_HELD] = held >> bits
    reader[_COUNT] -= bits
    return found >> 4


@kernel
def _read_header(data: Bytes, reader: Longs, header: Ints, lengths: Ints, lookup: Ints) -> int:
    """Read a dynamic block's table into `header`, the code lengths into `lengths`; return its size, or -1."""
    literals, distances, sent = _take(data, reader, 5) + 257, _take(data, reader, 5) + 1, _take(data, reader, 4) + 4
    if literals > 286 or distances > 30:
        return _BAD
    header[H_LITERALS], header[H_DISTANCES], header[H_SENT] = literals, distances, sent
    header[H_LENGTHS:H_COUNT] = 0
    for at in range(sent):
        header[H_LENGTHS + int(SENT_ORDER[at])] = _take(data, reader, 3)
    if not fill_lookup(header[H_LENGTHS:H_COUNT], lookup, False):
        return _BAD
    done, count = 0, 0
    while done < literals + distances:
        symbol = _look(data, reader, lookup)
        if symbol < 0:
            return _BAD
        extra = _take(data, reader, int(SENT_EXTRA[symbol]))
        times = int(SENT_BASE[symbol]) + extra
        value = symbol
        if symbol == 16:
            if not done:
                return _BAD
            value = int(lengths[done - 1])
        elif symbol > 16:
            value = 0
        if done + times > literals + distances:
            return _BAD
        lengths[done : done + times] = value
        done += times
        header[H_STEPS + count] = symbol | extra << 5
        count += 1
    header[H_COUNT] = count
    return H_STEPS + count


@kernel
def _walk(
    data: Bytes,
    limit: int,
    keep: bool,
    content: Bytes,
    tokens: Ints,
    blocks: Longs,
    headers: Ints,
    counts: Longs,
) -> bool:
    """Go through a stream; write what it holds where `keep`, and how much in `counts`. False where it is none."""
    reader = np.zeros(3, np.int64)
    header, lengths = np.zeros(H_MOST, np.int32), np.zeros(320, np.int32)
    literal_lookup, distance_lookup = np.zeros((1 << 15) + 1, np.int32), np.zeros((1 << 15) + 1, np.int32)
    out, token, block, told = 0, 0, 0, 0
    last = 0
    while not last:
        last, kind = _take(data, reader, 1), _take(data, reader, 2)
        start, first, place, pad = out, token, told, 0
        if kind > DYNAMIC:
            return False
        if kind == STORED:
            pad = _take(data, reader, int(reader[_COUNT]) & 7)
            size = _take(data, reader, 16)
            if _take(data, reader, 16) != 65535 - size:
                return False
            at = int(reader[_AT]) - (int(reader[_COUNT]) >> 3)
            if out + size > limit or at + size > data.size:
                return False
            if keep:
                content[out : out + size] = data[at : at + size]
            out += size
            reader[_AT], reader[_HELD], reader[_COUNT] = at + size, 0, 0
        else:
            if kind == DYNAMIC:
                size = _read_header(data, reader, header, lengths, literal_lookup)
                if size < 0:
                    return False
                if keep:
                    headers[told : told + size] = header[:size]
                told += size
                literals, distances = int(header[H_LITERALS]), int(header[H_DISTANCES])
                if not lengths[256] or not fill_lookup(lengths[:literals], literal_lookup, True):
                    return False
                if not fill_lookup(lengths[literals : literals + distances], distance_lookup, True):
                    return False
            else:
                fill_lookup(FIXED_LITERALS, literal_lookup, False)
                fill_lookup(FIXED_DISTANCES, distance_lookup, False)
            while True:
                symbol = _look(data, reader, literal_lookup)
                if symbol < 0 or symbol > 285 or int(reader[_AT]) > data.size + 8:
                    return False
                if symbol == 256:
                    break
                if symbol < 256:
                    if out >= limit:
                        return False
                    if keep:
                        content[out] = symbol
                        tokens[token] = 0
                    out += 1
                else:
                    extra = _take(data, reader, int(LENGTH_EXTRA[symbol - 257]))
                    length = int(LENGTH_BASE[symbol - 257]) + extra
                    code = _look(data, reader, distance_lookup)
                    if code < 0 or code > 29:
                        return False
                    distance = int(DISTANCE_BASE[code]) + _take(data, reader, int(DISTANCE_EXTRA[code]))
                    if distance > out or out + length > limit:
                        return False
                    if keep:
                        for at in range(out, out + length):
                            content[at] = content[at - distance]
                        tokens[token] = length << 16 | distance | (LONG if symbol == 284 and extra == 31 else 0)
                    out += length
                token += 1
        if int(reader[_AT]) - (int(reader[_COUNT]) >> 3) > data.size:
            return False
        if keep:
            blocks[block, KIND], blocks[block, LAST], blocks[block, TOKENS] = kind, last, token - first
            blocks[block, SIZE], blocks[block, HEADER], blocks[block, PAD] = out - start, place, pad
        block += 1
    tail = _take(data, reader, int(reader[_COUNT]) & 7)
    counts[0], counts[1], counts[2], counts[3] = out, token, block, told
    counts[4], counts[5] = int(reader[_AT]) - (int(reader[_COUNT]) >> 3), tail
    return True
