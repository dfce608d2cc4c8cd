"""What is left of a file beside its samples or pixels (header, chunks, trailer): small, kept as raw deflate."""

import zlib

from panini_daemon.compressors.errors import PayloadDamaged
from panini_daemon.compressors.parameters import check_size


def deflate_rest(rest: bytes) -> bytes:
    """Deflate the bytes, without a wrapper (RFC 1951)."""
    return zlib.compress(rest, 9, -15)


def inflate_rest(packed: bytes, size: int) -> bytes:
    """Inflate to `size` bytes. Raises PayloadDamaged."""
    try:
        rest = zlib.decompressobj(-15).decompress(packed, size + 1)
    except zlib.error as error:
        raise PayloadDamaged(
            f"the bytes beside the samples are damaged ({error}); restore compressed.bin from a copy"
        ) from error
    return check_size(rest, size)
