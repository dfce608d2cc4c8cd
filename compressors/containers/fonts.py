"""Type 1 fonts, as PDF files embed them: where their coded part lies, and the font with it decoded."""

import re
from collections.abc import Sequence

from panini_daemon.compressors.containers.nodes import Font, Literal, Node

SIGNS = (b"%!PS-AdobeFont", b"%!FontType1", b"\x80\x01")
_SEGMENT = b"\x80\x02"  # of a PFB file: four bytes of length follow, then the coded part
_START = re.compile(rb"eexec(?:\r\n|[\r\n \t])")
_END, _PADDING = b"cleartomark", b"0 \t\r\n"
_LOOK, _TAIL = 1 << 15, 2048
_PROOF = (b"/Private", b"/Subrs", b"/CharStrings")


def take_font(data: bytes) -> Sequence[Node] | None:
    """Decode the font's programs; None where `data` are no Type 1 font whose coded part is binary."""
    start = _START.search(data, 0, _LOOK)
    if start is None:
        return None
    from panini_daemon.compressors.containers.font_cipher import decode_font  # noqa: PLC0415  numba takes a second

    begin, stop = _find_coded(data, start.end())
    plain = decode_font(data[begin:stop])
    if not any(word in plain for word in _PROOF):
        return None
    return [Font(begin, len(plain), [Literal(data[:begin] + plain + data[stop:], "font programs")])]


def _find_coded(data: bytes, begin: int) -> tuple[int, int]:
    """Find the coded part behind `eexec`: up to the zeros that end a font, or what a PFB file says."""
    if data.startswith(_SEGMENT, begin):
        return begin + 6, min(len(data), begin + 6 + int.from_bytes(data[begin + 2 : begin + 6], "little"))
    at = data.rfind(_END, max(begin, len(data) - _TAIL))
    return begin, len(data) if at < 0 else max(begin, len(data[:at].rstrip(_PADDING)))
