"""A raw deflate stream as its content and what it takes to deflate that to the same bytes again."""

from dataclasses import dataclass

import numpy as np

from panini_daemon.compressors.deflate.assembly import write_stream
from panini_daemon.compressors.deflate.blocks import new_blocks, plan_blocks
from panini_daemon.compressors.deflate.corrections import Corrections, read_corrections, write_corrections
from panini_daemon.compressors.deflate.following import repeat
from panini_daemon.compressors.deflate.parsing import Stream, parse_stream
from panini_daemon.compressors.deflate.settings import Setting, read_setting, search_setting
from panini_daemon.compressors.deflate.tables import (
    DYNAMIC,
    H_COUNT,
    H_STEPS,
    HEADER,
    KIND,
    PAD,
    SIZE,
    STORED,
    TOKENS,
    Ints,
    Longs,
)
from panini_daemon.compressors.errors import PayloadDamaged
from panini_daemon.compressors.protocol import Level

_WORTH = 0.15
"""Of a stream's bytes: more side data than this is more than undoing it brings."""


@dataclass(frozen=True, slots=True)
class Undone:
    """What a stream came apart to: `redo` makes it again of `content`, `encoder` and `corrections`.

    `consumed` is how many whole bytes the stream takes. `encoder`, a few bytes, says which encoder wrote it with which
    parameters; `corrections` say where the stream differs from what that encoder writes.
    """

    content: bytes
    consumed: int
    encoder: bytes
    corrections: bytes


def undo(data: bytes | memoryview, *, window_bits: int = 15, limit: int, effort: Level) -> Undone | None:
    """Undo the raw deflate stream that `data` begins with.

    None where it begins with no whole valid one or with one that inflates to more than `limit` bytes, and where what
    `redo` needs beside the content would cost more than it is worth. `window_bits` is what a wrapper says of the
    window, 8 to 15; `effort` how long a fitting encoder is searched for.
    """
    stream = parse_stream(data, limit)
    if stream is None:
        return None
    told = _list_told(stream)
    most = 8 + int(stream.size * _WORTH / 2)
    found = search_setting(stream.content, told, _read_memory(stream), window_bits, most, effort)
    if found is None:
        return None
    setting, notes, tokens, stored = found
    corrections = write_corrections(_compare(stream, setting, notes, tokens, stored))
    if len(corrections) > 8 + stream.size * _WORTH:
        return None
    return Undone(stream.content.tobytes(), stream.size, setting.encoder, corrections)


def redo(content: bytes | memoryview, encoder: bytes, corrections: bytes, *, limit: int) -> bytes:
    """Make the stream again, of at most `limit` bytes. Raises PayloadDamaged."""
    setting = read_setting(encoder)
    told = read_corrections(corrections)
    source = np.frombuffer(content, np.uint8)
    tokens = np.empty(source.size + 1, np.int32)
    out = np.empty(limit + 16, np.uint8)
    try:
        count = repeat(source, setting.numbers, told.notes, tokens)
        counts = told.counts if told.counts is not None else _split(count, setting)
        if count < 0 or counts.sum() != count or (counts < 0).any():
            raise _damaged("has corrections that do not fit its content")
        blocks, headers = new_blocks(len(counts))
        size = plan_blocks(source, tokens[:count], counts, headers, blocks)
        headers = _apply(told, blocks, headers[:size])
        end = write_stream(source, tokens[:count], blocks, headers, told.tail, out)
    except (IndexError, ValueError) as error:
        raise _damaged(f"cannot be made again ({error})") from error
    if not 0 <= end <= limit:
        raise _damaged(f"is made again as {end} bytes; expected at most {limit}")
    return out[:end].tobytes()


def _read_memory(stream: Stream) -> int:
    """Read zlib's memLevel from the length of the first block; 0 where it is not the one of a full block."""
    first = int(stream.blocks[0, TOKENS]) + 1
    full = len(stream.blocks) > 1 and first.bit_count() == 1 and 128 <= first <= 32768
    return first.bit_length() - 7 if full else 0


def _list_told(stream: Stream) -> Ints:
    """List the tokens, and for each stored block its size, negated."""
    parts, at = [np.zeros(0, np.int32)], 0
    for block in stream.blocks:
        if block[KIND] != STORED:
            parts.append(stream.tokens[at : at + block[TOKENS]])
            at += int(block[TOKENS])
        elif block[SIZE]:
            parts.append(np.array([-block[SIZE]], np.int32))
    return np.concatenate(parts)


def _compare(stream: Stream, setting: Setting, notes: Longs, tokens: Ints, stored: Longs) -> Corrections:
    """Compare the stream's blocks with what the encoder makes of its tokens."""
    counts = stream.blocks[:, TOKENS].copy()
    regions = (stream.blocks[:, KIND] == STORED) & (stream.blocks[:, SIZE] > 0)
    counts[regions] = stored[: int(regions.sum())]
    usual = _split(tokens.size, setting)
    blocks, headers = new_blocks(len(counts))
    plan_blocks(stream.content, tokens, counts, headers, blocks)
    kinds, tables = {}, {}
    for at, (real, planned) in enumerate(zip(stream.blocks, blocks, strict=True)):
        if real[KIND] != planned[KIND] or real[PAD]:
            kinds[at] = int(real[KIND]) | int(real[PAD]) << 2
        if real[KIND] == DYNAMIC:
            table = _cut(stream.headers, int(real[HEADER]))
            if planned[KIND] != DYNAMIC or table.tolist() != _cut(headers, int(planned[HEADER])).tolist():
                tables[at] = table
    same = len(usual) == len(counts) and bool((usual == counts).all())
    return Corrections(notes, None if same else counts, kinds, tables, stream.tail)


def _split(count: int, setting: Setting) -> Longs:
    """Split tokens into blocks as zlib does where it is not told to flush."""
    whole, rest = divmod(max(count, 0), setting.block)
    return np.array([setting.block] * whole + [rest], np.int64)


def _cut(headers: Ints, at: int) -> Ints:
    return headers[at : at + H_STEPS + int(headers[at + H_COUNT])]


def _apply(told: Corrections, blocks: Longs, headers: Ints) -> Ints:
    """Put the kinds and tables that differ in their places."""
    for at, kind in told.kinds.items():
        blocks[at, KIND], blocks[at, PAD] = kind & 3, kind >> 2
    parts, end = [headers], headers.size
    for at, table in told.tables.items():
        blocks[at, HEADER] = end
        parts.append(table)
        end += table.size
    return np.concatenate(parts)


def _damaged(problem: str) -> PayloadDamaged:
    return PayloadDamaged(f"a deflate stream {problem}; restore compressed.bin from a copy")
