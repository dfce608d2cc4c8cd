"""Writing deflate blocks bit by bit into a buffer of a fixed size."""

import numpy as np

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
    LENGTH_BASE,
    LENGTH_EXTRA,
    LENGTH_SYMBOL,
    LONG,
    SENT_EXTRA,
    SENT_ORDER,
    Bytes,
    Ints,
    Longs,
)
from panini_daemon.compressors.kernels import kernel

HELD, COUNT, AT = range(3)
"""A writer's numbers: bits not yet written, how many, and where the next byte goes."""


@kernel
def put(out: Bytes, writer: Longs, value: int, bits: int) -> None:
    """Write up to 32 bits, the lowest first. Raises IndexError where the buffer is full."""
    held, count, at = int(writer[HELD]) | value << int(writer[COUNT]), int(writer[COUNT]) + bits, int(writer[AT])
    while count >= 8:
        out[at] = held & 255
        held >>= 8
        count -= 8
        at += 1
    writer[HELD], writer[COUNT], writer[AT] = held, count, at


@kernel
def put_stored(out: Bytes, writer: Longs, content: Bytes, start: int, size: int, pad: int) -> None:
    """Write a stored block's padding, size and bytes."""
    put(out, writer, pad, -int(writer[COUNT]) & 7)
    put(out, writer, size, 16)
    put(out, writer, 65535 - size, 16)
    at = int(writer[AT])
    if at + size > out.size:
        raise IndexError
    out[at : at + size] = content[start : start + size]
    writer[AT] = at + size


@kernel
def put_header(out: Bytes, writer: Longs, header: Ints) -> None:
    """Write a dynamic block's table."""
    put(out, writer, int(header[H_LITERALS]) - 257, 5)
    put(out, writer, int(header[H_DISTANCES]) - 1, 5)
    put(out, writer, int(header[H_SENT]) - 4, 4)
    for at in range(int(header[H_SENT])):
        put(out, writer, int(header[H_LENGTHS + int(SENT_ORDER[at])]), 3)
    codes = np.zeros(19, np.int32)
    assign_codes(header[H_LENGTHS:H_COUNT], codes)
    for at in range(int(header[H_COUNT])):
        step = int(header[H_STEPS + at])
        symbol = step & 31
        put(out, writer, int(codes[symbol]), int(header[H_LENGTHS + symbol]))
        put(out, writer, step >> 5, int(SENT_EXTRA[symbol]))


@kernel
def put_tokens(
    out: Bytes,
    writer: Longs,
    content: Bytes,
    start: int,
    tokens: Ints,
    count: int,
    kind: int,
    header: Ints,
    lengths: Ints,
) -> None:
    """Write a block's tokens, whose bytes begin at `start`, and its end, in the fixed codes or those of its table."""
    literal_lengths, distance_lengths = FIXED_LITERALS, FIXED_DISTANCES
    if kind == DYNAMIC:
        literals = int(header[H_LITERALS])
        literal_lengths = lengths[:literals]
        distance_lengths = lengths[literals : literals + int(header[H_DISTANCES])]
    literal_codes, distance_codes = np.zeros(288, np.int32), np.zeros(lengths.size, np.int32)
    assign_codes(literal_lengths, literal_codes)
    assign_codes(distance_lengths, distance_codes)
    place = start
    for at in range(count):
        token = int(tokens[at])
        if not token:
            symbol = int(content[place])
            put(out, writer, int(literal_codes[symbol]), int(literal_lengths[symbol]))
            place += 1
            continue
        length, distance = token >> 16 & 511, token & 65535
        symbol = 284 if token & LONG else int(LENGTH_SYMBOL[length])
        put(out, writer, int(literal_codes[symbol]), int(literal_lengths[symbol]))
        put(out, writer, length - int(LENGTH_BASE[symbol - 257]), int(LENGTH_EXTRA[symbol - 257]))
        code = find_distance(distance)
        put(out, writer, int(distance_codes[code]), int(distance_lengths[code]))
        put(out, writer, distance - int(DISTANCE_BASE[code]), int(DISTANCE_EXTRA[code]))
        place += length
    put(out, writer, int(literal_codes[END]), int(literal_lengths[END]))


@kernel
def find_distance(distance: int) -> int:
    """Return the code, 0 to 29, of a distance from 1 to 32768."""
    if distance <= 4:
        return distance - 1
    value, bits = distance - 1, 0
    while value >> bits > 3:
        bits += 1
    return 2 * bits + (value >> bits)
