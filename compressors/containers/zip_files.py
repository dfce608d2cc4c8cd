"""Entries and directories of ZIP files taken apart (APPNOTE.TXT 4.3)."""

from collections.abc import Sequence

from panini_daemon.compressors.containers import zip_headers
from panini_daemon.compressors.containers.nodes import Directory, Entry, Facts, Literal, Node, Stream, Wrapper
from panini_daemon.compressors.containers.streams import take_stream
from panini_daemon.compressors.containers.task import Taken, Task
from panini_daemon.compressors.containers.zip_headers import CENTRAL, CENTRAL_SIZE, LOCAL_SIZE, NOTHING, Known
from panini_daemon.compressors.numbers import Cursor

_STORED, _DEFLATED = 0, 8
_ENCRYPTED, _LATER = 1, 8
_FORMS = (4, 3, 2, 1)
_HEAD = 4


def take_entry(data: bytes, start: int, entries: list[Known], at: int, task: Task) -> Taken | None:
    """Take apart the entry at `start`, which is byte `at` of its level; `entries` came before and gets it."""
    raw = data[start + _HEAD : start + _HEAD + LOCAL_SIZE]
    if len(raw) < LOCAL_SIZE:
        return None
    _, flags, method, *_, stored, _, name, extra = fields = zip_headers.read_local(raw)
    begin = start + _HEAD + LOCAL_SIZE + name + extra
    if begin > len(data):
        return None
    inside, end = _take_data(data, begin, stored, task, flags=flags, method=method)
    if inside is None:
        return None
    facts = _find_facts(data[begin:end], inside)
    form = next((one for one in _FORMS if _is_there(data, end, one, facts)), 0) if flags & _LATER else 0
    before = entries[-1] if entries else NOTHING
    predicted = zip_headers.predict_local(before, facts, later=bool(flags & _LATER))
    rest = data[start + _HEAD + LOCAL_SIZE : begin]
    first = entries[0].start if entries else at
    entries.append(Known(first, at - first, fields, rest[:name], facts))
    end += len(zip_headers.make_descriptor(form, facts))
    return Taken(Entry(zip_headers.cross(raw, predicted) + rest, form, inside), start, end)


def take_directory(data: bytes, start: int, entries: Sequence[Known]) -> Taken | None:
    """Take apart the run of central headers at `start`."""
    cursor, before, parts = Cursor(data), bytes(CENTRAL_SIZE), list[bytes]()
    cursor.at, count = start, 0
    while data.startswith(CENTRAL, cursor.at) and cursor.at + _HEAD + CENTRAL_SIZE <= len(data):
        at = cursor.at + _HEAD
        raw = data[at : at + CENTRAL_SIZE]
        name, extra, comment = zip_headers.read_lengths(raw)
        end = at + CENTRAL_SIZE + name + extra + comment
        if end > len(data):
            break
        entry = entries[count] if count < len(entries) else NOTHING
        parts.append(zip_headers.cross(raw, zip_headers.predict_central(before, entry)))
        named = at + CENTRAL_SIZE + name
        parts += [zip_headers.cross(data[at + CENTRAL_SIZE : named], entry.name), data[named:end]]
        before, count, cursor.at = raw, count + 1, end
    return Taken(Directory(count, b"".join(parts)), start, cursor.at) if count else None


def _take_data(
    data: bytes, begin: int, stored: int, task: Task, *, flags: int, method: int
) -> tuple[Sequence[Node] | None, int]:
    """Take apart an entry's data; with no nodes where it cannot be told where they end."""
    if method == _DEFLATED and not flags & _ENCRYPTED:
        taken = take_stream(data, begin, Wrapper.BARE, task, task.open)
        if taken is not None:
            return [taken.node], taken.end
    end = _find_end(data, begin, task) if flags & _LATER else begin + stored
    if end is None or end > len(data):
        return None, begin
    if method == _STORED and not flags & _ENCRYPTED:
        return task.open(data[begin:end]), end
    return ([Literal(data[begin:end], "packed")] if stored else []), end


def _find_end(data: bytes, begin: int, task: Task) -> int | None:
    """Find the end of stored data whose length stands behind them, by a descriptor that says where it is."""
    at = begin - 1
    while task.allowance.content > 0:
        before = at
        at = data.find(zip_headers.DESCRIPTOR, before + 1)
        task.allowance.content -= (at if at >= 0 else len(data)) - before
        if at < 0:
            break
        if int.from_bytes(data[at + 8 : at + 12], "little") == at - begin:
            return at
    return None


def _find_facts(data: bytes, inside: Sequence[Node]) -> Facts:
    if len(inside) == 1 and isinstance(inside[0], Stream):
        return inside[0].facts
    return zip_headers.measure(data)


def _is_there(data: bytes, end: int, form: int, facts: Facts) -> bool:
    return data.startswith(zip_headers.make_descriptor(form, facts), end)
