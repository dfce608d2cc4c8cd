"""Headers of ZIP files with what follows from elsewhere taken off (APPNOTE.TXT 4.3.7, 4.3.9 and 4.3.12).

Taking off and putting on are the same: the exclusive or with a prediction, of which zeros stay where it is right.
"""

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from panini_daemon.compressors.containers.nodes import Facts
from panini_daemon.compressors.numbers import Cursor

LOCAL, CENTRAL, DESCRIPTOR = b"PK\x03\x04", b"PK\x01\x02", b"PK\x07\x08"
LOCAL_SIZE, CENTRAL_SIZE = 26, 42
"""Bytes of a local header and of one of the central directory, without signature, name, extra field and comment."""

_LOCAL = struct.Struct("<5H3I2H")
_CENTRAL = struct.Struct("<6H3I5H2I")
_LATER = 8  # flag: checksum and lengths stand behind the data


@dataclass(frozen=True, slots=True)
class Known:
    """An entry that came before: where it and the first one begin, its header's fields, name, and data's facts.

    `start` is the place of the first entry among the bytes of its level, `offset` this one's, counted from there.
    """

    start: int
    offset: int
    fields: tuple[int, ...]
    name: bytes
    facts: Facts


NOTHING = Known(0, 0, (0,) * 10, b"", Facts(0, 0, 0))


def measure(data: bytes) -> Facts:
    """Return the facts of bytes that are stored as they are."""
    return Facts(zlib.crc32(data), len(data), len(data))


def cross(one: bytes, two: bytes) -> bytes:
    """Return the exclusive or of two byte strings, of the first one's length."""
    two = two[: len(one)].ljust(len(one), b"\0")
    return (int.from_bytes(one, "big") ^ int.from_bytes(two, "big")).to_bytes(len(one), "big")


def predict_local(before: Known, facts: Facts, *, later: bool) -> bytes:
    """Predict a local header from the one before it and its data."""
    version, flags, method, time, date = before.fields[:5]
    told = (0, 0, 0) if later else (facts.checksum, facts.stored, facts.content)
    return _LOCAL.pack(version, flags, method, time, date, *(value & 0xFFFFFFFF for value in told), 0, before.fields[9])


def is_later(header: bytes, before: Known) -> bool:
    """Tell from a header with its prediction taken off whether checksum and lengths stand behind the data."""
    return bool((header[2] ^ before.fields[1] & 255) & _LATER)


def read_local(header: bytes) -> tuple[int, ...]:
    """Read a local header's ten fields."""
    return _LOCAL.unpack(header)


def predict_central(before: bytes, entry: Known) -> bytes:
    """Predict a header of the central directory from the one before it, of 42 bytes, and from its entry."""
    made, *_, extra, comment, disk, inner, outer, _ = _CENTRAL.unpack(before)
    version, flags, method, time, date, checksum, stored, content, name, _ = entry.fields
    if flags & _LATER:
        told = (entry.facts.checksum, entry.facts.stored, entry.facts.content)
        checksum, stored, content = (value & 0xFFFFFFFF for value in told)
    fields = (made, version, flags, method, time, date, checksum, stored, content, name)
    return _CENTRAL.pack(*fields, extra, comment, disk, inner, outer, entry.offset & 0xFFFFFFFF)


def read_lengths(header: bytes) -> tuple[int, int, int]:
    """Read the lengths of name, extra field and comment from a header of the central directory."""
    fields = _CENTRAL.unpack(header)
    return fields[9], fields[10], fields[11]


def make_descriptor(form: int, facts: Facts) -> bytes:
    """Make a data descriptor: form 0 none, 1 plain, 2 with signature, 3 and 4 the same with lengths of 8 bytes."""
    if not form:
        return b""
    lengths = (facts.stored, facts.content)
    told = struct.pack("<2Q", *lengths) if form > 2 else struct.pack("<2I", *(one & 0xFFFFFFFF for one in lengths))
    return (DESCRIPTOR if form in (2, 4) else b"") + struct.pack("<I", facts.checksum) + told


def put_local(header: Cursor, entries: Sequence[Known], facts: Facts, at: int) -> tuple[Known, bytes]:
    """Make the local header at `at` again from what is left of it. Raises PayloadDamaged."""
    before = entries[-1] if entries else NOTHING
    left = header.take(LOCAL_SIZE)
    raw = cross(left, predict_local(before, facts, later=is_later(left, before)))
    fields = _LOCAL.unpack(raw)
    rest = header.take(len(header.data) - LOCAL_SIZE)
    start = entries[0].start if entries else at
    return Known(start, at - start, fields, rest[: fields[8]], facts), LOCAL + raw + rest


def put_central(headers: Cursor, before: bytes, entry: Known) -> tuple[bytes, bytes]:
    """Make the next header of a central directory again, and what follows it. Raises PayloadDamaged."""
    raw = cross(headers.take(CENTRAL_SIZE), predict_central(before, entry))
    name, extra, comment = read_lengths(raw)
    return raw, cross(headers.take(name), entry.name) + headers.take(extra + comment)
