"""What stands beside a JPEG file's coefficients, as bytes: its header, and notes on each scan."""

from collections.abc import Iterator

import numpy as np

from panini_daemon.compressors.jpeg.layout import parse_layout
from panini_daemon.compressors.jpeg.picture import Notes, Picture
from panini_daemon.compressors.numbers import Cursor, number

_MOST = (1 << 63) - 1


def format_notes(picture: Picture) -> bytes:
    """Return the header and the notes as `parse_notes` reads them; numbers in base 128, lowest digit first."""
    parts = [number(len(picture.head)), picture.head]
    for notes in picture.notes:
        exceptions = notes.exceptions.astype("<i4").tobytes()
        parts += [number(notes.mcus), number(notes.whole), number(len(notes.tail)), notes.tail]
        parts += [number(len(notes.exceptions)), exceptions]
        same = len(set(notes.padding)) <= 1
        parts += [b"\1" + notes.padding[:1] if same and notes.padding else b"\0" + notes.padding]
    return b"".join(parts)


def parse_notes(data: bytes, most_blocks: int) -> Picture:
    """Return a picture that lacks its coefficients.

    Raises PayloadDamaged, Unreadable, IndexError and ValueError for what is none.
    """
    reader = Cursor(data)
    head = reader.take(reader.number(_MOST))
    layout = parse_layout(head, most_blocks)
    notes = tuple(_read_notes(reader, len(layout.scans), len(data)))
    if not reader.is_done():
        raise ValueError(f"{len(data) - reader.at} bytes stand behind the notes")
    return Picture(head, layout, np.zeros((0, 64), np.int16), notes)


def _read_notes(reader: Cursor, scans: int, most: int) -> Iterator[Notes]:
    for _ in range(scans):
        mcus, whole = reader.number(_MOST), reader.number(_MOST)
        tail = reader.take(reader.number(_MOST))
        count = reader.number(_MOST)
        exceptions = np.frombuffer(reader.take(8 * count), "<i4").astype(np.int32).reshape(-1, 2)
        same = reader.take(1) == b"\1"
        if mcus >= 1 << 31 or whole > mcus or (not same and whole > most):
            raise ValueError(f"a scan has {whole} intervals of {mcus} units")
        padding = reader.take(1) * whole if same else reader.take(whole)
        yield Notes(mcus, whole, tail, exceptions, padding)
