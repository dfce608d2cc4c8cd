"""Type 1 fonts, as PDF files embed them: where their coded part lies, and the font with it decoded."""

import re
from collections.abc import Sequence

from panini_daemon.compressors.containers.nodes import Font, Literal, Node

SIGNS = (b"%!PS-AdobeFont", b"%!FontType1")
_START = re.compile(rb"eexec(?:\r\n|[\r\n \t])")
_END = re.compile(rb"\s?(?:0{16,}\s*)+cleartomark\s*$")
_LOOK, _TAIL = 1 << 15, 2048
_PROOF = (b"/Private", b"/Subrs", b"/CharStrings")


def take_font(data: bytes) -> Sequence[Node] | None:
    """Decode the font's programs; None where `data` are no Type 1 font whose coded part is binary."""
    start = _START.search(data, 0, _LOOK)
    if start is None:
        return None
    from panini_daemon.compressors.containers.font_cipher import decode_font  # noqa: PLC0415  numba takes a second

    end = _END.search(data, max(start.end(), len(data) - _TAIL))
    stop = len(data) if end is None else end.start()
    plain = decode_font(data[start.end() : stop])
    if not any(word in plain for word in _PROOF):
        return None
    inside = Literal(data[: start.end()] + plain + data[stop:], "font programs")
    return [Font(start.end(), len(plain), [inside])]
