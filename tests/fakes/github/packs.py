"""Pack files with their indexes, written in one go: what makes a commit of ten thousand files cheap."""

import hashlib
import struct
import zlib
from collections.abc import Iterable
from pathlib import Path

NUMBERS = {"commit": 1, "tree": 2, "blob": 3, "tag": 4}
STORED = 1 << 20
"""From this many bytes on, an object is stored rather than deflated: tests wait for it."""


def deflate(data: bytes) -> bytes:
    """Return `data` as a zlib stream, made quickly."""
    return zlib.compress(data, 0 if len(data) >= STORED else 1)


def write_pack(folder: Path, objects: Iterable[tuple[str, str, bytes]]) -> Path:
    """Write (sha, kind, data) triples as one pack and its version 2 index into `folder`.

    The shas must be the objects' own and differ from each other. Follows git's pack-format document.
    """
    entries: list[tuple[bytes, int, int]] = []
    pieces = [b""]
    offset = 12
    for sha, kind, data in objects:
        piece = _header(NUMBERS[kind], len(data)) + deflate(data)
        entries.append((bytes.fromhex(sha), zlib.crc32(piece), offset))
        pieces.append(piece)
        offset += len(piece)
    pieces[0] = struct.pack(">4sII", b"PACK", 2, len(entries))
    pack = b"".join(pieces)
    trailer = hashlib.sha1(pack).digest()
    path = folder / f"pack-{trailer.hex()}.pack"
    path.write_bytes(pack + trailer)
    temporary = path.with_suffix(".tmp")
    temporary.write_bytes(_index(sorted(entries), trailer))
    temporary.replace(path.with_suffix(".idx"))
    return path


def _header(number: int, size: int) -> bytes:
    byte = number << 4 | size & 15
    size >>= 4
    out = bytearray()
    while size:
        out.append(byte | 128)
        byte = size & 127
        size >>= 7
    out.append(byte)
    return bytes(out)


def _index(entries: list[tuple[bytes, int, int]], trailer: bytes) -> bytes:
    counts = [0] * 256
    for name, _, _ in entries:
        counts[name[0]] += 1
    total, fanout = 0, []
    for count in counts:
        total += count
        fanout.append(total)
    index = b"".join(
        (
            b"\xfftOc\0\0\0\2",
            struct.pack(">256I", *fanout),
            b"".join(name for name, _, _ in entries),
            struct.pack(f">{total}I", *(crc for _, crc, _ in entries)),
            struct.pack(f">{total}I", *(offset for _, _, offset in entries)),
            trailer,
        )
    )
    return index + hashlib.sha1(index).digest()
