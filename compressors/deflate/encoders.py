"""Which encoder wrote a stream: the parameters of zlib under which most of its tokens are foretold."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from panini_daemon.compressors.deflate.matching import (
    DEFAULT,
    FAR,
    FILTERED,
    FIXED_ONLY,
    HUFFMAN,
    RLE,
    TOO_FAR,
    advance,
    foretell,
    make_chains,
    make_settings,
)
from panini_daemon.compressors.deflate.parsing import Stream
from panini_daemon.compressors.deflate.tables import (
    DYNAMIC,
    KIND,
    LAST,
    LONG,
    MIN_MATCH,
    SIZE,
    STORED,
    TOKENS,
    Bytes,
    Ints,
    Longs,
)
from panini_daemon.compressors.errors import PayloadDamaged
from panini_daemon.compressors.kernels import kernel
from panini_daemon.compressors.protocol import Level

_FORMAT = 1
_USUAL_MEMORY = 8
_SAMPLE, _KEPT = 6_000, 4
"""Tokens that all parameters are tried on, and how many of them are tried on more."""


@dataclass(frozen=True, slots=True)
class Encoder:
    """zlib with a level (1 to 9), a window of 2**window_bits bytes (9 to 15), a memory level (1 to 9), a strategy."""

    level: int
    window_bits: int
    memory: int
    strategy: int

    def to_bytes(self) -> bytes:
        """Return it as `read_encoder` reads it."""
        return bytes((_FORMAT, self.level << 4 | self.memory, self.window_bits << 4 | self.strategy))

    def settings(self) -> Longs:
        """Return what the kernels go by."""
        return make_settings(self.level, self.window_bits, self.memory, self.strategy)


def read_encoder(data: bytes) -> Encoder:
    """Read an encoder. Raises PayloadDamaged."""
    if len(data) == 3 and data[0] == _FORMAT:
        found = Encoder(data[1] >> 4, data[2] >> 4, data[1] & 15, data[2] & 15)
        if 1 <= found.level <= 9 and 9 <= found.window_bits <= 15 and 1 <= found.memory <= 9 and found.strategy <= FAR:
            return found
    raise PayloadDamaged(
        f"a deflate stream's encoder is {data[:8].hex()}; expected three bytes, the first {_FORMAT:02x}"
    )


def find_encoder(stream: Stream, window_bits: int, effort: Level) -> Encoder:
    """Return the parameters that foretell a stream's tokens best.

    All are tried on its first tokens, the few best of them then on more.
    """
    memory = _guess_memory(stream)
    candidates = list(dict.fromkeys(_list_candidates(stream, max(window_bits, 9), memory, effort)))
    first, tokens = _count_first(stream), stream.tokens
    for sample, kept in ((_SAMPLE, _KEPT), (20 * _SAMPLE, 1)):
        misses: list[tuple[int, int]] = []
        most = tokens.size + 1
        for rank, candidate in enumerate(candidates):
            settings = candidate.settings()
            heads, chains, state = make_chains(settings)
            found = count_misses(stream.content, tokens[:sample], first, settings, state, heads, chains, most)
            misses.append((found, rank))
            most = min(most, 2 * found + 8)
            if not found and sample >= tokens.size:
                return candidate
        candidates = [candidates[rank] for _, rank in sorted(misses)[:kept]]
        if sample >= tokens.size:
            break
    return candidates[0]


def _list_candidates(stream: Stream, window_bits: int, memory: int, effort: Level) -> Iterator[Encoder]:
    """Yield what may have written a stream, the most usual first."""
    distances = stream.tokens[stream.tokens > 0] & 65535
    if not distances.size:
        yield Encoder(6, window_bits, memory, HUFFMAN)
        yield Encoder(6, window_bits, memory, DEFAULT)
        return
    if int(distances.max()) == 1:
        yield Encoder(6, window_bits, memory, RLE)
    fixed = stream.blocks.shape[0] > 1 and not np.any(stream.blocks[:, KIND] == DYNAMIC)
    far = np.any((stream.tokens >> 16 == MIN_MATCH) & ((stream.tokens & 65535) > TOO_FAR))
    levels = (6, 9, 1, 7, 5, 8, 4, 3, 2) if effort is not Level.FAST else (6, 9, 1)
    memories = (memory,) if memory != _USUAL_MEMORY else (8, 9)
    for level in levels:
        for each in memories:
            yield Encoder(level, window_bits, each, FIXED_ONLY if fixed else DEFAULT)
            if level > 3:
                yield Encoder(level, window_bits, each, FILTERED)
                if far:
                    yield Encoder(level, window_bits, each, FAR)


def _guess_memory(stream: Stream) -> int:
    """Guess zlib's memory level by how many tokens its blocks have."""
    blocks = stream.blocks
    whole = blocks[(blocks[:, LAST] == 0) & (blocks[:, KIND] != STORED), TOKENS]
    for memory in range(9, 0, -1):
        if whole.size and int(whole[0]) == (1 << (memory + 6)) - 1:
            return memory
    return _USUAL_MEMORY


def _count_first(stream: Stream) -> int:
    """Return how many bytes of content stored blocks at the beginning have: no tokens tell of them."""
    skipped = 0
    for row in stream.blocks:
        if int(row[KIND]) != STORED:
            break
        skipped += int(row[SIZE])
    return skipped


@kernel
def count_misses(
    content: Bytes, tokens: Ints, start: int, settings: Longs, state: Longs, heads: Ints, chains: Ints, most: int
) -> int:
    """Count the tokens that are not as foretold, from position `start` on, up to `most` of them."""
    at, misses = start, 0
    if start:
        advance(content, 0, start, settings, state, heads, chains)
    for place in range(tokens.size):
        if at >= content.size:
            break
        actual = int(tokens[place]) & ~LONG
        if foretell(content, at, settings, state, heads, chains) != actual:
            misses += 1
            if misses >= most:
                break
        length = max(actual >> 16, 1)
        advance(content, at, length, settings, state, heads, chains)
        at += length
    return misses
