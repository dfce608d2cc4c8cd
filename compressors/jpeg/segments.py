"""The marker segments of a JPEG file (ITU-T T.81, B.1.1), and the entropy-coded data between them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

SOF_BASELINE, SOF_EXTENDED, SOF_PROGRESSIVE = 0xC0, 0xC1, 0xC2
FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
"""Start of frame, of any kind; the three others are tables and an extension."""
DHT, DQT, DRI, DNL, SOS, EOI = 0xC4, 0xDB, 0xDD, 0xDC, 0xDA, 0xD9
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})
_SCAN_END = re.compile(rb"\xff[^\x00\xd0-\xd7]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Segment:
    """A marker and where its parameters lie; `end` is where the next marker, or a scan's data, begins."""

    marker: int
    start: int
    end: int


def walk(head: bytes, *, scans: bool) -> Iterator[Segment]:
    """Yield the segments up to the end of image or to what is no segment; `scans`: whether scans' data lie between.

    The segment of a scan ends before its data.
    """
    at = 2
    while at + 2 <= len(head) and head[at] == 0xFF:
        marker = head[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
            continue
        if marker in (0, EOI):
            return
        if marker in _ALONE:
            at += 2
            continue
        end = at + 2 + int.from_bytes(head[at + 2 : at + 4], "big")
        if end < at + 4 or end > len(head):
            return
        yield Segment(marker, at + 4, end)
        at = find_scan_end(head, end) if marker == SOS and scans else end


def find_scan_end(data: bytes, start: int) -> int:
    """Return where a marker other than a restart follows, or the data end."""
    found = _SCAN_END.search(data, start)
    return found.start() if found else len(data)


def split(data: bytes) -> tuple[bytes, list[bytes]]:
    """Return a file without its scans' data, and these."""
    kept, scans, at = [], [], 0
    for segment in walk(data, scans=True):
        if segment.marker == SOS:
            end = find_scan_end(data, segment.end)
            kept.append(data[at : segment.end])
            scans.append(data[segment.end : end])
            at = end
    return b"".join([*kept, data[at:]]), scans
