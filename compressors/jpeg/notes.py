"""What stands beside a JPEG file's coefficients, as bytes: its header, and notes on each scan."""

from collections.abc import Iterator

import numpy as np

from panini_daemon.compressors.jpeg.layout import parse_layout
from panini_daemon.compressors.jpeg.picture import Notes, Picture

_LONGEST = 10


def format_notes(picture: Picture) -> bytes:
    """Return the header and the notes as `parse_notes` reads them; numbers in base 128, lowest digit first."""
    parts = [_number(len(picture.head)), picture.head]
    for notes in picture.notes:
        exceptions = notes.exceptions.astype("<i4").tobytes()
        parts += [_number(notes.mcus), _number(notes.whole), _number(len(notes.tail)), notes.tail]
        parts += [_number(len(notes.exceptions)), exceptions]
        same = len(set(notes.padding)) <= 1
        parts += [b"\1" + notes.padding[:1] if same and notes.padding else b"\0" + notes.padding]
    return b"".join(parts)


def parse_notes(data: bytes, most_blocks: int) -> Picture:
    """Return a picture that lacks its coefficients. Raises Unreadable, IndexError and ValueError for what is none."""
    reader = _Reader(data)
    head = reader.take(reader.number())
    layout = parse_layout(head, most_blocks)
    notes = tuple(_read_notes(reader, len(layout.scans), len(data)))
    if reader.at != len(data):
        raise ValueError(f"{len(data) - reader.at} bytes stand behind the notes")
    return Picture(head, layout, np.zeros((0, 64), np.int16), notes)


def _read_notes(reader: "_Reader", scans: int, most: int) -> Iterator[Notes]:
    for _ in range(scans):
        mcus, whole = reader.number(), reader.number()
        tail = reader.take(reader.number())
        count = reader.number()
        exceptions = np.frombuffer(reader.take(8 * count), "<i4").astype(np.int32).reshape(-1, 2)
        same = reader.take(1) == b"\1"
        if mcus >= 1 << 31 or whole > mcus or (not same and whole > most):
            raise ValueError(f"a scan has {whole} intervals of {mcus} units")
        padding = reader.take(1) * whole if same else reader.take(whole)
        yield Notes(mcus, whole, tail, exceptions, padding)


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data, self.at = data, 0

    def take(self, count: int) -> bytes:
        if self.at + count > len(self._data):
            raise IndexError(f"{count} bytes are wanted at {self.at} of {len(self._data)}")
        self.at += count
        return self._data[self.at - count : self.at]

    def number(self) -> int:
        value = 0
        for place in range(_LONGEST):
            byte = self.take(1)[0]
            value |= (byte & 127) << 7 * place
            if byte < 128:
                return value
        raise ValueError("a number has no end")


def _number(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes((*out, value))
