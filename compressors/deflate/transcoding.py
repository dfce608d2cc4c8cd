"""A deflate stream told as what differs from zlib's own, coded bit by bit; and the stream made again from that.

One walk does both: in writing it has the stream's tokens and tables and codes how they differ from what zlib would
have written there; in reading it decodes the differences, makes the tokens and tables, and writes the stream. The
idea is that of preflate (D. Hoffmann); docs/deflate.md describes the choices in their order.
"""

import numpy as np

from panini_daemon.compressors.deflate import table_choices
from panini_daemon.compressors.deflate.chains import list_insert, look_back
from panini_daemon.compressors.deflate.choices import NUMBER, code_bit, code_number, code_symbol, make_chances
from panini_daemon.compressors.deflate.matching import BUFFER, FIXED_ONLY, STRATEGY, advance, foretell
from panini_daemon.compressors.deflate.table_choices import code_header
from panini_daemon.compressors.deflate.tables import (
    DISTANCES,
    DYNAMIC,
    END,
    FIXED,
    H_MOST,
    HEADER,
    KIND,
    LAST,
    LENGTH_SYMBOL,
    LITERALS,
    LONG,
    MAX_MATCH,
    MIN_MATCH,
    PAD,
    SIZE,
    STORED,
    TOKENS,
    Bytes,
    Ints,
    Longs,
)
from panini_daemon.compressors.deflate.trees import make_header, measure_dynamic, measure_fixed
from panini_daemon.compressors.deflate.writing import find_distance, put, put_header, put_stored, put_tokens
from panini_daemon.compressors.kernels import kernel

# Places of the chances.
_STORED, _PADDED, _TAILED, _AS_FULL, _LAST, _KIND, _OTHER_KIND, _FAR, _LONG = 0, 2, 3, 4, 6, 8, 9, 10, 11
_HIT = 16
_IS_MATCH = _HIT + 64 * 8
_TAIL = _IS_MATCH + 64
_PAD = _TAIL + 256
_SIZE = _PAD + 256
_COUNT = _SIZE + NUMBER
_SAME_LENGTH = _COUNT + NUMBER
_LONGER = _SAME_LENGTH + 64
_BY = _LONGER + 64
_LENGTH = _BY + NUMBER
_RANK = _LENGTH + 256
_DISTANCE = _RANK + NUMBER
_TABLE = _DISTANCE + NUMBER
CHANCES = _TABLE + table_choices.CHANCES
"""Chances that a walk takes."""

GOOD, BAD = 1, 0
_LIKELY = 65000


def make_walk_chances() -> Longs:
    """Return the chances that a walk begins with: most streams are zlib's own."""
    chances = make_chances(CHANCES)
    chances[_HIT:_IS_MATCH] = _LIKELY
    chances[_AS_FULL] = chances[_KIND] = chances[_LAST + 1] = chances[_TABLE] = _LIKELY
    chances[_STORED : _STORED + 4] = chances[_LONG] = chances[_LAST] = 65536 - _LIKELY
    return chances


