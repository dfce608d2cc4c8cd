"""One process's connection to a folder: it can be cut at any operation, and any operation can fail."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Self

from fakes.crash_disk import CrashDisk, Leave

from panini_daemon.storage.store import Entry, Stat

MUTATING = frozenset(("write", "put", "sync", "append", "move", "delete"))


class Dead(BaseException):
    """The process is dead: no code of it runs any more, least of all an exception handler."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a process dies: `part` 0 is right before operation `index`, then come its half-done states, then after."""

    index: int
    part: int


@dataclass(frozen=True, slots=True)
class Done:
    """One operation as it was asked for; `parts` is how many positions it has."""

    operation: str
    path: str
    parts: int


@dataclass(slots=True)
class Trouble:
    """Operations from `first` on fail, `times` of them; with `lands`, each has its effect all the same."""

    error: Exception
    first: int
    times: int = 1
    lands: bool = False
    only: frozenset[str] | None = None
    """Which operations fail; None: all."""

    def hits(self, index: int, operation: str) -> bool:
        if index < self.first or self.times == 0 or (self.only is not None and operation not in self.only):
            return False
        self.times -= 1
        return True


class Wire:
    """A Store. Once dead, it lets nothing through any more.

    `on_operation` is called with the number of each operation before it: there another process may act.
    """

    def __init__(self, disk: CrashDisk, *, cut: Position | None = None, trouble: Trouble | None = None) -> None:
        self.disk = disk
        self.cut, self.trouble = cut, trouble
        self.done: list[Done] = []
        self.dead = False
        self.on_operation: Callable[[int], None] = lambda _: None

    def positions(self) -> "list[Position]":
        """Return where a process that does what was done here can die."""
        return [Position(index, part) for index, one in enumerate(self.done) for part in range(one.parts)]

    def list(self, path: str) -> "list[Entry]":
        return self._do("list", path, lambda: self.disk.list(path))

    def stat(self, path: str) -> Stat:
        return self._do("stat", path, lambda: self.disk.stat(path))

    def read(self, path: str) -> bytes:
        return self._do("read", path, lambda: self.disk.read(path))

    def open(self, path: str) -> BinaryIO:
        file = self._do("open", path, lambda: self.disk.open(path))
        return _Reading(file, lambda act: self._do("read on", path, act))  # type: ignore[return-value]

    def write(self, path: str, data: bytes, *, durable: bool = True) -> None:
        halves = self.disk.halves("write", path, data)
        self._do("write", path, lambda: self.disk.write(path, data, durable=durable), halves)

    def put(self, path: str, source: Path, *, durable: bool = True, consume: bool = False) -> None:
        halves = self.disk.halves("put", path, source.read_bytes())
        self._do("put", path, lambda: self.disk.put(path, source, durable=durable), halves)

    def sync(self, paths: Sequence[str]) -> None:
        for path in paths:
            self._do("sync", path, lambda path=path: self.disk.sync([path]))

    def append(self, path: str, data: bytes) -> None:
        halves = self.disk.halves("append", path, data)
        self._do("append", path, lambda: self.disk.append(path, data), halves)

    def move(self, source: str, target: str) -> None:
        halves = self.disk.halves("move", source, target=target)
        self._do("move", source, lambda: self.disk.move(source, target), halves)

    def delete(self, path: str) -> None:
        self._do("delete", path, lambda: self.disk.delete(path), self.disk.halves("delete", path))

    def check_root(self) -> None:
        self._do("check_root", "", self.disk.check_root)

    def arrived(self, paths: Sequence[str]) -> bool | None:
        return self._do("arrived", paths[0] if paths else "", lambda: None)

    def _do(self, operation: str, path: str, act: Callable[[], Any], halves: "Sequence[Leave]" = ()) -> Any:
        if self.dead:
            raise Dead
        index = len(self.done)
        self.done.append(Done(operation, path, len(halves) + 2))
        self.on_operation(index)
        part = self.cut.part if self.cut is not None and self.cut.index == index else None
        if part == 0:
            self.die()
        elif part is not None and part <= len(halves):
            halves[part - 1]()
            self.die()
        failing = self.trouble is not None and self.trouble.hits(index, operation)
        if failing and not self.trouble.lands:
            raise self.trouble.error.with_traceback(None)
        try:
            result = act()
        finally:
            if part is not None:
                self.die()
        if failing:
            raise self.trouble.error.with_traceback(None)
        return result

    def die(self) -> None:
        """Die here."""
        self.dead = True
        raise Dead


class _Reading:
    """An open file, each read of which is an operation."""

    def __init__(self, file: BinaryIO, do: Callable[[Callable[[], Any]], Any]) -> None:
        self._file, self._do = file, do

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read(self, size: int = -1) -> bytes:
        return self._do(lambda: self._file.read(size))

    def seek(self, place: int, whence: int = 0) -> int:
        return self._file.seek(place, whence)
