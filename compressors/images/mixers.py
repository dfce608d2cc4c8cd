"""The coders that mix contexts, and which of them a picture is for. Kernels are compiled when first needed."""

from panini_daemon.compressors.images.layout import Layout
from panini_daemon.compressors.protocol import Level

DRAWING, PICTURE = 6, 7
EVERY_DRAWING, EVERY_PICTURE = 4, 5
"""The same coders, but for no decision on whole pixels in flat surroundings: every sample is mixed."""
MIXERS = (EVERY_DRAWING, EVERY_PICTURE, DRAWING, PICTURE)
_SMALL = 1 << 13
"""Samples up to which all are tried: drawings' coders learn faster, and one bit can cost more than it spares."""


def suits_picture(layout: Layout) -> bool:
    """Tell whether the coder for pictures takes such samples."""
    return layout.bits == 8


def encode_mixed(rows: bytes, layout: Layout, coder: int) -> bytes | None:
    """Encode the rows by one of MIXERS; None where that would take more bytes than they have."""
    skips = coder in (DRAWING, PICTURE)
    if coder in (PICTURE, EVERY_PICTURE):
        from panini_daemon.compressors.images.picture_coder import encode_picture  # noqa: PLC0415

        return encode_picture(rows, layout, skips=skips)
    from panini_daemon.compressors.images.graphics_coder import encode_graphics  # noqa: PLC0415

    return encode_graphics(rows, layout, skips=skips)


def decode_mixed(stream: bytes, layout: Layout, coder: int) -> bytes:
    """Decode the rows by one of MIXERS. Raises PayloadDamaged."""
    skips = coder in (DRAWING, PICTURE)
    if coder in (PICTURE, EVERY_PICTURE):
        from panini_daemon.compressors.images.picture_coder import decode_picture  # noqa: PLC0415

        return decode_picture(stream, layout, skips=skips)
    from panini_daemon.compressors.images.graphics_coder import decode_graphics  # noqa: PLC0415

    return decode_graphics(stream, layout, skips=skips)


def choose_mixers(rows: bytes, layout: Layout, level: Level) -> tuple[int, ...]:
    """Choose who is to code a picture."""
    if layout.size <= _SMALL:
        return MIXERS if suits_picture(layout) else (EVERY_DRAWING, DRAWING)
    drawing, picture = (DRAWING, PICTURE) if _is_flat(rows, layout) else (EVERY_DRAWING, EVERY_PICTURE)
    if not suits_picture(layout):
        return (drawing,)
    return (drawing, picture) if level is Level.MAX else (picture,)


def choose_drawing(rows: bytes, layout: Layout) -> int:
    """Choose the coder for drawings that a picture suits."""
    return DRAWING if _is_flat(rows, layout) else EVERY_DRAWING


def _is_flat(rows: bytes, layout: Layout) -> bool:
    from panini_daemon.compressors.images.flats import foretells_pixels  # noqa: PLC0415

    return foretells_pixels(rows, layout)