@kernel
def walk(
    content: Bytes, settings: Longs, state: Longs, heads: Ints, chains: Ints,
    tokens: Ints, blocks: Longs, headers: Ints, tail: int,
    coder: Longs, data: Bytes, chances: Longs, out: Bytes, writer: Longs, writing: bool,
) -> int:  # fmt: skip
    """Code a stream's differences, or decode them and write the stream to `out`; GOOD, or BAD where there is none.

    In reading `tokens` is room for a block's, `blocks` and `headers` are not looked at. Raises IndexError where `out`,
    or in writing `data`, is full.
    """
    full_heads, full_chains = np.full(1 << 15, -1, np.int32), np.zeros(1 << 15, np.int32)
    listed = np.zeros(1, np.int64)
    literal_counts, distance_counts = np.zeros(LITERALS, np.int64), np.zeros(DISTANCES, np.int64)
    told, told_lengths = np.zeros(H_MOST, np.int32), np.zeros(320, np.int32)
    header, lengths = np.zeros(H_MOST, np.int32), np.zeros(320, np.int32)
    at, token, block, last, stored, past = 0, 0, 0, 0, 0, 0
    while not last:
        kind, count, size, pad = 0, 0, 0, 0
        if writing:
            kind, last = int(blocks[block, KIND]), int(blocks[block, LAST])
            count, size, pad = int(blocks[block, TOKENS]), int(blocks[block, SIZE]), int(blocks[block, PAD])
        stored = code_bit(coder, data, chances, _STORED + stored, 1 if kind == STORED else 0, writing)
        if stored:
            size = code_number(coder, data, chances, _SIZE, size, writing)
            if size > 65535 or at + size > content.size:
                return BAD
            last = code_bit(coder, data, chances, _LAST + (1 if at + size == content.size else 0), last, writing)
            if code_bit(coder, data, chances, _PADDED, 1 if pad else 0, writing):
                pad = code_symbol(coder, data, chances, _PAD, pad, 8, writing)
            if not writing:
                put(out, writer, last, 3)
                put_stored(out, writer, content, at, size, pad & ((1 << (-int(writer[0 + 1]) & 7)) - 1))
            if size:
                advance(content, at, size, settings, state, heads, chains)
            at += size
            block += 1
            continue
        # How many tokens: as many as zlib's buffer holds, or up to the end; any other count is told.
        buffer = int(settings[BUFFER])
        full = 0
        if writing and (count == buffer or (count < buffer and at + size == content.size)):
            full = 1
        full = code_bit(coder, data, chances, _AS_FULL, full, writing)
        if not full:
            count = code_number(coder, data, chances, _COUNT, count, writing)
        elif not writing:
            count = buffer
        literal_counts[:] = 0
        distance_counts[:] = 0
        literal_counts[END] = 1
        start, first, done = at, token if writing else 0, 0
        while done < count and not (full and at == content.size):
            if at >= content.size:
                return BAD
            found = foretell(content, at, settings, state, heads, chains)
            actual = int(tokens[first + done]) if writing else 0
            near = min(found >> 16, 15) << 2 | past & 3
            hit = code_bit(
                coder, data, chances, _HIT + near * 8 + (past >> 2 & 7), 1 if actual & ~LONG == found else 0, writing
            )
            past = (past << 1 | hit) & 31
            if hit:
                actual = found | (actual & LONG)
            else:
                list_insert(content, at, full_heads, full_chains, listed)
                actual = _code_token(coder, data, chances, content, at, found, actual, full_heads, full_chains, writing)
                if actual < 0:
                    return BAD
            length = actual >> 16 & 511
            if length == MAX_MATCH and code_bit(coder, data, chances, _LONG, 1 if actual & LONG else 0, writing):
                actual |= LONG
            if length:
                literal_counts[284 if actual & LONG else int(LENGTH_SYMBOL[length])] += 1
                distance_counts[find_distance(actual & 65535)] += 1
            else:
                literal_counts[content[at]] += 1
                length = 1
            advance(content, at, length, settings, state, heads, chains)
            if not writing:
                tokens[done] = actual
            at += length
            done += 1
        if at > content.size:
            return BAD
        ending = 1 if at == content.size and done < buffer else 0
        last = code_bit(coder, data, chances, _LAST + ending, last, writing)
        make_header(literal_counts, distance_counts, told, told_lengths)
        likely = _choose_kind(literal_counts, distance_counts, told, told_lengths, settings)
        if code_bit(coder, data, chances, _KIND, 1 if kind == likely else 0, writing):
            kind = likely
        else:
            kind = DYNAMIC if likely == FIXED else FIXED
        if kind == DYNAMIC:
            if writing:
                place = int(blocks[block, HEADER])
                room = min(H_MOST, headers.size - place)
                header[:room] = headers[place : place + room]
            if not code_header(coder, data, chances, _TABLE, told, told_lengths, header, lengths, writing):
                return BAD
        if not writing:
            put(out, writer, last | kind << 1, 3)
            if kind == DYNAMIC:
                put_header(out, writer, header)
            put_tokens(out, writer, content, start, tokens, done, kind, header, lengths)
        token += done
        block += 1
    if at != content.size:
        return BAD
    if code_bit(coder, data, chances, _TAILED, 1 if tail else 0, writing):
        tail = code_symbol(coder, data, chances, _TAIL, tail, 8, writing)
    if not writing:
        put(out, writer, tail & ((1 << (-int(writer[1]) & 7)) - 1), -int(writer[1]) & 7)
    return GOOD


@kernel
def _code_token(
    coder: Longs, data: Bytes, chances: Longs, content: Bytes, at: int, found: int, actual: int,
    heads: Ints, chains: Ints, writing: bool,
) -> int:  # fmt: skip
    """Code a token that is not the one foretold, and return it; below 0 where what was read is none."""
    near = found >> 16
    context = min(near, 63)
    match = 1
    if near:  # else it can only be a match
        match = code_bit(coder, data, chances, _IS_MATCH + context, 1 if actual else 0, writing)
    if not match:
        return 0
    length, distance = actual >> 16 & 511, actual & 65535
    same = 0
    if near:
        same = code_bit(coder, data, chances, _SAME_LENGTH + context, 1 if length == near else 0, writing)
    if same:
        length = near
    elif near:
        longer = code_bit(coder, data, chances, _LONGER + context, 1 if length > near else 0, writing)
        by = code_number(coder, data, chances, _BY, max(length - near, near - length) - 1, writing) + 1
        length = near + by if longer else near - by
    else:
        length = code_symbol(coder, data, chances, _LENGTH, length - MIN_MATCH, 8, writing) + MIN_MATCH
    if length < MIN_MATCH or length > MAX_MATCH or at + length > content.size:
        return -1
    rank = -1
    if writing:
        rank, _ = look_back(content, at, length, distance, -1, heads, chains)
    far = code_bit(coder, data, chances, _FAR, 1 if writing and rank < 0 else 0, writing)
    if far:
        distance = code_number(coder, data, chances, _DISTANCE, distance - 1, writing) + 1
    else:
        rank = code_number(coder, data, chances, _RANK, rank, writing)
        if not writing:
            _, distance = look_back(content, at, length, 0, rank, heads, chains)
    if distance < 1 or distance > min(at, 32768):
        return -1
    return length << 16 | distance


@kernel
def _choose_kind(literal_counts: Longs, distance_counts: Longs, header: Ints, lengths: Ints, settings: Longs) -> int:
    """Return whether zlib would send a block with the fixed codes or its own."""
    own = measure_dynamic(literal_counts, distance_counts, header, lengths) + 10 >> 3
    fixed = measure_fixed(literal_counts, distance_counts) + 10 >> 3
    return FIXED if fixed <= own or int(settings[STRATEGY]) == FIXED_ONLY else DYNAMIC
