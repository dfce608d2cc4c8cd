"""Inflating what may be a deflate stream, within limits: the quick look before a stream is undone in earnest."""

import zlib
from dataclasses import dataclass

from panini_daemon.compressors.patience import Patience

_FIRST = 512
_PIECE = 1 << 16
_TRIES, _TRIES_FOR = 4096, 64


@dataclass(frozen=True, slots=True)
class Found:
    """A whole deflate stream: what it holds, and the bytes it takes."""

    content: bytes
    consumed: int


class Allowance:
    """How much may still be inflated, tried, and coded slowly in one file.

    In bytes and counts, so that every machine stops alike.
    """

    def __init__(self, size: int, most: int) -> None:
        self.content = most
        self.tries = _TRIES + size // _TRIES_FOR
        self.patience = Patience(size)


def inflate(data: bytes, start: int, allowance: Allowance) -> Found | None:
    """Inflate the raw deflate stream at `start`; None where there is no whole one, or none that is allowed.

    What was inflated in vain is charged as well.
    """
    if allowance.tries <= 0:
        return None
    decoder = zlib.decompressobj(-15)
    parts: list[bytes] = []
    at, size = start, _FIRST
    try:
        while at < len(data) and not decoder.eof:
            parts.append(decoder.decompress(data[at : at + size], allowance.content + 1))
            allowance.content -= len(parts[-1])
            if allowance.content < 0 or decoder.unconsumed_tail:
                break
            at += size
            size = _PIECE
    except zlib.error:
        pass
    if not decoder.eof:
        allowance.tries -= 1
        return None
    end = min(at, len(data)) - len(decoder.unused_data)
    return Found(b"".join(parts), end - start)
