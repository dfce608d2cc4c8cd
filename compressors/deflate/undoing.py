"""A raw deflate stream as its content and what it takes to deflate that to the same bytes again."""

from dataclasses import dataclass

import numpy as np

from panini_daemon.compressors.contextmix.coding import finish_encoder, make_decoder, make_encoder
from panini_daemon.compressors.deflate.encoders import Encoder, find_encoder, read_encoder
from panini_daemon.compressors.deflate.matching import make_chains
from panini_daemon.compressors.deflate.parsing import Stream, parse_stream
from panini_daemon.compressors.deflate.tables import COLUMNS, Bytes
from panini_daemon.compressors.deflate.transcoding import GOOD, make_walk_chances, walk
from panini_daemon.compressors.errors import PayloadDamaged
from panini_daemon.compressors.protocol import Level

_WORTH = 2
"""Corrections may take one part in so many of the stream."""
_SPARE = 64


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
    encoder = find_encoder(stream, window_bits, effort)
    corrections = _correct(stream, encoder)
    if corrections is None:
        return None
    return Undone(stream.content.tobytes(), stream.size, encoder.to_bytes(), corrections)


def redo(content: bytes, encoder: bytes, corrections: bytes, *, limit: int) -> bytes:
    """Make the stream again, of at most `limit` bytes. Raises PayloadDamaged."""
    out, writer = np.empty(limit, np.uint8), np.zeros(3, np.int64)
    plain = np.frombuffer(content, np.uint8).copy()  # kernels are compiled for arrays that can be written
    data = np.frombuffer(corrections, np.uint8).copy()
    settings = read_encoder(encoder).settings()
    heads, chains, state = make_chains(settings)
    tokens, nothing = np.empty(plain.size + 1, np.int32), np.zeros(0, np.int32)
    try:
        made = walk(
            plain, settings, state, heads, chains, tokens, np.zeros((0, COLUMNS), np.int64), nothing, 0,
            make_decoder(data), data, make_walk_chances(), out, writer, False,
        )  # fmt: skip
    except IndexError as error:
        raise PayloadDamaged(f"the deflate stream would be larger than {limit} bytes") from error
    if made != GOOD:
        raise PayloadDamaged(f"the corrections of a deflate stream do not fit its content of {plain.size} bytes")
    return out[: int(writer[2])].tobytes()


def _correct(stream: Stream, encoder: Encoder) -> bytes | None:
    """Code how a stream differs from what an encoder would have made; None where that takes too much."""
    room: Bytes = np.empty(stream.size // _WORTH + _SPARE, np.uint8)
    settings, coder = encoder.settings(), make_encoder()
    heads, chains, state = make_chains(settings)
    try:
        walk(
            stream.content, settings, state, heads, chains, stream.tokens, stream.blocks, stream.headers, stream.tail,
            coder, room, make_walk_chances(), np.zeros(0, np.uint8), np.zeros(3, np.int64), True,
        )  # fmt: skip
        return room[: finish_encoder(coder, room)].tobytes()
    except IndexError:
        return None
