"""PNG files taken apart (PNG specification, 5): header, chunks, the stream in the IDAT chunks, its rows."""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from panini_daemon.compressors.containers.framing import KNOWN_CHUNKS, SIGNATURE
from panini_daemon.compressors.containers.nodes import Chunk, Known, Literal, Node, Picture, Png, Source, Split, Wrapper
from panini_daemon.compressors.containers.rows import take_rows
from panini_daemon.compressors.containers.streams import take_stream
from panini_daemon.compressors.containers.task import Taken, Task

_HEADER = 33  # bytes of signature and IHDR chunk
_COLOURS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_SCANNED = frozenset({b"iCCP", b"zTXt", b"iTXt", b"eXIf", b"fdAT"})
_PACKED, _OTHER = "packed", "chunks"


@dataclass(frozen=True, slots=True)
class _Piece:
    name: bytes
    data: bytes
    end: int


def take_png(data: bytes, start: int, task: Task) -> Taken | None:
    """Take apart the PNG file at `start`, as far as its chunks are whole; None where it does not begin as one."""
    header = _read_header(data, start)
    if header is None:
        return None
    picture, interlaced = header
    pieces = list(_read_chunks(data, start + _HEADER))
    ended = bool(pieces) and pieces[-1].name == b"IEND" and not pieces[-1].data
    end = pieces[-1].end if pieces else start + _HEADER
    inside: list[Node] = []
    for name, run in groupby(pieces[:-1] if ended else pieces, key=lambda piece: piece.name):
        if name == b"IDAT":
            inside += _take_data([piece.data for piece in run], picture, interlaced=interlaced, task=task)
        else:
            inside += [_open_chunk(piece, task) for piece in run]
    return Taken(Png(picture, interlaced, ended, inside), start, end)


def _read_header(data: bytes, start: int) -> tuple[Picture, bool] | None:
    raw = data[start : start + _HEADER]
    if len(raw) < _HEADER or raw[:16] != SIGNATURE + b"\0\0\0\x0dIHDR" or raw[26:28] != b"\0\0" or raw[28] > 1:
        return None
    if int.from_bytes(raw[29:], "big") != zlib.crc32(raw[12:29]) or raw[24] not in _COLOURS.get(raw[25], ()):
        return None
    width, height = (int.from_bytes(raw[at : at + 4], "big") for at in (16, 20))
    limit = 1 << 31
    if not 0 < width < limit or not 0 < height < limit:
        return None
    return Picture(width, height, raw[24], raw[25]), bool(raw[28])


def _read_chunks(data: bytes, at: int) -> Iterator[_Piece]:
    """Yield chunks whose CRC is right, up to the first that is not whole, or IEND."""
    name = b""
    while at + 12 <= len(data) and name != b"IEND":
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        if end > len(data) or int.from_bytes(data[end - 4 : end], "big") != zlib.crc32(data[at + 4 : end - 4]):
            return
        name = data[at + 4 : at + 8]
        yield _Piece(name, data[at + 8 : end - 4], end)
        at = end


def _open_chunk(piece: _Piece, task: Task) -> Node:
    if piece.name + piece.data in KNOWN_CHUNKS:
        return Known(KNOWN_CHUNKS.index(piece.name + piece.data))
    if piece.name in _SCANNED:
        return Chunk(piece.name, task.open(piece.data))
    return Chunk(piece.name, [Literal(piece.data, _OTHER)] if piece.data else [])


def _take_data(parts: Sequence[bytes], picture: Picture, *, interlaced: bool, task: Task) -> list[Node]:
    """Take apart the data of one run of IDAT chunks."""
    data = b"".join(parts)
    sizes = [len(part) for part in parts]

    def inside(content: bytes) -> Sequence[Node]:
        rows = take_rows(content, picture, Source.INTERLACED if interlaced else Source.FILE, task.level_for(content))
        return rows or [Literal(content, "filtered")]

    taken = take_stream(data, 2, Wrapper.ZLIB, task, inside, sure=True) if len(data) > 2 else None
    if taken is None:
        return [Split(sizes, [Literal(data, _PACKED)] if data else [])]
    before = [Literal(data[: taken.start], _OTHER)] if taken.start else []
    behind = [Literal(data[taken.end :], _PACKED)] if data[taken.end :] else []
    return [Split(sizes, [*before, taken.node, *behind])]
