"""What stands behind a deflate stream and follows from its content."""

import zlib

from panini_daemon.compressors.containers.nodes import Wrapper


def make_trailer(wrapper: Wrapper, content: bytes) -> bytes:
    """Make what stands behind a stream of this content."""
    if wrapper is Wrapper.ZLIB:
        return zlib.adler32(content).to_bytes(4, "big")
    if wrapper is Wrapper.GZIP:
        return zlib.crc32(content).to_bytes(4, "little") + (len(content) & 0xFFFFFFFF).to_bytes(4, "little")
    return b""
