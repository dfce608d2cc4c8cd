"""Taking bytes apart: what comes apart is found by its first bytes, wherever it begins."""

import re
from collections.abc import Sequence

from panini_daemon.compressors.containers import fonts
from panini_daemon.compressors.containers.clues import read_clue
from panini_daemon.compressors.containers.framing import SIGNATURE
from panini_daemon.compressors.containers.groups import ALONE, name_group
from panini_daemon.compressors.containers.inflation import Allowance
from panini_daemon.compressors.containers.jpegs import find_end
from panini_daemon.compressors.containers.nodes import Literal, Node, Source, Wrapper
from panini_daemon.compressors.containers.png_files import take_png
from panini_daemon.compressors.containers.rows import take_plain_rows, take_rows
from panini_daemon.compressors.containers.streams import find_gzip_data, take_stream
from panini_daemon.compressors.containers.task import Taken, Task
from panini_daemon.compressors.containers.zip_files import take_directory, take_entry
from panini_daemon.compressors.containers.zip_headers import CENTRAL, LOCAL, Known
from panini_daemon.compressors.protocol import Level

_GZIP, _JPEG = b"\x1f\x8b\x08", b"\xff\xd8\xff"
_HEADER = 16
"""Bytes of a container that say what it is."""
_DEEPEST = 4
"""Containers inside one another."""
_ZLIB = (
    rb"\x78[\x01\x5e\x9c\xda]|\x68[\x05\x43\x81\xde]|\x58[\x09\x47\x85\xc3]|\x48[\x0d\x4b\x89\xc7]|"
    rb"\x38[\x11\x4f\x8d\xcb]|\x28[\x15\x53\x91\xcf]|\x18[\x19\x57\x95\xd3]|\x08[\x1d\x5b\x99\xd7]"
)
"""Headers of zlib streams without a dictionary: windows from 32 KiB down to 256 bytes, four levels each."""
_SIGNS = re.compile(
    b"|".join(re.escape(sign) for sign in (SIGNATURE, LOCAL, CENTRAL, _GZIP, _JPEG)) + b"|" + _ZLIB, re.DOTALL
)


def dissect(data: bytes, level: Level, allowance: Allowance) -> Sequence[Node]:
    """Take a file apart, as far as the allowance reaches."""
    return _take_apart(data, Task(level, allowance, _take_apart))


def _take_apart(data: bytes, task: Task) -> Sequence[Node]:
    if task.depth > _DEEPEST:
        return _join(data, [])
    if data.startswith(fonts.SIGNS) and (font := fonts.take_font(data)) is not None:
        return font
    region = _Region(data, task)
    taken, at = list[Taken](), 0
    while (found := _SIGNS.search(data, at)) is not None:
        part = region.take(found.group(), found.start())
        if part is None:
            at = found.start() + 1
        else:
            taken.append(part)
            at = part.end
    return _join(data, taken)


class _Region:
    """Bytes that are searched from front to back; what came apart before may help with what comes."""

    def __init__(self, data: bytes, task: Task) -> None:
        self._data = data
        self._task = task
        self._entries: list[Known] = []

    def take(self, sign: bytes, start: int) -> Taken | None:
        data, task = self._data, self._task
        if sign == SIGNATURE:
            return take_png(data, start, task)
        if sign == LOCAL:
            return take_entry(data, start, self._entries, start, task)
        if sign == CENTRAL:
            return take_directory(data, start, self._entries)
        if sign == _JPEG:
            return _take_jpeg(data, start, task)
        if sign == _GZIP:
            begin = find_gzip_data(data, start)
            return None if begin is None else take_stream(data, begin, Wrapper.GZIP, task, task.open)
        return self._take_zlib(start + 2)

    def _take_zlib(self, start: int) -> Taken | None:
        data, task = self._data, self._task

        def inside(content: bytes) -> Sequence[Node]:
            rows, clue = None, read_clue(data, start - 2, len(content))
            if clue is not None:
                picture, filtered = clue
                if filtered:
                    rows = take_rows(content, picture, Source.STEP, task.level_for(content))
                else:
                    rows = take_plain_rows(content, picture, task.level_for(content))
            return rows or task.open(content)

        return take_stream(data, start, Wrapper.ZLIB, task, inside)


def _take_jpeg(data: bytes, start: int, task: Task) -> Taken | None:
    end = find_end(data, start) if task.allowance.tries > 0 else None
    if end is None:
        task.allowance.tries -= 1
    if end is None or (not task.depth and end - start == len(data)):
        return None
    return Taken(Literal(data[start:end], ALONE), start, end)


def _join(data: bytes, taken: Sequence[Taken]) -> Sequence[Node]:
    """Put the parts in order, and what lies between them as literals of one group."""
    edges = [0, *(edge for part in taken for edge in (part.start, part.end)), len(data)]
    gaps = list(zip(edges[::2], edges[1::2], strict=True))
    between = _literals(gaps, data)
    nodes: list[Node] = []
    for literal, part in zip(between, [*taken, None], strict=True):
        nodes += [literal] if literal.data else []
        nodes += [part.node] if part is not None else []
    return nodes


def _literals(gaps: Sequence[tuple[int, int]], data: bytes) -> list[Literal]:
    pieces = [data[start:end] for start, end in gaps]
    joined = b"".join(pieces)
    # A container's first bytes say what it is, and nothing of what is left of it.
    group = name_group(joined[_HEADER:] if len(pieces) > 1 else joined)
    return [Literal(piece, group) for piece in pieces]
