"""The pixels' stream: a byte that names a coder, and what that coder wrote.

To add a coder, give it a number, two functions, and its levels in `_attempts`; numbers are never used again.
"""

from collections.abc import Iterator

from panini_daemon.compressors.errors import PayloadDamaged
from panini_daemon.compressors.images import byte_coder, library_coders
from panini_daemon.compressors.images.layout import Layout
from panini_daemon.compressors.parameters import check_size
from panini_daemon.compressors.protocol import Level

STORED, JXL, WEBP, BYTES = 0, 1, 2, 3
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
    raise PayloadDamaged(f"the pixels' stream names coder {coder}; restore compressed.bin or update panini-daemon")


def _attempts(rows: bytes, layout: Layout, level: Level) -> Iterator[tuple[int, bytes | None]]:
    if library_coders.suits_jxl(layout):
        for effort in _EFFORTS[level]:
            yield JXL, library_coders.encode_jxl(rows, layout, effort)
    if level in (Level.BEST, Level.MAX) and library_coders.suits_webp(layout):
        yield WEBP, library_coders.encode_webp(rows, layout, 6)
    yield BYTES, byte_coder.encode_bytes(rows, layout, level)


def _is_exact(stream: bytes, rows: bytes, layout: Layout) -> bool:
    """Decode what was written: colours under full transparency, and libraries' errors, would show."""
    try:
        return decode_pixels(stream, layout) == rows
    except PayloadDamaged:
        return False
