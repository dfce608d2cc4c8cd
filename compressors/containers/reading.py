"""Reading a tree: the file's bytes from a plan and channels that may be damaged."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from panini_daemon.compressors.containers import zip_headers
from panini_daemon.compressors.containers.framing import (
    KNOWN_CHUNKS,
    count_chunks,
    make_chunk,
    make_header,
    split_sizes,
)
from panini_daemon.compressors.containers.nodes import Facts, Picture, Source, Wrapper
from panini_daemon.compressors.containers.plan import DEEPEST, Step
from panini_daemon.compressors.containers.trailers import HEADERS, make_trailer
from panini_daemon.compressors.containers.zip_headers import Known
from panini_daemon.compressors.errors import PayloadDamaged
from panini_daemon.compressors.numbers import Cursor
from panini_daemon.compressors.parameters import LARGEST

_MOST_CHUNKS = 1 << 24
_ENCODER = 64  # bytes; those there are have fewer
_SIDE = (1 << 31) - 1


def read_tree(channels: Sequence[bytes], size: int, most: int) -> bytes:
    """Rebuild a file of `size` bytes; its tree may have at most `most` bytes. Raises PayloadDamaged."""
    reader = _Reader(channels, size, most)
    data = reader.read_all(None).data
    if not reader.is_done():
        raise PayloadDamaged("a container's plan or channels go on behind its end; restore compressed.bin from a copy")
    return data


@dataclass(slots=True)
class _Part:
    """What some steps gave: their bytes; and where they are one deflate stream, what it holds."""

    data: bytes
    facts: Facts


class _Reader:
    def __init__(self, channels: Sequence[bytes], size: int, most: int) -> None:
        self._plan = Cursor(channels[0])
        self._channels = [Cursor(channel) for channel in channels[1:]]
        self._encoders: list[bytes] = []
        self._size = size
        self._left = most
        self._depth = 0

    def is_done(self) -> bool:
        return self._plan.is_done() and all(channel.is_done() for channel in self._channels)

    def read_all(self, picture: Picture | None) -> _Part:
        """Read steps up to the end of this level. `picture` is the enclosing PNG file's."""
        self._depth += 1
        if self._depth > DEEPEST:
            raise _damaged(f"has steps more than {DEEPEST} deep")
        level = _Level(picture)
        while (step := self._plan.number(max(Step))) != Step.END:
            self._read(Step(step), level)
        self._depth -= 1
        data = b"".join(level.parts)
        stream = level.stream if len(level.parts) == 1 else None
        return _Part(data, stream or zip_headers.measure(data))

    def _read(self, step: Step, level: "_Level") -> None:
        if step is Step.LITERAL:
            level.add(self._take())
        elif step is Step.STREAM:
            self._read_stream(level)
        elif step is Step.ROWS:
            level.add(self._read_rows(level))
        elif step is Step.ENTRY:
            self._read_entry(level)
        elif step is Step.DIRECTORY:
            self._read_directory(level)
        elif step is Step.PNG:
            level.add(self._read_png())
        elif step is Step.SPLIT:
            level.add(self._read_split(level))
        elif step is Step.FONT:
            level.add(self._read_font(level))
        else:
            level.add(self._read_chunk(step, level))

    def _read_inside(self, level: "_Level", more: int) -> bytes:
        data = self.read_all(level.picture).data
        self._spend(len(data) + more)
        return data

    def _read_stream(self, level: "_Level") -> None:
        from panini_daemon.compressors.deflate import redo  # noqa: PLC0415

        wrapper = Wrapper(self._plan.number(max(Wrapper)))
        encoder = self._read_encoder()
        corrections = self._take()
        content = self._read_inside(level, 0)
        try:
            stream = redo(content, encoder, corrections, limit=min(self._left, self._size))
        except (IndexError, ValueError) as error:
            raise _damaged(f"does not give a deflate stream ({error})") from error
        self._spend(len(stream))
        facts = Facts(zlib.crc32(content), len(stream), len(content))
        header = HEADERS.get(wrapper, b"")
        level.add(header + stream + make_trailer(wrapper, content), facts)

    def _read_encoder(self) -> bytes:
        at = self._plan.number(len(self._encoders))
        if at == len(self._encoders):
            self._encoders.append(self._plan.take(self._plan.number(_ENCODER)))
        return self._encoders[at]

    def _read_rows(self, level: "_Level") -> bytes:
        from panini_daemon.compressors.containers.adam7 import list_passes, scatter  # noqa: PLC0415
        from panini_daemon.compressors.containers.pictures import decode_picture  # noqa: PLC0415
        from panini_daemon.compressors.containers.row_filters import put_filters  # noqa: PLC0415

        source = Source(self._plan.number(max(Source)))
        picture = self._read_picture() if source is Source.STEP else level.picture
        if picture is None:
            raise _damaged("has rows of no picture")
        self._spend((picture.stride + 1) * picture.height * 2)
        if source is Source.INTERLACED:
            self._spend(picture.width * picture.channels * picture.height)
            filters = [self._read_filters(one.picture) for one in list_passes(picture)]
            return scatter(decode_picture(self._take(), picture), filters, picture)
        told = self._read_filters(picture)
        return put_filters(decode_picture(self._take(), picture), told, picture)

    def _read_filters(self, picture: Picture) -> bytes:
        from panini_daemon.compressors.containers.row_filters import count_listed  # noqa: PLC0415

        rule = self._plan.take(1)
        listed = count_listed(rule[0], picture)
        return rule + (self._take_from(listed) if listed else b"")

    def _read_picture(self) -> Picture:
        width, height = self._plan.number(_SIDE), self._plan.number(_SIDE)
        bits, colour = self._plan.number(16), self._plan.number(6)
        if bits not in (1, 2, 4, 8, 16) or colour in (1, 5) or not width or not height:
            raise _damaged(f"has a picture of {width} x {height} pixels, {bits} bits, colour type {colour}")
        return Picture(width, height, bits, colour)

    def _read_png(self) -> bytes:
        flags = self._plan.number(3)
        picture = self._read_picture()
        data = make_header(picture, interlaced=bool(flags & 1)) + self.read_all(picture).data
        self._spend(len(data) + 12)
        return data + make_chunk(b"IEND", b"") if flags & 2 else data

    def _read_chunk(self, step: Step, level: "_Level") -> bytes:
        if step is Step.KNOWN:
            raw = KNOWN_CHUNKS[self._plan.number(len(KNOWN_CHUNKS) - 1)]
            return make_chunk(raw[:4], raw[4:])
        name = self._plan.take(4)
        return make_chunk(name, self._read_inside(level, 12))

    def _read_font(self, level: "_Level") -> bytes:
        from panini_daemon.compressors.containers.font_cipher import encode_font  # noqa: PLC0415

        start, count = self._plan.number(LARGEST), self._plan.number(LARGEST)
        data = self._read_inside(level, 0)
        return data[:start] + encode_font(data[start : start + count]) + data[start + count :]

    def _read_split(self, level: "_Level") -> bytes:
        rule = self._plan.number(LARGEST)
        listed = [self._plan.number(LARGEST) for _ in range(self._plan.number(_MOST_CHUNKS))] if rule == 1 else []
        data = self._read_inside(level, 0)
        self._spend(12 * (len(listed) if rule == 1 else count_chunks(len(data), rule)))
        sizes = listed if rule == 1 else split_sizes(len(data), rule)
        if sum(sizes) != len(data):
            raise _damaged(f"splits {len(data)} bytes into {sum(sizes)}")
        chunks, at = [], 0
        for size in sizes:
            chunks.append(make_chunk(b"IDAT", data[at : at + size]))
            at += size
        return b"".join(chunks)

    def _read_entry(self, level: "_Level") -> None:
        form = self._plan.number(4)
        header = Cursor(self._take())
        inside = self.read_all(None)
        self._spend(len(inside.data) + len(header.data))
        known, head = zip_headers.put_local(header, level.entries, inside.facts, level.length)
        level.entries.append(known)
        level.add(head + inside.data + zip_headers.make_descriptor(form, inside.facts))

    def _read_directory(self, level: "_Level") -> None:
        count = self._plan.number(_MOST_CHUNKS)
        headers = Cursor(self._take())
        self._spend(len(headers.data))
        before, made = bytes(zip_headers.CENTRAL_SIZE), []
        for at in range(count):
            entry = level.entries[at] if at < len(level.entries) else zip_headers.NOTHING
            before, rest = zip_headers.put_central(headers, before, entry)
            made += [zip_headers.CENTRAL, before, rest]
        if not headers.is_done():
            raise _damaged("has a directory of fewer headers than bytes for them")
        level.add(b"".join(made))

    def _take(self) -> bytes:
        count = self._plan.number(LARGEST)
        return self._take_from(count) if count else b""

    def _take_from(self, count: int) -> bytes:
        channel = self._plan.number(len(self._channels) - 1)
        return self._channels[channel].take(count)

    def _spend(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise _damaged("unfolds to more than a file of its size is taken apart to")


class _Level:
    """What was read of one level: its bytes so far, the ZIP entries among them."""

    def __init__(self, picture: Picture | None) -> None:
        self.picture = picture
        self.parts: list[bytes] = []
        self.entries: list[Known] = []
        self.length = 0
        self.stream: Facts | None = None

    def add(self, data: bytes, stream: Facts | None = None) -> None:
        self.parts.append(data)
        self.length += len(data)
        self.stream = stream


def _damaged(problem: str) -> PayloadDamaged:
    return PayloadDamaged(f"a container's plan {problem}; restore compressed.bin from a copy")
