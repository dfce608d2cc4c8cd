"""Small bytes beside the pixels: a head of numbers and a file's other bytes, packed together."""

import lzma
import zlib

from panini_daemon.compressors.errors import PayloadDamaged
from panini_daemon.compressors.numbers import Cursor, number

_STORED, _DEFLATED, _LZMA = 0, 1, 2
_CHAIN = [{"id": lzma.FILTER_LZMA1, "preset": 9, "dict_size": 1 << 20}]


def pack(content: bytes) -> bytes:
    """Pack the content behind its length and a byte for the way it is packed, the shortest of three."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    ways = (
        content,
        deflate.compress(content) + deflate.flush(),
        lzma.compress(content, lzma.FORMAT_RAW, filters=_CHAIN),
    )
    way = min(range(3), key=lambda one: len(ways[one]))
    return number(len(content)) + bytes([way]) + number(len(ways[way])) + ways[way]


def unpack(cursor: Cursor, most: int) -> bytes:
    """Read what `pack` wrote, of at most `most` bytes. Raises PayloadDamaged."""
    size, way = cursor.number(most), cursor.take(1)[0]
    packed = cursor.take(cursor.number(len(cursor.data)))
    try:
        if way == _STORED:
            content = packed
        elif way == _DEFLATED:
            content = zlib.decompressobj(-15).decompress(packed, size + 1)
        elif way == _LZMA:
            content = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=_CHAIN).decompress(packed, size + 1)
        else:
            raise PayloadDamaged(f"an image file's other bytes are packed in way {way}; expected 0, 1 or 2")
    except (zlib.error, lzma.LZMAError, EOFError) as error:
        raise PayloadDamaged(f"an image file's other bytes are damaged ({error}); restore compressed.bin") from error
    if len(content) != size:
        raise PayloadDamaged(f"an image file's other bytes are {len(content)}; expected {size}; restore compressed.bin")
    return content
