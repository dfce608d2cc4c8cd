"""The coders that mix contexts, and which of them a picture is for. Kernels are compiled when first needed."""

from panini_daemon.compressors.images.layout import Layout
from panini_daemon.compressors.protocol import Level

DRAWING, PICTURE = 6, 7
EVERY_DRAWING, EVERY_PICTURE = 4, 5
"""The same coders before they passed over pixels in flat surroundings: only read."""
MIXERS = (EVERY_DRAWING, EVERY_PICTURE, DRAWING, PICTURE)
_SMALL = 1 << 13
"""Samples up to which drawings' coder, which learns faster, is tried for pictures of 8 bits, too."""


def suits_picture(layout: Layout) -> bool:
    """Tell whether the coder for pictures takes such samples."""
    return layout.bits == 8


def encode_mixed(rows: bytes, layout: Layout, coder: int) -> bytes | None:
    """Encode the rows by DRAWING or PICTURE; None where that would take more bytes than they have."""
    if coder == PICTURE:
        from panini_daemon.compressors.images.picture_coder import encode_picture  # noqa: PLC0415

        return encode_picture(rows, layout)
    from panini_daemon.compressors.images.graphics_coder import encode_graphics  # noqa: PLC0415

    return encode_graphics(rows, layout)


def decode_mixed(stream: bytes, layout: Layout, coder: int) -> bytes:
    """Decode the rows by one of MIXERS. Raises PayloadDamaged."""
    skips = coder in (DRAWING, PICTURE)
    if coder in (PICTURE, EVERY_PICTURE):
        from panini_daemon.compressors.images.picture_coder import decode_picture  # noqa: PLC0415

        return decode_picture(stream, layout, skips=skips)
    from panini_daemon.compressors.images.graphics_coder import decode_graphics  # noqa: PLC0415

    return decode_graphics(stream, layout, skips=skips)


def choose_mixers(layout: Layout, level: Level) -> tuple[int, ...]:
    """Choose who is to code a picture."""
    if not suits_picture(layout):
        return (DRAWING,)
    return (DRAWING, PICTURE) if level is Level.MAX or layout.size <= _SMALL else (PICTURE,)
