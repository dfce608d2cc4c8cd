"""Telling what bytes are, as far as choosing a codec goes. The bytes decide; hints only break ties."""

import math
import zlib
from collections import Counter

from panini_daemon.compressors.protocol import Hints, Kind

_IMAGES = (
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff",
    b"GIF87a",
    b"GIF89a",
    b"II*\0",
    b"MM\0*",
    b"\xff\x0a",
    b"\0\0\0\x0cJXL ",
)
_PACKED = (
    b"\x1f\x8b\x08",  # gzip
    b"PK\x03\x04",  # zip and all that are built on it
    b"\x28\xb5\x2f\xfd",  # zstd
    b"\xfd7zXZ\0",
    b"BZh",
    b"7z\xbc\xaf\x27\x1c",
    b"Rar!\x1a\x07",
    b"\x04\x22\x4d\x18",  # lz4
    b"\x1a\x45\xdf\xa3",  # WebM, Matroska
    b"OggS",
    b"fLaC",
    b"ID3",
)
_PACKED_PARTS = frozenset({"PNG_IDAT", "JPEG_SCAN_DATA", "mdat"})
_TEXT_HINTS = frozenset({"text", "text_generic"})

_CONTROLS = bytes(code for code in range(32) if code not in b"\b\t\n\f\r\x1b") + b"\x7f"
_PIECE = 8 << 10
_STRIDE = 4  # counting bytes is the slow part; a quarter of them tells as much
_EDGES = 9  # bytes of characters cut at the ends of three pieces
_PACKED_ENTROPY, _LIKELY_PACKED_ENTROPY, _TEXT_ENTROPY = 7.9, 7.5, 6.5


def classify(data: bytes, hints: Hints | None = None) -> Kind:
    """Classify bytes by signature, then as text, then by the entropy of a sample."""
    known = _read_signature(data)
    if known is not None:
        return known
    sample = _take_sample(data)
    if not sample:
        return Kind.BINARY
    entropy = _measure_entropy(sample[:: _STRIDE if len(sample) > _PIECE else 1])
    if _is_text(sample, entropy):
        return Kind.TEXT
    if len(sample) > 1024 and entropy > _PACKED_ENTROPY and _resists_deflate(sample):
        return Kind.COMPRESSED
    return _break_tie(entropy, hints or Hints())


def _read_signature(data: bytes) -> Kind | None:
    if data.startswith(_IMAGES) or _is_bitmap(data) or _is_netpbm(data):
        return Kind.IMAGE
    if data.startswith(_PACKED) or data[4:8] == b"ftyp":
        return Kind.COMPRESSED
    if data[:4] == b"FORM" and data[8:12] in (b"AIFF", b"AIFC"):
        return Kind.BINARY
    if data[:4] == b"RIFF":
        return {b"WEBP": Kind.IMAGE, b"AVI ": Kind.COMPRESSED}.get(data[8:12], Kind.BINARY)
    return None


def _is_bitmap(data: bytes) -> bool:
    return data[:2] == b"BM" and data[6:10] == b"\0\0\0\0" and len(data) > 26


def _is_netpbm(data: bytes) -> bool:
    return data[:1] == b"P" and data[1:2] in (b"4", b"5", b"6", b"7") and data[2:3].isspace()


def _take_sample(data: bytes) -> bytes:
    if len(data) <= 3 * _PIECE:
        return data
    middle = (len(data) - _PIECE) // 2
    return data[:_PIECE] + data[middle : middle + _PIECE] + data[-_PIECE:]


def _measure_entropy(sample: bytes) -> float:
    total = len(sample)
    return -sum(count / total * math.log2(count / total) for count in Counter(sample).values())


def _is_text(sample: bytes, entropy: float) -> bool:
    """Accept UTF-8, and any 8-bit code: bytes with hardly a control character and far from random."""
    controls = len(sample) - len(sample.translate(None, _CONTROLS))
    if controls * 50 > len(sample):
        return False
    broken = len(sample) - len(sample.decode("utf-8", "ignore").encode())
    return broken <= min(_EDGES, len(sample) // 8) or entropy < _TEXT_ENTROPY


def _resists_deflate(sample: bytes) -> bool:
    return len(zlib.compress(sample, 1)) * 100 > len(sample) * 98


def _break_tie(entropy: float, hints: Hints) -> Kind:
    words = {hints.pattern_type, hints.grammar_id}
    if words & _PACKED_PARTS and entropy > _LIKELY_PACKED_ENTROPY:
        return Kind.COMPRESSED
    if words & _TEXT_HINTS and entropy < _TEXT_ENTROPY:
        return Kind.TEXT
    return Kind.BINARY
