"""Which bytes are compressed together: those of a kind, so that each makes the next one shorter."""

import re

from panini_daemon.compressors.classification import classify
from panini_daemon.compressors.protocol import Kind

ALONE = ""
"""The group of what is compressed by itself."""

_LARGE = 1 << 16
_SIGNS = (
    (b"\0\1\0\0", "font"),
    (b"OTTO", "font"),
    (b"true", "font"),
    (b"\1\0\4", "font"),
    (b"%!PS-AdobeFont", "font"),
    (b"\xca\xfe\xba\xbe", "class"),
    (b"/CIDInit", "mapping"),
    (b"<", "markup"),
    (b"\xef\xbb\xbf<", "markup"),
)
_PROFILE = slice(36, 40)
_DRAWING = re.compile(rb"\d (?:re|Td|TD|Tm|Tf|cm|rg|RG|w|l|m)\s|[)>\]] ?T[jJ]\s")
"""Operators of a PDF page behind their operands."""
_LOOK = 4096


def name_group(data: bytes) -> str:
    """Name the group of some bytes by their first ones, else by what they look like."""
    group = next((name for sign, name in _SIGNS if data.startswith(sign)), None) or _name_machine(data)
    if group is not None:
        return group
    if data[_PROFILE] == b"acsp":
        return "profile"
    kind = classify(data)
    if kind is Kind.TEXT:
        return "drawing" if _DRAWING.search(data[:_LOOK]) else "text"
    if kind is Kind.IMAGE or (kind is Kind.BINARY and len(data) >= _LARGE):
        return ALONE
    return "packed" if kind is Kind.COMPRESSED else "binary"


def _name_machine(data: bytes) -> str | None:
    """Name the processor that a program is for: programs of one have much in common."""
    if data.startswith(b"\x7fELF"):
        return f"code {data[18:20].hex()}"
    header = int.from_bytes(data[60:64], "little")
    if data.startswith(b"MZ") and data[header : header + 4] == b"PE\0\0":
        return f"code {data[header + 4 : header + 6].hex()}"
    return None
