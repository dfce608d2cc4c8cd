"""The coders that mix contexts, and which of them a picture is for. Kernels are compiled when first needed."""

from collections.abc import Callable

from panini_daemon.compressors.images.layout import Layout
from panini_daemon.compressors.protocol import Level

Encode = Callable[[bytes, Layout], bytes | None]
Decode = Callable[[bytes, Layout], bytes]
DRAWING, PICTURE = 4, 5
_SMALL = 1 << 13
"""Samples up to which drawings' coder, which learns faster, is tried for pictures of 8 bits, too."""


def suits_picture(layout: Layout) -> bool:
    """Tell whether the coder for pictures takes such samples."""
    return layout.bits == 8


def encode_mixed(rows: bytes, layout: Layout, coder: int) -> bytes | None:
    """Encode the rows; None where that would take more bytes than they have."""
    return _load(coder)[0](rows, layout)


def decode_mixed(stream: bytes, layout: Layout, coder: int) -> bytes:
    """Decode the rows. Raises PayloadDamaged."""
    return _load(coder)[1](stream, layout)


def choose_mixers(layout: Layout, level: Level) -> tuple[int, ...]:
    """Choose who is to code a picture."""
    if not suits_picture(layout):
        return (DRAWING,)
    return (DRAWING, PICTURE) if level is Level.MAX or layout.size <= _SMALL else (PICTURE,)


def _load(coder: int) -> tuple[Encode, Decode]:
    if coder == PICTURE:
        from panini_daemon.compressors.images.picture_coder import decode_picture, encode_picture  # noqa: PLC0415

        return encode_picture, decode_picture
    from panini_daemon.compressors.images.graphics_coder import decode_graphics, encode_graphics  # noqa: PLC0415

    return encode_graphics, decode_graphics
