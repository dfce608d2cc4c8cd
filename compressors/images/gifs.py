"""GIF files: each picture's codes undone to rows of indices, and redone to the byte.

A frame's place is from the byte that says how wide the first codes are to the empty block that ends it.
"""

from dataclasses import dataclass
from itertools import groupby

from panini_daemon.compressors.errors import PayloadDamaged
from panini_daemon.compressors.images.layout import Layout
from panini_daemon.compressors.numbers import Cursor, number

_BLOCK = 255
_PASSES = ((0, 8), (4, 8), (2, 4), (1, 2))


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture: its place in the file, what its codes are like, and its rows from the top to the bottom.

    `runs` are the counts of codes between clear codes; `blocks` the lengths of all blocks, or None where each but the
    last has 255 bytes.
    """

    start: int
    end: int
    width: int
    height: int
    bits: int
    interlaced: bool
    runs: tuple[int, ...]
    blocks: tuple[int, ...] | None
    rows: bytes

    @property
    def layout(self) -> Layout:
        """How the rows lie."""
        return Layout(self.width, self.height)


def find_frames(data: bytes, most: int) -> list[Frame]:
    """Undo all frames that can be redone, of at most `most` pixels together; none where this is no GIF file."""
    if data[:6] not in (b"GIF87a", b"GIF89a") or len(data) < 14:
        return []
    frames: list[Frame] = []
    at = 13 + _table_size(data[10])
    while at + 10 < len(data) and data[at] != 0x3B:
        if data[at] == 0x21:
            at = _skip_blocks(data, at + 2)
            continue
        if data[at] != 0x2C:
            break
        width, height, packed = data[at + 5] | data[at + 6] << 8, data[at + 7] | data[at + 8] << 8, data[at + 9]
        at += 10 + _table_size(packed)
        end = _skip_blocks(data, at + 1)
        if end > len(data):
            break
        most -= width * height
        frame = _undo_frame(data[at:end], at, width, height, packed) if most >= 0 else None
        frames += [frame] if frame is not None else []
        at = end
    return frames


def redo_frame(frame: Frame, limit: int) -> bytes:
    """Make the bytes of the frame's place again, at most about `limit`. Raises PayloadDamaged."""
    from panini_daemon.compressors.images.lzw import Unpacked, redo_lzw  # noqa: PLC0415  compiles kernels

    rows = _weave(frame.rows, frame.width, frame.height) if frame.interlaced else frame.rows
    codes = redo_lzw(Unpacked(rows, frame.runs), frame.bits, limit)
    blocks = frame.blocks or _usual_blocks(len(codes))
    if sum(blocks) != len(codes):
        raise PayloadDamaged("a GIF frame's blocks do not hold its codes; restore compressed.bin from a copy")
    out, at = bytearray([frame.bits]), 0
    for length in blocks:
        out += bytes([length]) + codes[at : at + length]
        at += length
    return bytes(out + b"\0")


def write_frame(frame: Frame, before: int) -> bytes:
    """Write all of a frame but its rows; `before` is where the one before ends."""
    sides = number(frame.start - before) + number(frame.width) + number(frame.height)
    flags = frame.bits << 2 | frame.interlaced << 1 | (frame.blocks is not None)
    counts = [frame.runs] if frame.blocks is None else [frame.runs, frame.blocks]
    return sides + number(flags) + b"".join(map(_write_counts, counts))


def read_frame(cursor: Cursor, before: int, size: int, pixels: int) -> Frame:
    """Read what `write_frame` wrote, of at most `pixels` pixels, in a file of `size` bytes; without rows and an end.

    Raises PayloadDamaged.
    """
    start = before + cursor.number(size)
    width, height, flags = cursor.number(0xFFFF), cursor.number(0xFFFF), cursor.number(35)
    bits = flags >> 2
    if not bits or not 0 < width * height <= pixels:
        raise PayloadDamaged(
            f"a GIF frame is {width} x {height} with codes of {bits} bits; expected at most {pixels} pixels, "
            "1 to 8 bits; restore compressed.bin from a copy"
        )
    runs = _read_counts(cursor, width * height + 1, width * height)
    blocks = _read_counts(cursor, size, _BLOCK) if flags & 1 else None
    return Frame(start, start, width, height, bits, bool(flags & 2), runs, blocks, b"")


def _undo_frame(place: bytes, start: int, width: int, height: int, packed: int) -> Frame | None:
    from panini_daemon.compressors.images.lzw import undo_lzw  # noqa: PLC0415  compiles kernels

    bits = place[0]
    blocks, codes = _join_blocks(place)
    if not 1 <= bits <= 8 or not width * height:
        return None
    found = undo_lzw(codes, bits, width * height)
    if found is None:
        return None
    interlaced = bool(packed & 0x40)
    rows = _unweave(found.indices, width, height) if interlaced else found.indices
    usual = blocks == _usual_blocks(len(codes))
    return Frame(
        start, start + len(place), width, height, bits, interlaced, found.runs, None if usual else blocks, rows
    )


def _join_blocks(place: bytes) -> tuple[tuple[int, ...], bytes]:
    blocks, parts, at = [], [], 1
    while place[at]:
        blocks.append(place[at])
        parts.append(place[at + 1 : at + 1 + place[at]])
        at += 1 + place[at]
    return tuple(blocks), b"".join(parts)


def _usual_blocks(length: int) -> tuple[int, ...]:
    whole, rest = divmod(length, _BLOCK)
    return (*[_BLOCK] * whole, *([rest] if rest else []))


def _table_size(packed: int) -> int:
    return 3 << (packed & 7) + 1 if packed & 0x80 else 0


def _skip_blocks(data: bytes, at: int) -> int:
    """Return where blocks that begin at `at` end, behind the empty one; beyond the data where they do not."""
    while at < len(data) and data[at]:
        at += 1 + data[at]
    return at + 1


def _row_order(height: int) -> list[int]:
    return [row for first, step in _PASSES for row in range(first, height, step)]


def _unweave(rows: bytes, width: int, height: int) -> bytes:
    """Put interlaced rows in order."""
    sorted_rows = [b""] * height
    for place, row in enumerate(_row_order(height)):
        sorted_rows[row] = rows[place * width : (place + 1) * width]
    return b"".join(sorted_rows)


def _weave(rows: bytes, width: int, height: int) -> bytes:
    return b"".join(rows[row * width : (row + 1) * width] for row in _row_order(height))


def _write_counts(counts: tuple[int, ...]) -> bytes:
    """Write numbers as runs: how many runs, and for each how many of what."""
    runs = [(len(list(group)), value) for value, group in groupby(counts)]
    return number(len(runs)) + b"".join(number(length) + number(value) for length, value in runs)


def _read_counts(cursor: Cursor, most: int, high: int) -> tuple[int, ...]:
    counts: list[int] = []
    for _ in range(cursor.number(most)):
        length = cursor.number(most - len(counts))
        counts += [cursor.number(high)] * length
    return tuple(counts)
