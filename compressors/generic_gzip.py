"""generic_gzip_v1: a gzip file, as recipe 1.0 wrote it and as any gzip reads it.

The payload is always a gzip stream, even where that is larger than the data: readers of recipe 1.0 demand it
of a chunk that names this method. It is the one exception to the rule that a payload is never larger than its
chunk.
"""

import re
import zlib
from collections.abc import Mapping

from panini_daemon.compressors.device import Device
from panini_daemon.compressors.errors import PayloadDamaged
from panini_daemon.compressors.parameters import check_size
from panini_daemon.compressors.protocol import Compressor, Context, Encoded, Json, Level

_HEADER = bytes.fromhex("1f8b08000000000002ff")  # no name, no time, best compression, unknown system: RFC 1952
_LEVELS = {Level.FAST: 1, Level.BALANCED: 6, Level.BEST: 9, Level.MAX: 9}

_PIECE = 1 << 16
_NO_PADDING = re.compile(rb"[^\0]")


class GenericGzip(Compressor):
    """Deflate in a gzip wrapper with a fixed header, so that the same data gives the same file.

    It makes no offer: raw zstd, LZMA and Brotli streams are always at least as small.
    """

    method = "generic_gzip_v1"
    reconstruction = "gzip_decompress"
    family = "gzip"

    def compress(self, data: bytes, context: Context) -> Encoded:
        """Write one gzip member."""
        deflate = zlib.compressobj(_LEVELS[context.level], zlib.DEFLATED, -15)
        body = deflate.compress(data) + deflate.flush()
        trailer = zlib.crc32(data).to_bytes(4, "little") + (len(data) & 0xFFFFFFFF).to_bytes(4, "little")
        return Encoded(_HEADER + body + trailer)

    def decompress(self, payload: bytes, parameters: Mapping[str, Json], size: int, device: Device) -> bytes:
        """Read every gzip member. Raises PayloadDamaged.

        Recipe 1.0's extra parameters (encoding, shape, dtype, format) say nothing here.
        """
        del parameters, device
        return check_size(gunzip(payload, size), size)

    def memory(self, size: int, level: Level) -> int:
        """Count zlib's tables and the pieces of the output."""
        del level
        return size + (1 << 20)


def gunzip(payload: bytes, limit: int) -> bytes:
    """Decode a gzip file of one or more members to at most `limit` bytes. Raises PayloadDamaged."""
    pieces: list[bytes] = []
    total = at = 0
    while at < len(payload) or not pieces:
        member = zlib.decompressobj(31)
        members: list[bytes] = []
        while not member.eof and at < len(payload):
            # In pieces: what a member leaves over is copied, and there may be a member every twenty bytes.
            fed = payload[at : at + _PIECE]
            try:
                out = member.decompress(fed, limit - total + 1)
            except zlib.error as error:
                raise PayloadDamaged(
                    f"the gzip stream is damaged ({error}); restore compressed.bin from a copy"
                ) from error
            total += len(out)
            if total > limit:
                raise PayloadDamaged(f"the gzip stream holds more than the {limit} bytes expected")
            members.append(out)
            at += len(fed) - len(member.unused_data)
        if not member.eof:
            raise PayloadDamaged(f"the gzip stream ends early, after {total} bytes of {limit}")
        pieces += members
        at = _skip_padding(payload, at)
    return b"".join(pieces)


def _skip_padding(payload: bytes, at: int) -> int:
    """Return where something else than zeros comes: gzip allows them behind the last member."""
    found = _NO_PADDING.search(payload, at)
    return found.start() if found else len(payload)
