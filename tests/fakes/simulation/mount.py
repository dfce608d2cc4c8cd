"""One machine's mount of the cloud, as a Store."""

import io
from collections.abc import Callable, Sequence
from typing import Any, BinaryIO

from fakes.simulation.cloud import Cloud, View

from panini_daemon.storage.errors import NotFound, RootLost, StoreFull, StoreUnavailable, UnsafeName
from panini_daemon.storage.names import split_path
from panini_daemon.storage.root import MARKER
from panini_daemon.storage.store import Entry, Stat


class Mount:
    """Every operation first lets time pass by `work`, then takes effect in one moment.

    While `away`, every operation fails; where it `lands`, a change is made all the same. While `full`, nothing is
    written. `changed` is called after each change. `tells`: whether it can be asked what was uploaded.
    """

    def __init__(
        self,
        cloud: Cloud,
        view: View,
        work: Callable[[], None],
        *,
        tells: bool,
        changed: "Callable[[Mount], None]" = lambda _: None,
    ) -> None:
        self.view = view
        self.away = False
        self.empty = False
        self.lands = False
        self.full = False
        self._cloud = cloud
        self._work = work
        self._tells = tells
        self._changed = changed

    def list(self, path: str) -> list[Entry]:
        self._enter(path)
        found = self._cloud.names(self.view, path)
        if path and not found:
            raise NotFound(f"{path}: no such folder")
        return [Entry(name, "folder" if is_folder else "file") for name, is_folder in found.items()]

    def stat(self, path: str) -> Stat:
        self._enter(path)
        found = self._cloud.find(self.view, path)
        if found is not None:
            return Stat("file", len(self._cloud.read(self.view, found[1])), found[1].stamp)
        if not path or self._cloud.is_folder(self.view, path):
            return Stat("folder", 0, 0)
        raise NotFound(f"{path}: not there")

    def read(self, path: str) -> bytes:
        self._enter(path)
        found = self._cloud.find(self.view, path)
        if found is None:
            raise NotFound(f"{path}: no such file")
        return self._cloud.read(self.view, found[1])

    def open(self, path: str) -> BinaryIO:
        return io.BytesIO(self.read(path))

    def write(self, path: str, data: bytes, *, durable: bool = True) -> None:
        self._enter(path, change=True)
        if self.full:
            raise StoreFull(f"{path}: no space left; free space")
        if not path or self._cloud.is_folder(self.view, path):
            raise UnsafeName(f"{path} is a folder; expected a file")
        self._cloud.write(self.view, path, bytes(data))
        self._leave(change=True)

    def put(self, path: str, source: Any, *, durable: bool = True, consume: bool = False) -> None:
        self.write(path, source.read_bytes())

    def sync(self, paths: Sequence[str]) -> None:
        """Do nothing: it says nothing about the cloud."""

    def arrived(self, paths: Sequence[str]) -> bool | None:
        self._enter("")
        return not any(self._cloud.pending(self.view, path) for path in paths) if self._tells else None

    def append(self, path: str, data: bytes) -> None:
        found = self._cloud.find(self.view, path)
        self.write(path, (self._cloud.read(self.view, found[1]) if found else b"") + data)

    def move(self, source: str, target: str) -> None:
        self._enter(source, change=True)
        moved = self._below(source)
        if not moved:
            raise NotFound(f"{source}: not there")
        for path, item, version in moved:
            self._cloud.move(self.view, item, version, target + path[len(source) :])
        self._leave(change=True)

    def delete(self, path: str) -> None:
        if not path:
            raise UnsafeName("the root itself is never deleted")
        self._enter(path, change=True)
        for _, item, _ in self._below(path):
            self._cloud.delete(self.view, item)
        self._leave(change=True)

    def check_root(self) -> None:
        self._enter("")
        if self._cloud.find(self.view, MARKER) is None:
            raise RootLost(f"no {MARKER}; mount it again")

    def _below(self, path: str) -> "list[tuple[str, Any, Any]]":
        found = self._cloud.find(self.view, path)
        return [(path, *found)] if found is not None else list(self._cloud.below(self.view, path))

    def _enter(self, path: str, *, change: bool = False) -> None:
        split_path(path)
        self._work()
        if self.away and not (change and self.lands and not self.empty):
            self._leave()

    def _leave(self, *, change: bool = False) -> None:
        if change:
            self._changed(self)
        if self.away:
            raise RootLost(f"no {MARKER}: an empty folder") if self.empty else StoreUnavailable("ENOTCONN")
