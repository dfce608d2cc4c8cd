"""Rows of a picture as coded pixels, where that is smaller than compressing them as bytes."""

import lzma
from collections.abc import Sequence

from panini_daemon.compressors.containers.nodes import Literal, Node, Picture, Rows
from panini_daemon.compressors.protocol import Level

_FEWEST = 64
"""Bytes: fewer are not worth a coder's own beginnings."""
_RAW = [{"id": lzma.FILTER_LZMA1, "preset": 6, "dict_size": 1 << 22}]
_MOST_TRIED = 1 << 24
_HEIGHT = 1 << 24


def take_rows(content: bytes, picture: Picture, level: Level, *, shown: bool, filtered: bool) -> Sequence[Node] | None:
    """Code the rows that `content` begins with; None where they are not all there, or bytes are what they are best as.

    `shown` and `filtered` as in `nodes.Rows`.
    """
    size = (picture.stride + filtered) * picture.height
    if not _FEWEST <= size <= len(content):
        return None
    from panini_daemon.compressors.containers.pictures import encode_picture  # noqa: PLC0415  large
    from panini_daemon.compressors.containers.row_filters import PLAIN, take_filters  # noqa: PLC0415

    told = take_filters(content[:size], picture) if filtered else (bytes([PLAIN]), content[:size])
    if told is None:
        return None
    stream = encode_picture(told[1], picture, level)
    cost = len(stream) + len(told[0])
    if size <= _MOST_TRIED and len(lzma.compress(content[:size], lzma.FORMAT_RAW, filters=_RAW)) < cost:
        return None
    rest = content[size:]
    return [Rows(picture, shown, told[0], stream), *([Literal(rest, "binary")] if rest else [])]
