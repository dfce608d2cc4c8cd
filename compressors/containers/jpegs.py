"""JPEG files inside others: where the one that begins here ends (ITU-T T.81, B.1)."""

import re

_MARKER = re.compile(rb"\xff[^\0\xff\xd0-\xd7]")
_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})
_MOST_MARKERS = 4096
_START, _END, _SCAN = 0xD8, 0xD9, 0xDA


def find_end(data: bytes, start: int) -> int | None:
    """Find the end of the JPEG file at `start`, behind its EOI; None where its markers do not lead to one."""
    at, scans = start + 2, 0
    for _ in range(_MOST_MARKERS):
        if at + 4 > len(data) or data[at] != 0xFF:
            break
        marker = data[at + 1]
        if marker == _END:
            return at + 2 if scans else None
        if marker == 0xFF:  # a fill byte
            at += 1
        elif marker in _ALONE:
            at += 2
        elif marker in (0, _START):
            return None
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
            if marker == _SCAN:
                scans += 1
                found = _MARKER.search(data, at)
                if found is None:
                    return None
                at = found.start()
    return at + 2 if scans and data[at : at + 2] == b"\xff\xd9" else None
