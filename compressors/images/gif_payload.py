"""The payload of a GIF file: what its frames are like, the other bytes, and pixels, frames of one width together."""

from dataclasses import replace

from panini_daemon.compressors.errors import PayloadDamaged
from panini_daemon.compressors.images import others
from panini_daemon.compressors.images.gifs import Frame, read_frame, redo_frame, write_frame
from panini_daemon.compressors.images.layout import Layout
from panini_daemon.compressors.images.streams import decode_pixels, encode_pixels
from panini_daemon.compressors.numbers import Cursor, number
from panini_daemon.compressors.protocol import Level


def write_gif(data: bytes, frames: list[Frame], level: Level) -> bytes:
    """Write the payload; frames of one width are stacked to one picture, in the order in which widths first come."""
    head, left, at = number(len(frames)), b"", 0
    for frame in frames:
        head += write_frame(frame, at)
        left += data[at : frame.start]
        at = frame.end
    left += data[at:]
    payload = others.pack(head + left)
    for width in _widths(frames):
        rows = b"".join(frame.rows for frame in frames if frame.width == width)
        stream = encode_pixels(rows, Layout(width, len(rows) // width), level)
        payload += number(len(stream)) + stream
    return payload


def read_gif(payload: bytes, size: int, most: int) -> bytes:
    """Rebuild a file of `size` bytes whose frames have at most `most` pixels. Raises PayloadDamaged."""
    cursor = Cursor(payload)
    rest = Cursor(others.unpack(cursor, 4 * size + 64))
    frames: list[Frame] = []
    at = 0
    for _ in range(rest.number(size)):
        frames.append(read_frame(rest, at, size, most))
        at = frames[-1].start
        most -= frames[-1].width * frames[-1].height
    return _rebuild(_fill(frames, cursor), rest.data[rest.at :], size)


def _fill(frames: list[Frame], cursor: Cursor) -> list[Frame]:
    filled: dict[int, Frame] = {}
    for width in _widths(frames):
        group = [at for at, frame in enumerate(frames) if frame.width == width]
        height = sum(frames[at].height for at in group)
        stream = cursor.take(cursor.number(len(cursor.data)))
        rows, place = decode_pixels(stream, Layout(width, height)), 0
        for at in group:
            count = width * frames[at].height
            filled[at] = replace(frames[at], rows=rows[place : place + count])
            place += count
    return [filled[at] for at in range(len(frames))]


def _rebuild(frames: list[Frame], left: bytes, size: int) -> bytes:
    parts: list[bytes] = []
    made, taken, before = 0, 0, 0
    for frame in frames:
        gap = frame.start - before
        parts.append(left[taken : taken + gap])
        taken += gap
        made += gap
        if taken > len(left) or made > size:
            raise PayloadDamaged("a GIF frame begins behind the end of the file; restore compressed.bin from a copy")
        parts.append(redo_frame(frame, size - made))
        made += len(parts[-1])
        before = frame.start
    return b"".join([*parts, left[taken:]])


def _widths(frames: list[Frame]) -> list[int]:
    return list(dict.fromkeys(frame.width for frame in frames))
