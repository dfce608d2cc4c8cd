"""Writing a deflate stream (RFC 1951) from content, tokens, blocks and tables."""

import numpy as np

from panini_daemon.compressors.deflate.blocks import find_distance
from panini_daemon.compressors.deflate.codes import assign_codes
from panini_daemon.compressors.deflate.tables import (
    DISTANCE_BASE,
    DISTANCE_EXTRA,
    DYNAMIC,
    END,
    FIXED_DISTANCES,
    FIXED_LITERALS,
    H_COUNT,
    H_DISTANCES,
    H_LENGTHS,
    H_LITERALS,
    H_SENT,
    H_STEPS,
    HEADER,
    KIND,
    LAST,
    LENGTH_BASE,
    LENGTH_EXTRA,
    LENGTH_SYMBOL,
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


@kernel
def _put(out: Bytes, writer: Longs, value: int, bits: int) -> None:
    held, count, at = int(writer[_HELD]) | value << int(writer[_COUNT]), int(writer[_COUNT]) + bits, int(writer[_AT])
    while count >= 8:
        out[at] = held & 255
        held >>= 8
        count -= 8
        at += 1
    writer[_AT], writer[_HELD], writer[_COUNT] = at, held, count


@kernel
def _put_header(out: Bytes, writer: Longs, header: Ints, lengths: Ints, others: Ints) -> bool:
    """Write a dynamic block's table; give the code lengths that it sends. False where it is none."""
    literals, distances, sent = int(header[H_LITERALS]), int(header[H_DISTANCES]), int(header[H_SENT])
    _put(out, writer, (literals - 257) | (distances - 1) << 5 | (sent - 4) << 10, 14)
    codes = np.zeros(19, np.int32)
    told = header[H_LENGTHS:H_COUNT]
    assign_codes(told, codes)
    for at in range(sent):
        _put(out, writer, int(told[SENT_ORDER[at]]), 3)
    lengths[:], others[:] = 0, 0
    done, before = 0, 0
    for at in range(int(header[H_COUNT])):
        symbol, extra = int(header[H_STEPS + at]) & 31, int(header[H_STEPS + at]) >> 5
        _put(out, writer, int(codes[symbol]), int(told[symbol]))
        _put(out, writer, extra, int(SENT_EXTRA[symbol]))
        value = symbol if symbol < 16 else before if symbol == 16 else 0
        for _ in range(int(SENT_BASE[symbol]) + extra):
            if done >= literals + distances:
                return False
            if done < literals:
                lengths[done] = value
            else:
                others[done - literals] = value
            done += 1
        before = value
    return done == literals + distances


@kernel
def write_stream(content: Bytes, tokens: Ints, blocks: Longs, headers: Ints, tail: int, out: Bytes) -> int:
    """Write the stream into `out`; return its size, -1 where the parts do not fit each other."""
    writer = np.zeros(3, np.int64)
    lengths, others = np.zeros(288, np.int32), np.zeros(32, np.int32)
    codes, farther = np.zeros(288, np.int32), np.zeros(32, np.int32)
    at, token = 0, 0
    for block in range(len(blocks)):
        kind, count = int(blocks[block, KIND]), int(blocks[block, TOKENS])
        _put(out, writer, int(blocks[block, LAST]) | kind << 1, 3)
        if kind == STORED:
            size = int(blocks[block, SIZE])
            if size > 65535 or at + size > content.size:
                return -1
            _put(out, writer, int(blocks[block, PAD]), -int(writer[_COUNT]) & 7)
            _put(out, writer, size | (65535 - size) << 16, 32)
            place = int(writer[_AT])
            out[place : place + size] = content[at : at + size]
            writer[_AT] = place + size
            at, token = at + size, token + count
            continue
        if kind == DYNAMIC:
            if not _put_header(out, writer, headers[int(blocks[block, HEADER]) :], lengths, others):
                return -1
        else:
            lengths[:], others[:] = FIXED_LITERALS, FIXED_DISTANCES
        assign_codes(lengths, codes)
        assign_codes(others, farther)
        for one in range(token, token + count):
            length = int(tokens[one]) >> 16 & 511
            if length:
                symbol = 284 if int(tokens[one]) & LONG else int(LENGTH_SYMBOL[length])
                extra = length - int(LENGTH_BASE[symbol - 257])
                _put(out, writer, int(codes[symbol]), int(lengths[symbol]))
                _put(out, writer, extra, int(LENGTH_EXTRA[symbol - 257]))
                distance = int(tokens[one]) & 65535
                symbol = find_distance(distance)
                _put(out, writer, int(farther[symbol]), int(others[symbol]))
                _put(out, writer, distance - int(DISTANCE_BASE[symbol]), int(DISTANCE_EXTRA[symbol]))
                at += length
            else:
                symbol = int(content[at])
                _put(out, writer, int(codes[symbol]), int(lengths[symbol]))
                at += 1
        token += count
        _put(out, writer, int(codes[END]), int(lengths[END]))
    if token != tokens.size or at != content.size:
        return -1
    _put(out, writer, tail, -int(writer[_COUNT]) & 7)
    return int(writer[_AT])
