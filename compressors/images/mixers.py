"""The two coders that mix contexts, and which of them a picture is for. Kernels are compiled when first needed."""

from panini_daemon.compressors.images.layout import Layout
from panini_daemon.compressors.protocol import Level

DRAWING, PHOTO = 4, 5
_SAMPLE = 1 << 16
_SMALL = 1 << 17
"""Samples up to which both coders are tried."""


def suits_photo(layout: Layout) -> bool:
    """Tell whether the coder for photographs takes such samples."""
    return layout.bits == 8


def encode_mixed(rows: bytes, layout: Layout, coder: int) -> bytes | None:
    """Encode the rows; None where that would take more bytes than they have."""
    if coder == PHOTO:
        from panini_daemon.compressors.images.photo_coder import encode_photo  # noqa: PLC0415

        return encode_photo(rows, layout)
    from panini_daemon.compressors.images.graphics_coder import encode_graphics  # noqa: PLC0415

    return encode_graphics(rows, layout)


def decode_mixed(stream: bytes, layout: Layout, coder: int) -> bytes:
    """Decode the rows. Raises PayloadDamaged."""
    if coder == PHOTO:
        from panini_daemon.compressors.images.photo_coder import decode_photo  # noqa: PLC0415

        return decode_photo(stream, layout)
    from panini_daemon.compressors.images.graphics_coder import decode_graphics  # noqa: PLC0415

    return decode_graphics(stream, layout)


def choose_mixers(rows: bytes, layout: Layout, level: Level) -> tuple[int, ...]:
    """Choose who is to code a picture; between the two by the rows in its middle, where it is large."""
    if not suits_photo(layout):
        return (DRAWING,)
    if level is Level.MAX or layout.size <= _SMALL:
        return (DRAWING, PHOTO)
    height = max(1, _SAMPLE // layout.row)
    if height >= layout.height:
        return (DRAWING, PHOTO)
    start = (layout.height - height) // 2 * layout.row
    piece, part = rows[start : start + height * layout.row], Layout(layout.width, height, layout.channels)
    sizes = {coder: len(encode_mixed(piece, part, coder) or piece) for coder in (DRAWING, PHOTO)}
    return (min(sizes, key=lambda coder: sizes[coder]),)
