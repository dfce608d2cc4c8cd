"""The pixels' stream: a byte that names a coder, and what that coder wrote.

To add a coder, give it a number, two functions, and its levels in `_attempts`; numbers are never used again.
"""

from collections.abc import Iterator

from panini_daemon.compressors.errors import PayloadDamaged
from panini_daemon.compressors.images import byte_coder, library_coders
from panini_daemon.compressors.images.layout import Layout
from panini_daemon.compressors.images.mixers import (
    MIXERS,
    choose_drawing,
    choose_mixers,
    decode_mixed,
    encode_mixed,
    suits_picture,
)
from panini_daemon.compressors.parameters import check_size
from panini_daemon.compressors.protocol import Level

STORED, JXL, WEBP, BYTES = 0, 1, 2, 3
_ALIKE = 32
"""Where rows become so many times smaller, the coder for drawings learns faster, and those of bytes find more."""
_EFFORTS = {Level.FAST: (1,), Level.BALANCED: (5,), Level.BEST: (7,), Level.MAX: (7, 9)}


def encode_pixels(rows: bytes, layout: Layout, level: Level) -> bytes:
    """Encode rows of `layout.size` bytes; return the smallest stream of the coders that the level tries.

    Raises ValueError where the rows are not as long as the layout says.
    """
    if len(rows) != layout.size:
        raise ValueError(f"there are {len(rows)} bytes of rows; the layout asks for {layout.size}")
    best = bytes([STORED]) + rows
    for coder, stream in _attempts(rows, layout, level):
        whole = bytes([coder]) + (stream or b"")
        if stream is not None and len(whole) < len(best) and _is_exact(whole, rows, layout):
            best = whole
    return best


def decode_pixels(stream: bytes, layout: Layout) -> bytes:
    """Decode to `layout.size` bytes of rows, in memory bounded by that. Raises PayloadDamaged."""
    coder, body = stream[0] if stream else -1, stream[1:]
    if coder == STORED:
        return check_size(body, layout.size)
    if coder == JXL:
        return library_coders.decode_jxl(body, layout)
    if coder == WEBP:
        return library_coders.decode_webp(body, layout)
    if coder == BYTES:
        return byte_coder.decode_bytes(body, layout)
    if coder in MIXERS:
        return decode_mixed(body, layout, coder)
    raise PayloadDamaged(f"the pixels' stream names coder {coder}; restore compressed.bin or update panini-daemon")


def _attempts(rows: bytes, layout: Layout, level: Level) -> Iterator[tuple[int, bytes | None]]:
    if level is Level.BEST and suits_picture(layout):  # by whom libraries' coders are beaten, but where all is alike
        smallest, mixers = len(rows), choose_mixers(rows, layout, level)
        for coder in mixers:
            stream = encode_mixed(rows, layout, coder)
            smallest = min(smallest, len(stream or rows))
            yield coder, stream
        if _ALIKE * smallest < len(rows):
            if (coder := choose_drawing(rows, layout)) not in mixers:
                yield coder, encode_mixed(rows, layout, coder)
            yield BYTES, byte_coder.encode_bytes(rows, layout, level)
        return
    if library_coders.suits_jxl(layout):
        for effort in _EFFORTS[level]:
            yield JXL, library_coders.encode_jxl(rows, layout, effort)
    yield BYTES, byte_coder.encode_bytes(rows, layout, level)
    if level in (Level.FAST, Level.BALANCED):
        return
    if library_coders.suits_webp(layout):
        yield WEBP, library_coders.encode_webp(rows, layout, 6)
    for coder in choose_mixers(rows, layout, level):
        yield coder, encode_mixed(rows, layout, coder)


def _is_exact(stream: bytes, rows: bytes, layout: Layout) -> bool:
    """Decode what a library wrote: colours under full transparency, and its errors, would show."""
    if stream[0] not in (JXL, WEBP):  # `encode_bytes` has seen to it itself
        return True
    try:
        return decode_pixels(stream, layout) == rows
    except PayloadDamaged:
        return False
