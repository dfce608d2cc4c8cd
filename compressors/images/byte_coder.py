"""Rows through a coder of bytes: zstd, xz or PPMd, on the rows as they are or on differences.

A stream's first byte is 16 * filter (0 none, 1 differences) + coder (0 zstd, 1 xz, 2 PPMd). Then follows, for zstd
and xz, a stream as `generic_zstd_v1` and `generic_xz_v1` (lc 3, lp 0, pb 2, no filter) have it; for PPMd a byte, its
order, and a stream as `generic_ppmd_v1` has it. Windows and memory are what those methods take for the rows' size.
"""

from collections.abc import Iterator

from panini_daemon.compressors import ppmd
from panini_daemon.compressors.device import Device
from panini_daemon.compressors.errors import PayloadDamaged
from panini_daemon.compressors.generic_xz import GenericXz
from panini_daemon.compressors.generic_zstd import GenericZstd
from panini_daemon.compressors.images.layout import Layout
from panini_daemon.compressors.parameters import window_log
from panini_daemon.compressors.protocol import Context, Json, Level

_ZSTD, _XZ, _PPMD = 0, 1, 2
_ORDERS = {Level.FAST: (), Level.BALANCED: (5,), Level.BEST: (3, 8), Level.MAX: (2, 3, 5, 8, 16)}


def encode_bytes(rows: bytes, layout: Layout, level: Level) -> bytes | None:
    """Encode every way the level allows and return the smallest that decodes exactly."""
    from panini_daemon.compressors.images.residuals import take_differences  # noqa: PLC0415  compiles kernels

    streams: list[bytes] = []
    for number, content in enumerate((rows, take_differences(rows, layout))):
        streams += [bytes([16 * number + coder]) + stream for coder, stream in _encode(content, level)]
    for stream in sorted(streams, key=len):
        try:
            if decode_bytes(stream, layout) == rows:
                return stream
        except PayloadDamaged:  # what PPMd's library writes is not always what it reads
            continue
    return None


def decode_bytes(stream: bytes, layout: Layout) -> bytes:
    """Decode the rows. Raises PayloadDamaged."""
    filtered, coder = divmod(stream[0] if stream else 255, 16)
    if filtered > 1 or coder > _PPMD:
        raise PayloadDamaged(f"the rows begin with {stream[:1].hex()}; expected a filter and a coder of this program")
    content = _decode(stream[1:], coder, layout.size)
    if not filtered:
        return content
    from panini_daemon.compressors.images.residuals import undo_differences  # noqa: PLC0415

    return undo_differences(content, layout)


def _encode(content: bytes, level: Level) -> Iterator[tuple[int, bytes]]:
    yield _ZSTD, GenericZstd().compress(content, Context(level)).payload
    if level is not Level.FAST:
        yield _XZ, GenericXz().compress(content, Context(Level.BALANCED)).payload
    for order in _ORDERS[level]:
        yield _PPMD, bytes([order]) + ppmd.encode(content, order, ppmd.memory_log(len(content)))


def _decode(stream: bytes, coder: int, size: int) -> bytes:
    if coder == _PPMD:
        order = stream[0] if stream else 0
        if not ppmd.MIN_ORDER <= order <= ppmd.MAX_ORDER:
            raise PayloadDamaged(f"the rows have a PPMd model of order {order}; restore compressed.bin from a copy")
        return ppmd.decode(stream[1:], order, ppmd.memory_log(size), size)
    if coder == _XZ:
        told: dict[str, Json] = {"dict_log": window_log(size, 12, 26), "lc": 3, "lp": 0, "pb": 2}
        return GenericXz().decompress(stream, told, size, Device())
    return GenericZstd().decompress(stream, {"window_log": window_log(size, 10, 27)}, size, Device())
