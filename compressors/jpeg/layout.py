"""What a JPEG file's header says of its frame and its scans (ITU-T T.81, B.2)."""

from collections.abc import Mapping
from dataclasses import dataclass

from panini_daemon.compressors.jpeg.segments import (
    DHT,
    DNL,
    DQT,
    DRI,
    FRAMES,
    SOF_BASELINE,
    SOF_EXTENDED,
    SOF_PROGRESSIVE,
    SOS,
    walk,
)

_UNIT = (1,) * 64


class Unreadable(ValueError):
    """The header describes nothing that can be decoded here."""


@dataclass(frozen=True, slots=True)
class Component:
    """One plane: its sampling factors, its blocks with the padding to whole MCUs, and its blocks without."""

    identifier: int
    horizontal: int
    vertical: int
    table: int
    columns: int
    rows: int
    inner_columns: int
    inner_rows: int
    first: int
    """Its first block among the blocks of all components."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The picture."""

    progressive: bool
    components: tuple[Component, ...]
    mcu_columns: int
    mcu_rows: int

    @property
    def blocks(self) -> int:
        """Count the blocks of all components."""
        last = self.components[-1]
        return last.first + last.columns * last.rows


@dataclass(frozen=True, slots=True)
class Scan:
    """One scan: which components, their tables, and which bits of which coefficients."""

    position: int
    """Where in the header its data belong."""
    components: tuple[int, ...]
    dc_tables: tuple[bytes, ...]
    ac_tables: tuple[bytes, ...]
    """As in a DHT segment: 16 counts, then symbols; empty where there is none."""
    first: int
    last: int
    high: int
    low: int
    interval: int


@dataclass(frozen=True, slots=True)
class Layout:
    """A header as far as decoding needs it. `quantisation`: 64 steps, in zigzag order, for each component."""

    frame: Frame
    scans: tuple[Scan, ...]
    quantisation: tuple[tuple[int, ...], ...]


def parse_layout(head: bytes, most_blocks: int) -> Layout:
    """Read a header without scans' data, as `segments.split` gives it. Raises Unreadable.

    Frames of more than `most_blocks` blocks are refused.
    """
    frame, interval, scans = None, 0, list[Scan]()
    huffman: dict[int, bytes] = {}
    steps: dict[int, tuple[int, ...]] = {}
    for segment in walk(head, scans=False):
        body = head[segment.start : segment.end]
        if segment.marker == DHT:
            huffman |= _read_huffman(body)
        elif segment.marker == DQT:
            steps |= _read_quantisation(body)
        elif segment.marker == DRI:
            interval = int.from_bytes(body[:2], "big")
        elif segment.marker == DNL:
            raise Unreadable("the number of lines comes behind a scan")
        elif segment.marker in FRAMES:
            if frame is not None:
                raise Unreadable("there are several frames")
            frame = _read_frame(segment.marker, body, most_blocks)
        elif segment.marker == SOS:
            if frame is None:
                raise Unreadable("a scan comes before its frame")
            scans.append(_read_scan(body, segment.end, frame, huffman, interval))
    if frame is None or not scans:
        raise Unreadable("there is no frame with a scan")
    return Layout(frame, tuple(scans), tuple(steps.get(one.table, _UNIT) for one in frame.components))


def _read_huffman(body: bytes) -> dict[int, bytes]:
    tables, at = {}, 0
    while at + 17 <= len(body):
        end = at + 17 + sum(body[at + 1 : at + 17])
        if end > len(body) or end - at - 17 > 256:
            raise Unreadable("a Huffman table has more codes than its segment holds")
        tables[body[at]] = body[at + 1 : end]
        at = end
    return tables


def _read_quantisation(body: bytes) -> dict[int, tuple[int, ...]]:
    tables, at = {}, 0
    while at < len(body):
        width = 2 if body[at] >> 4 else 1
        end = at + 1 + 64 * width
        if end > len(body):
            raise Unreadable("a quantisation table is cut off")
        values = (int.from_bytes(body[one : one + width], "big") for one in range(at + 1, end, width))
        tables[body[at] & 15] = tuple(max(value, 1) for value in values)
        at = end
    return tables


def _read_frame(marker: int, body: bytes, most_blocks: int) -> Frame:
    if marker not in (SOF_BASELINE, SOF_EXTENDED, SOF_PROGRESSIVE):
        raise Unreadable(f"its frame is of kind {marker:#x}; expected baseline, extended or progressive Huffman")
    if len(body) < 6 or len(body) < 6 + 3 * body[5]:
        raise Unreadable("its frame is cut off")
    height, width, count = int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big"), body[5]
    told = [(body[at], body[at + 1] >> 4, body[at + 1] & 15, body[at + 2]) for at in range(6, 6 + 3 * count, 3)]
    if not height or not width or not 1 <= count <= 4 or not all(1 <= h <= 4 and 1 <= v <= 4 for _, h, v, _ in told):
        raise Unreadable(f"its frame of {width} x {height} pixels and {count} components cannot be")
    widest, tallest = max(h for _, h, _, _ in told), max(v for _, _, v, _ in told)
    mcu_columns, mcu_rows = -(-width // (8 * widest)), -(-height // (8 * tallest))
    components, first = list[Component](), 0
    for identifier, h, v, table in told:
        inner = -(-width * h // (8 * widest)), -(-height * v // (8 * tallest))
        columns, rows = (mcu_columns * h, mcu_rows * v) if count > 1 else inner
        components.append(Component(identifier, h, v, table, columns, rows, *inner, first))
        first += columns * rows
    if first > most_blocks:
        raise Unreadable(f"its frame has {first} blocks; at most {most_blocks} are likely in such a file")
    return Frame(marker == SOF_PROGRESSIVE, tuple(components), mcu_columns, mcu_rows)


def _read_scan(body: bytes, position: int, frame: Frame, huffman: Mapping[int, bytes], interval: int) -> Scan:
    count = body[0] if body else 0
    if not 1 <= count <= 4 or len(body) < 4 + 2 * count:
        raise Unreadable("the header of a scan is cut off")
    identifiers = [component.identifier for component in frame.components]
    chosen = [body[at] for at in range(1, 1 + 2 * count, 2)]
    selected = [body[at] for at in range(2, 2 + 2 * count, 2)]
    if len(set(chosen)) < count or not set(chosen) <= set(identifiers) or len(set(identifiers)) < len(identifiers):
        raise Unreadable("a scan names components that the frame does not have")
    first, last, high, low = body[-3], body[-2], body[-1] >> 4, body[-1] & 15
    if not frame.progressive:
        first, last, high, low = 0, 63, 0, 0  # other values are ignored by decoders
    elif first > last or last > 63 or (first == 0) != (last == 0) or (first and count > 1) or low > 13:
        raise Unreadable(f"a scan of coefficients {first} to {last} of {count} components cannot be")
    return Scan(
        position=position,
        components=tuple(identifiers.index(one) for one in chosen),
        dc_tables=tuple(huffman.get(one >> 4, b"") for one in selected),
        ac_tables=tuple(huffman.get(16 | (one & 15), b"") for one in selected),
        first=first,
        last=last,
        high=high,
        low=low,
        interval=interval,
    )
