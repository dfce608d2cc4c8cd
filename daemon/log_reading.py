"""Reading the logs of all workers of a tree together, in time order, while their writers go on.

A worker's newest lines are in logs/<worker>.jsonl; `.1`, `.2` ... beside it are older. A line counts once its end is
there. What is no JSON object (half a line of a writer that died) is passed over.
"""

import heapq
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from panini_daemon.storage.errors import NotFound, UnsafeName
from panini_daemon.storage.root import LOGS
from panini_daemon.storage.store import Store

Line = Mapping[str, Any]
Wanted = Callable[[Line], bool]

_NAME = re.compile(r"(?P<worker>.+)\.jsonl(?:\.(?P<age>\d{1,4}))?")
_TAIL = 1 << 18
_LONGEST = 1 << 20
"""Bytes of a line that are read; a longer one is no log line."""


@dataclass(frozen=True, slots=True)
class LogFile:
    """One file of a worker's log; the higher its age, the older its lines."""

    worker: str
    age: int
    path: str


def list_logs(store: Store, worker: str | None = None) -> dict[str, list[LogFile]]:
    """Return every worker's log files, the newest first. Raises StorageError."""
    found: dict[str, list[LogFile]] = {}
    try:
        entries = store.list(LOGS)
    except NotFound:
        return {}
    for entry in entries:
        match = _NAME.fullmatch(entry.name)
        if entry.kind == "file" and match and worker in (None, match["worker"]):
            file = LogFile(match["worker"], int(match["age"] or 0), f"{LOGS}/{entry.name}")
            found.setdefault(file.worker, []).append(file)
    return {name: sorted(files, key=lambda file: file.age) for name, files in sorted(found.items())}


def read_last(store: Store, count: int, wanted: Wanted, worker: str | None = None) -> list[Line]:
    """Return the last `count` lines that are wanted, of all workers together, the oldest first."""
    newest = [_read_backwards(store, files, count, wanted) for files in list_logs(store, worker).values()]
    merged = list(heapq.merge(*(reversed(lines) for lines in newest), key=_moment))
    return merged[-count:] if count else []


class Follower:
    """What comes after the lines that were there when following began, batch by batch."""

    def __init__(self, store: Store, worker: str | None = None) -> None:
        """Begin at the end of every log; a log that appears later is read from its beginning."""
        self._store, self._worker = store, worker
        self._ends = {name: _size(store, files[0].path) for name, files in list_logs(store, worker).items()}

    def read(self, wanted: Wanted) -> list[Line]:
        """Return the lines since the last call, sorted by time. Raises StorageError."""
        lines: list[Line] = []
        for name, files in list_logs(self._store, self._worker).items():
            lines += [line for line in self._read_new(name, files) if wanted(line)]
        return sorted(lines, key=_moment)

    def _read_new(self, name: str, files: Sequence[LogFile]) -> Iterator[Line]:
        path, end = files[0].path, self._ends.get(name, 0)
        if files[0].age:  # between two steps of a rotation
            return
        size = _size(self._store, path)
        if size < end and len(files) > 1:  # it was rotated: the rest of what was being read is in the next older one
            yield from parse_lines(_read_from(self._store, files[1].path, end)[0])
        data, used = _read_from(self._store, path, end if size >= end else 0)
        self._ends[name] = (end if size >= end else 0) + used
        yield from parse_lines(data)


def parse_lines(data: bytes) -> Iterator[Line]:
    """Yield the JSON objects among lines."""
    for line in data.split(b"\n"):
        if len(line) > _LONGEST:
            continue
        with suppress(ValueError, RecursionError):
            event = json.loads(line)
            if isinstance(event, dict):
                yield event


def _read_backwards(store: Store, files: Iterable[LogFile], count: int, wanted: Wanted) -> list[Line]:
    """Return the last wanted lines of one worker, the newest first."""
    found: list[Line] = []
    for file in files:
        length, whole = _TAIL, False
        lines: list[Line] = []
        while not whole and len(found) + len(lines) < count:
            data, whole = _read_tail(store, file.path, length)
            lines = [line for line in parse_lines(data) if wanted(line)]
            length *= 4
        found += reversed(lines)
        if len(found) >= count:
            break
    return found[:count]


def _read_tail(store: Store, path: str, length: int) -> tuple[bytes, bool]:
    """Return the whole lines among a file's last bytes, and whether that is all of it."""
    try:
        with store.open(path) as file:
            start = max(0, file.seek(0, 2) - length)
            file.seek(start)
            data = file.read(length)
    except (NotFound, UnsafeName):
        return b"", True
    begin = data.find(b"\n") + 1 if start else 0
    return data[begin : data.rfind(b"\n") + 1], start == 0


def _read_from(store: Store, path: str, offset: int) -> tuple[bytes, int]:
    """Return the whole lines from `offset` on and how many bytes they are."""
    try:
        with store.open(path) as file:
            file.seek(offset)
            data = file.read()
    except (NotFound, UnsafeName):
        return b"", 0
    used = data.rfind(b"\n") + 1
    return data[:used], used


def _size(store: Store, path: str) -> int:
    try:
        return store.stat(path).size
    except NotFound:
        return 0


def _moment(line: Line) -> str:
    return str(line.get("timestamp", ""))
