"""What stands before and behind a deflate stream, as its wrapper has it."""

import zlib

from panini_daemon.compressors.containers.nodes import Wrapper

HEADERS = {
    Wrapper.ZLIB_7801: b"\x78\x01",
    Wrapper.ZLIB_785E: b"\x78\x5e",
    Wrapper.ZLIB_789C: b"\x78\x9c",
    Wrapper.ZLIB_78DA: b"\x78\xda",
}


def make_trailer(wrapper: Wrapper, content: bytes) -> bytes:
    """Make what stands behind a stream of this content."""
    if wrapper is Wrapper.ZLIB or wrapper in HEADERS:
        return zlib.adler32(content).to_bytes(4, "big")
    if wrapper is Wrapper.GZIP:
        return zlib.crc32(content).to_bytes(4, "little") + (len(content) & 0xFFFFFFFF).to_bytes(4, "little")
    return b""
