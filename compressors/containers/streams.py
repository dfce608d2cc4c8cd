"""Deflate streams in a file, undone: bare, in zlib's wrapper, in gzip's."""

import zlib
from collections.abc import Callable, Sequence

from panini_daemon.compressors.containers.inflation import Found, inflate
from panini_daemon.compressors.containers.nodes import Facts, Node, Stream, Wrapper
from panini_daemon.compressors.containers.task import Taken, Task
from panini_daemon.compressors.containers.trailers import HEADERS, make_trailer
from panini_daemon.compressors.containers.weighing import weigh

SHORTEST = 16
"""Bytes: a shorter stream is not worth its place in the plan."""
_DEAR = 16
"""Corrections of more than one part in so many of a stream are held against what they bring."""
_WINDOW = 15
_HEADER = 10
_LONGEST = 1 << 16  # bytes of a name or comment
_CHECKED, _EXTRA, _NAME, _COMMENT = 2, 4, 8, 16

Inside = Callable[[bytes], Sequence[Node]]


def take_stream(
    data: bytes, start: int, wrapper: Wrapper, task: Task, inside: Inside, *, sure: bool = False
) -> Taken | None:
    """Undo the raw deflate stream at `start`, and what stands behind it where that is as the wrapper wants it.

    `sure` that there is one, and no bytes that only look like it, is who saw more than zlib's header.
    """
    found = inflate(data, start, task.allowance)
    if found is None or found.consumed < SHORTEST:
        return None
    end = start + found.consumed
    trailer = make_trailer(wrapper, found.content)
    if data[end : end + len(trailer)] != trailer:
        if wrapper is Wrapper.ZLIB and not sure and found.consumed < 4 * SHORTEST:
            return None
        wrapper, trailer = Wrapper.BARE, b""
    return undo_stream(data, start, found, wrapper, task, inside)


def undo_stream(data: bytes, start: int, found: Found, wrapper: Wrapper, task: Task, inside: Inside) -> Taken | None:
    """Undo a stream that was inflated before; None where nothing makes it again at a small price."""
    from panini_daemon.compressors.deflate import redo, undo  # noqa: PLC0415  numba takes a second to import

    end = start + found.consumed
    stream = data[start:end]
    window = _read_window(data, start) if wrapper is Wrapper.ZLIB else _WINDOW
    wrapper = _name_header(data, start) if wrapper is Wrapper.ZLIB else wrapper
    undone = undo(stream, window_bits=window, limit=len(found.content), effort=task.level)
    if undone is None or undone.consumed != len(stream):
        return None
    if redo(undone.content, undone.encoder, undone.corrections, limit=len(stream)) != stream:
        return None
    nodes = tuple(inside(found.content))
    if len(undone.corrections) * _DEAR > len(stream) and weigh(nodes) + len(undone.corrections) > len(stream):
        return None
    facts = Facts(zlib.crc32(found.content), len(stream), len(found.content))
    node = Stream(wrapper, facts, undone.encoder, undone.corrections, nodes)
    return Taken(node, start - len(HEADERS.get(wrapper, b"")), end + len(make_trailer(wrapper, found.content)))


def find_gzip_data(data: bytes, start: int) -> int | None:
    """Find where the deflate stream of the gzip member at `start` begins (RFC 1952, 2.3)."""
    if len(data) < start + _HEADER or data[start + 3] >= 32:
        return None
    flags, at = data[start + 3], start + _HEADER
    if flags & _EXTRA:
        at += 2 + int.from_bytes(data[at : at + 2], "little")
    for flag in (_NAME, _COMMENT):
        if flags & flag:
            at = data.find(b"\0", at, at + _LONGEST) + 1
            if not at:
                return None
    return at + 2 * bool(flags & _CHECKED)


def _read_window(data: bytes, start: int) -> int:
    """Read what the zlib header before `start` says of the window, as a power of two."""
    return 8 + (data[start - 2] >> 4) if start >= 2 and data[start - 2] & 15 == 8 else _WINDOW


def _name_header(data: bytes, start: int) -> Wrapper:
    """Name the wrapper that has the zlib header before `start`, or the one without a header."""
    return next((one for one, header in HEADERS.items() if data[start - 2 : start] == header), Wrapper.ZLIB)
