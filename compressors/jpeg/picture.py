"""A JPEG file taken apart into header, coefficients and notes, and put together again to the very bytes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from panini_daemon.compressors.jpeg import reading, writing
from panini_daemon.compressors.jpeg.layout import Frame, Layout, Scan, Unreadable, parse_layout
from panini_daemon.compressors.jpeg.reading import Bytes, Coefficients, Ints
from panini_daemon.compressors.jpeg.segments import split
from panini_daemon.compressors.jpeg.tables import SLOTS, build_decoders, build_encoders
from panini_daemon.compressors.jpeg.traversal import order_blocks

_RESTART = re.compile(rb"\xff[\xd0-\xd7]")
_NONE = np.zeros(0, np.int32)
_NO_EXCEPTIONS = np.zeros((0, 2), np.int32)


@dataclass(frozen=True, slots=True)
class Notes:
    """What a scan's coefficients do not say.

    `mcus` of it are coded; `whole` restart intervals of these end with padding. What follows is `tail`, as in the
    file. `exceptions`: see `writing.write_ac`. `padding`: a byte for each whole interval, whose last bits it ends with.
    """

    mcus: int
    whole: int
    tail: bytes = b""
    exceptions: NDArray[np.int32] = field(default_factory=lambda: _NO_EXCEPTIONS)
    padding: bytes = b""


@dataclass(frozen=True, slots=True)
class Picture:
    """A file: its header with all that stands between and behind the scans, coefficients, and notes on each scan.

    `coefficients` has shape (blocks, 64), in zigzag order, the blocks row by row, component after component.
    """

    head: bytes
    layout: Layout
    coefficients: NDArray[np.int16]
    notes: tuple[Notes, ...]


def take_apart(data: bytes, most_blocks: int) -> Picture:
    """Decode a file's scans; what a scan holds that would not be written so becomes its tail. Raises Unreadable."""
    head, raw = split(data)
    layout = parse_layout(head, most_blocks)
    if len(raw) != len(layout.scans):
        raise Unreadable(f"the file has {len(raw)} scans; its header speaks of {len(layout.scans)}")
    left_out = set[int]()
    while True:
        coefficients = np.zeros((layout.frame.blocks, 64), np.int16)
        found = list[tuple[Notes, Ints]]()
        for number, (scan, body) in enumerate(zip(layout.scans, raw, strict=True)):
            read = (Notes(0, 0, body), _NONE) if number in left_out else _read(layout.frame, scan, body, coefficients)
            if read is None:  # it may have changed coefficients: begin again, without it
                left_out.add(number)
                break
            found.append(read)
        else:
            if not any(notes.mcus for notes, _ in found):
                raise Unreadable("none of its scans can be decoded; perhaps its Huffman tables are elsewhere")
            picture = Picture(head, layout, coefficients, tuple(notes for notes, _ in found))
            return replace(picture, notes=_note_exceptions(picture, [runs for _, runs in found], len(data)))


def put_together(picture: Picture, size: int) -> bytes:
    """Return the file. Raises Unreadable where it would be longer than `size`, or its tables lack a code."""
    parts, at, left = list[bytes](), 0, size
    out = np.empty(size, np.uint8)
    for scan, notes in zip(picture.layout.scans, picture.notes, strict=True):
        data = _write(picture, scan, notes, out[: max(left, 0)])
        parts += [picture.head[at : scan.position], data, notes.tail]
        left -= scan.position - at + len(data) + len(notes.tail)
        at = scan.position
    return b"".join([*parts, picture.head[at:]])


