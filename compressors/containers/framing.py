"""What stands around the data of a PNG file: signature, header, chunks (PNG specification, 5)."""

import zlib
from collections.abc import Sequence

from panini_daemon.compressors.containers.nodes import Picture

SIGNATURE = b"\x89PNG\r\n\x1a\n"
KNOWN_CHUNKS = (
    *(b"sBIT" + bits for bits in (b"\x08", b"\x08\x08", b"\x08\x08\x08", b"\x08\x08\x08\x08")),
    *(b"sRGB" + intent for intent in (b"\0", b"\1", b"\2", b"\3")),
    *(b"gAMA" + gamma for gamma in (b"\x00\x00\xb1\x8f", b"\x00\x00\xb1\x8e")),
    *(b"bKGD" + colour for colour in (b"\0", b"\0\0", b"\0\xff", b"\0\0\0\0\0\0", b"\0\xff\0\xff\0\xff")),
    *(
        b"pHYs" + size.to_bytes(4, "big") * 2 + b"\1"
        for size in (2834, 2835, 3543, 3779, 3780, 3937, 5669, 5905, 5906, 7874, 11811)
    ),
    bytes.fromhex("6348524d00007a26000080840000fa00000080e8000075300000ea6000003a980000 1770"),
    *(
        b"tEXtSoftware\0" + name
        for name in (
            *(b"www.inkscape.org", b"Adobe ImageReady", b"gnome-screenshot", b"Matplotlib", b"Adobe Fireworks CS6"),
            *(b"GIMP", b"Shutter", b"ImageMagick", b"R", b"Skitch", b"Greenshot", b"Paint.NET v3.5.5", b"gnuplot"),
        )
    ),
    b"tEXtComment\0Created with GIMP",
    b"iTXtComment\0\0\0\0\0Created with GIMP",
)
"""Chunks that many files have, name and data; in this order, part of the format. Some may be added at the end."""


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
