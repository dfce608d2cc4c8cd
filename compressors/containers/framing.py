"""What stands around the data of a PNG file: signature, header, chunks (PNG specification, 5)."""

import zlib
from collections.abc import Sequence

from panini_daemon.compressors.containers.nodes import Picture

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def make_chunk(name: bytes, data: bytes) -> bytes:
    """Make a chunk: length, name, data, CRC."""
    return len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")


def make_header(picture: Picture, *, interlaced: bool) -> bytes:
    """Make a file's signature and its IHDR chunk."""
    side = picture.width.to_bytes(4, "big") + picture.height.to_bytes(4, "big")
    return SIGNATURE + make_chunk(b"IHDR", side + bytes([picture.bits, picture.colour, 0, 0, interlaced]))


def split_sizes(length: int, size: int) -> Sequence[int]:
    """List the chunks' sizes: all of `size`, the last of what is left; one of `length` bytes where `size` is 0."""
    if not size:
        return [length]
    whole, left = divmod(length, size)
    return [size] * whole + [left] * bool(left)


def count_chunks(length: int, size: int) -> int:
    """Count the chunks that `split_sizes` lists."""
    return -(-length // size) if size else 1