def _read(frame: Frame, scan: Scan, body: bytes, coefficients: Coefficients) -> tuple[Notes, Ints] | None:
    """Decode a scan as far as it goes, and list its runs of ended blocks; None for one that must be left out."""
    order, slots = order_blocks(frame, scan)
    tables = build_decoders(_slot_tables(scan))
    intervals = _split_intervals(body, scan.interval)
    parts = [body[start:end].replace(b"\xff\x00", b"\xff") for start, end in intervals]
    data = np.frombuffer(b"".join(parts), np.uint8)
    ends = np.cumsum([len(part) for part in parts], dtype=np.int64).astype(np.int32)
    pads, runs, count = np.zeros(len(parts), np.int32), _NONE, 0
    if not frame.progressive:
        mcus, bit, whole = reading.read_sequential(data, ends, order, slots, tables, scan.interval, coefficients, pads)
    else:
        if scan.first == 0:
            refines = scan.high > 0
            good = reading.read_dc(
                data, ends, order, slots, tables, scan.interval, scan.low, refines, coefficients, pads
            )
        else:
            runs = np.zeros(len(order) + 1, np.int32)
            band, refines = (scan.first, scan.last, scan.low), scan.high > 0
            count = reading.read_ac(
                data, ends, order, tables[SLOTS // 2], scan.interval, band, refines, coefficients, pads, runs
            )
            good = count >= 0
        if not good or intervals[-1][1] < len(body):
            return None
        mcus, bit, whole = len(order), 8 * len(data), len(parts)
    if mcus > whole * scan.interval and whole < len(parts):
        start = int(ends[whole - 1]) if whole else 0
        after = intervals[whole][0] + len(_stuff(data[start : bit >> 3].tobytes()))
    else:
        after = intervals[whole - 1][1] if whole else 0
    return Notes(mcus, whole, body[after:], padding=_normalise(pads[:whole])), runs[:count]


def _note_exceptions(picture: Picture, runs: Sequence[Ints], size: int) -> tuple[Notes, ...]:
    noted = list[Notes]()
    out = np.empty(size, np.uint8)
    for scan, notes, lengths in zip(picture.layout.scans, picture.notes, runs, strict=True):
        if len(lengths):
            exceptions = np.zeros((len(lengths) + 1, 2), np.int32)
            _write(picture, scan, replace(notes, exceptions=exceptions), out, lengths)
            noted.append(replace(notes, exceptions=exceptions[: exceptions[-1, 0]].copy()))
        else:
            noted.append(notes)
    return tuple(noted)


def _write(picture: Picture, scan: Scan, notes: Notes, out: Bytes, runs: Ints = _NONE) -> bytes:
    if not notes.mcus:
        return b""
    frame, coefficients = picture.layout.frame, picture.coefficients
    order, slots = order_blocks(frame, scan)
    order = order[: notes.mcus]
    tables = build_encoders(_slot_tables(scan))
    pads, ends = np.frombuffer(notes.padding, np.uint8), np.zeros(notes.whole, np.int32)
    whole, step = notes.whole, scan.interval
    try:
        if not frame.progressive:
            end = writing.write_sequential(order, slots, tables, step, coefficients, pads, whole, out, ends)
        elif scan.first == 0:
            refines = scan.high > 0
            end = writing.write_dc(order, slots, tables, step, scan.low, refines, coefficients, pads, whole, out, ends)
        else:
            band, refines, own = (scan.first, scan.last, scan.low), scan.high > 0, tables[SLOTS // 2]
            end = writing.write_ac(
                order, own, step, band, refines, coefficients, pads, whole, notes.exceptions, runs, out, ends
            )
    except (IndexError, ValueError) as error:
        raise Unreadable(f"a scan cannot be written ({error})") from error
    cuts = [0, *map(int, ends)]
    parts = [out[start:stop].tobytes() for start, stop in pairwise(cuts)]
    if notes.mcus > notes.whole * scan.interval and (scan.interval or not notes.whole):
        parts.append(out[cuts[-1] : end].tobytes())
    joined = bytearray(_stuff(parts[0]))
    for number, part in enumerate(parts[1:]):
        joined += bytes((0xFF, 0xD0 | number & 7)) + _stuff(part)
    return bytes(joined)


def _slot_tables(scan: Scan) -> list[bytes]:
    """List the scan's tables as kernels number them."""
    half = SLOTS // 2
    return [one for kind in (scan.dc_tables, scan.ac_tables) for one in (*kind, *[b""] * (half - len(kind)))]


def _split_intervals(body: bytes, interval: int) -> list[tuple[int, int]]:
    """Return where restart intervals begin and end, up to the first restart marker that is out of turn."""
    found, at = list[tuple[int, int]](), 0
    for number, marker in enumerate(_RESTART.finditer(body)):
        found.append((at, marker.start()))
        if not interval or body[marker.start() + 1] & 7 != number & 7:
            return found
        at = marker.end()
    return [*found, (at, len(body))]


def _stuff(data: bytes) -> bytes:
    return data.replace(b"\xff", b"\xff\x00")


def _normalise(pads: Ints) -> bytes:
    """Return the padding bits as bytes, with all bits set where all of the padding is."""
    left, bits = pads >> 8, pads & 255
    return np.where(bits == (1 << left) - 1, 0x7F, bits).astype(np.uint8).tobytes()
