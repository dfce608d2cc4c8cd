"""Rows of a picture as coded pixels, where that is smaller than compressing them as bytes."""

from collections.abc import Sequence
from dataclasses import replace

from panini_daemon.compressors.containers.nodes import Literal, Node, Picture, Rows, Source
from panini_daemon.compressors.containers.weighing import weigh_bytes
from panini_daemon.compressors.protocol import Level

_FEWEST = 64
"""Bytes: fewer are not worth a coder's own beginnings."""
_MOST_TRIED = 1 << 24


def take_rows(content: bytes, picture: Picture, source: Source, level: Level) -> Sequence[Node] | None:
    """Code the filtered rows that `content` begins with.

    None where they are not all there, or are smaller as bytes.
    """
    from panini_daemon.compressors.containers.adam7 import gather, list_passes  # noqa: PLC0415  large
    from panini_daemon.compressors.containers.row_filters import take_filters  # noqa: PLC0415

    passes = [one.picture for one in list_passes(picture)] if source is Source.INTERLACED else [picture]
    size = sum((one.stride + 1) * one.height for one in passes)
    if not _FEWEST <= size <= len(content):
        return None
    if source is Source.INTERLACED:
        gathered = gather(content[:size], picture)
    else:
        taken = take_filters(content[:size], picture)
        gathered = taken and ((taken[0],), taken[1])
    return gathered and _code(content, size, Rows(picture, source, gathered[0], b""), gathered[1], level)


def take_plain_rows(content: bytes, picture: Picture, level: Level) -> Sequence[Node] | None:
    """Code rows that have no filters; None as in `take_rows`."""
    from panini_daemon.compressors.containers.row_filters import PLAIN  # noqa: PLC0415

    size = picture.stride * picture.height
    if not _FEWEST <= size <= len(content):
        return None
    return _code(content, size, Rows(picture, Source.STEP, (bytes([PLAIN]),), b""), content[:size], level)


def _code(content: bytes, size: int, rows: Rows, pixels: bytes, level: Level) -> Sequence[Node] | None:
    from panini_daemon.compressors.containers.pictures import encode_picture  # noqa: PLC0415

    stream = encode_picture(pixels, rows.picture, level)
    cost = len(stream) + sum(map(len, rows.filters))
    if size <= _MOST_TRIED and weigh_bytes(content[:size]) < cost:
        return None
    rest = [Literal(content[size:], "binary")] if content[size:] else []
    return [replace(rows, stream=stream), *rest]
