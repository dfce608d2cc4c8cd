"""How many pixels a JPEG file claims (ITU-T T.81, B.1 and B.2.2), without decoding it."""

_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
"""Start of frame, of any kind; the three others are tables and an extension."""
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})
"""Markers without a segment behind them."""
_SCAN, _END = 0xDA, 0xD9


def count_pixels(data: bytes) -> int | None:
    """Return the pixels of the largest frame before the first scan; None where no frame comes before one."""
    at, largest = 2, None
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
        elif marker in _ALONE:
            at += 2
        elif marker in (_SCAN, _END):
            break
        else:
            if marker in _FRAMES and at + 9 <= len(data):
                height, width = (int.from_bytes(data[start : start + 2], "big") for start in (at + 5, at + 7))
                largest = max(largest or 0, height * width)
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return largest
