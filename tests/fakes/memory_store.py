"""A coherent store in memory, with faults to order and a record of operations."""

import io
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from panini_daemon.storage.errors import NotFound, RootLost, UnsafeName
from panini_daemon.storage.names import split_path
from panini_daemon.storage.root import MARKER
from panini_daemon.storage.store import Entry, Stat


@dataclass(slots=True)
class Fault:
    """An ordered failure: matching operations raise `error`, after `skip` and for `times` (None: always).

    Matching is by operation (`list`, `stat`, `read`, `open`, `write`, `put`, `append`, `move`, `delete`, `arrived`,
    `check_root`; None: any) and by path (None: any; a folder matches all below it).
    """

    error: Exception
    operation: str | None = None
    path: str | None = None
    skip: int = 0
    times: int | None = 1

    def hits(self, operation: str, path: str) -> bool:
        if self.times == 0 or self.operation not in (None, operation):
            return False
        if self.path is not None and path != self.path and not path.startswith(f"{self.path}/"):
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True

    def clear(self) -> None:
        self.times = 0


class MemoryStore:
    """The Store protocol over a dict. `operations` lists what was asked for, as (operation, path)."""

    def __init__(self) -> None:
        self.operations: list[tuple[str, str]] = []
        self.uploads: set[str] | None = None
        """Paths that still wait for their upload; None where the medium does not tell."""
        self._files: dict[str, tuple[bytes, int]] = {}
        self._folders = {""}
        self._links: set[str] = set()
        self._faults: list[Fault] = []
        self._stamp = 0
        self._lost = False
        self._lock = threading.RLock()

    # What tests order.

    def fail(
        self,
        error: Exception,
        operation: str | None = None,
        path: str | None = None,
        *,
        skip: int = 0,
        times: int | None = 1,
    ) -> Fault:
        """Let matching operations raise `error`, before anything changed."""
        fault = Fault(error, operation, path, skip, times)
        self._faults.append(fault)
        return fault

    def lose_root(self) -> None:
        """Behave like a mount that went away, until `find_root`."""
        self._lost = True

    def find_root(self) -> None:
        """Come back as it was."""
        self._lost = False

    def link(self, path: str) -> None:
        """Put a symbolic link in the tree; everything through it is refused."""
        self._links.add(path)
        self._make_folders(path)

    def count(self, operation: str) -> int:
        """How often an operation was asked for."""
        return sum(name == operation for name, _ in self.operations)

    @property
    def files(self) -> dict[str, bytes]:
        """All files, without counting as an operation."""
        with self._lock:
            return {path: data for path, (data, _) in self._files.items()}

    # The protocol.

    def list(self, path: str) -> list[Entry]:
        with self._operation("list", path):
            if path in self._links:
                raise _through_link(path)
            if path not in self._folders:
                raise NotFound(f"{path}: no such folder")
            found: dict[str, Entry] = {}
            for names, kind in ((self._folders, "folder"), (self._files, "file"), (self._links, "other")):
                for name in names:
                    parent, _, last = name.rpartition("/")
                    if name and parent == path:
                        found[last] = Entry(last, kind)  # type: ignore[arg-type]
            return list(found.values())

    def stat(self, path: str) -> Stat:
        with self._operation("stat", path):
            if path in self._links:
                return Stat("other", 0, 0)
            if path in self._folders:
                return Stat("folder", 0, 0)
            data, stamp = self._get(path)
            return Stat("file", len(data), stamp)

    def read(self, path: str) -> bytes:
        with self._operation("read", path):
            return self._get(path)[0]

    def open(self, path: str) -> BinaryIO:
        with self._operation("open", path):
            return io.BytesIO(self._get(path)[0])

    def write(self, path: str, data: bytes, *, durable: bool = True) -> None:
        with self._operation("write", path):
            self._set(path, bytes(data))

    def put(self, path: str, source: Path, *, durable: bool = True, consume: bool = False) -> None:
        data = source.read_bytes()
        with self._operation("put", path):
            self._set(path, data)

    def sync(self, paths: Sequence[str]) -> None:
        for path in paths:
            with self._operation("sync", path):
                self._get(path)

    def arrived(self, paths: Sequence[str]) -> bool | None:
        with self._operation("arrived", ""):
            return None if self.uploads is None else not any(path in self.uploads for path in paths)

    def append(self, path: str, data: bytes) -> None:
        with self._operation("append", path):
            self._set(path, self._files.get(path, (b"", 0))[0] + data)

    def move(self, source: str, target: str) -> None:
        with self._operation("move", source):
            if source in self._files:
                self._set(target, self._files.pop(source)[0])
                return
            if source not in self._folders:
                raise NotFound(f"{source}: not there")
            self._make_folders(target)
            prefix = f"{source}/"
            for path in [path for path in self._files if path.startswith(prefix)]:
                self._files[target + path[len(source) :]] = self._files.pop(path)
            for path in [path for path in self._folders if path == source or path.startswith(prefix)]:
                self._folders.remove(path)
                self._folders.add(target + path[len(source) :])

    def delete(self, path: str) -> None:
        if not path:
            raise UnsafeName("the root itself is never deleted")
        with self._operation("delete", path):
            prefix = f"{path}/"
            for held in (self._files, self._folders, self._links):
                for name in [name for name in held if name == path or name.startswith(prefix)]:
                    held.pop(name) if isinstance(held, dict) else held.remove(name)

    def check_root(self) -> None:
        with self._operation("check_root", ""):
            if MARKER not in self._files:
                raise RootLost(f"no {MARKER}")

    @contextmanager
    def _operation(self, operation: str, path: str) -> Iterator[None]:
        with self._lock:
            segments = split_path(path)
            self.operations.append((operation, path))
            for fault in self._faults:
                if fault.hits(operation, path):
                    # Without the traceback of the last time it was raised.
                    raise fault.error.with_traceback(None)
            if self._lost:
                raise RootLost("the mount went away; mount it again")
            if self._links and any("/".join(segments[:end]) in self._links for end in range(1, len(segments))):
                raise _through_link(path)
            yield

    def _get(self, path: str) -> tuple[bytes, int]:
        if path in self._links:
            raise _through_link(path)
        if path not in self._files:
            raise NotFound(f"{path}: no such file")
        return self._files[path]

    def _set(self, path: str, data: bytes) -> None:
        if path in self._links:
            raise _through_link(path)
        if path in self._folders:
            raise UnsafeName(f"{path} is a folder; expected a file")
        self._make_folders(path)
        self._stamp += 1
        self._files[path] = (data, self._stamp)

    def _make_folders(self, path: str) -> None:
        segments = split_path(path)
        for end in range(1, len(segments)):
            folder = "/".join(segments[:end])
            if folder in self._files:
                raise UnsafeName(f"{folder} is a file; expected a folder")
            self._folders.add(folder)


def _through_link(path: str) -> UnsafeName:
    return UnsafeName(f"{path}: a symbolic link stands in the path")
