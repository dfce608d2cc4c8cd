"""One folder as several machines see it through a cloud: late, out of order, at times incomplete."""

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import BinaryIO

from panini_daemon.storage.errors import NotFound, RootLost, UnsafeName
from panini_daemon.storage.names import split_path
from panini_daemon.storage.store import Entry, Stat


@dataclass(slots=True)
class _Version:
    """A content (None: deleted) and when each view sees that it is there, and sees it whole."""

    data: bytes | None
    stamp: int
    named_at: dict[str, float]
    whole_at: dict[str, float]
    partial: int


@dataclass(slots=True)
class _Object:
    """A file of the cloud. Two of them may have one name."""

    path: str
    versions: list[_Version] = field(default_factory=list)


class DelayedFolder:
    """The cloud's side. Each change shows to each other view after its own delay in [min_delay, max_delay].

    `time` gives seconds common to all machines; `work` is called by every operation before its effect, and may
    let time pass. The writer's own view shows its changes at once.
    """

    def __init__(
        self,
        time: Callable[[], float],
        random: Random,
        *,
        max_delay: float,
        min_delay: float = 0.0,
        work: Callable[[], None] = lambda: None,
    ) -> None:
        self.time = time
        self.work = work
        self.max_delay = max_delay
        self._min_delay = min_delay
        self._random = random
        self._views: list[str] = []
        self._objects: list[_Object] = []
        self._stamp = 0

    def view(self, name: str) -> "DelayedStore":
        """Return the folder as a new machine sees it. Make all views before the first write."""
        self._views.append(name)
        return DelayedStore(self, name)

    def change(self, view: str, item: _Object, data: bytes | None) -> None:
        """Add a version of `item`, written by `view`."""
        now, draw = self.time(), self._random.uniform
        whole_at = {other: now + draw(self._min_delay, self.max_delay) for other in self._views}
        named_at = {other: draw(now + self._min_delay, whole) for other, whole in whole_at.items()}
        whole_at[view] = named_at[view] = now
        self._stamp += 1
        partial = self._random.choice((0, len(data or b"") // 2))
        # What all views have seen replaced is seen by none again.
        last = max((n for n, old in enumerate(item.versions) if max(old.whole_at.values()) <= now), default=0)
        item.versions = [*item.versions[last:], _Version(data, self._stamp, named_at, whole_at, partial)]

    def create(self, view: str, path: str, data: bytes) -> None:
        """Add a file, though another one may have the name."""
        self._objects.append(_Object(path))
        self.change(view, self._objects[-1], data)

    def visible(self, view: str) -> dict[str, tuple[_Object, _Version]]:
        """Return what a view shows, by path; a second file of one name is `name (1).ext`."""
        now = self.time()
        self._objects = [item for item in self._objects if not _is_gone(item, now)]
        shown: dict[str, tuple[_Object, _Version]] = {}
        for item in self._objects:
            version = next((old for old in reversed(item.versions) if old.named_at[view] <= now), None)
            if version is not None and version.data is not None:
                shown[_free_name(item.path, shown)] = (item, version)
        return shown


class DelayedStore:
    """One machine's view, as a Store.

    Set `outage` to an error to have every operation raise it; with `lands`, writes and deletions have their effect
    all the same.
    """

    def __init__(self, folder: DelayedFolder, name: str) -> None:
        self._folder = folder
        self._name = name
        self.outage: Exception | None = None
        self.lands = False
        self.lost = False

    def list(self, path: str) -> list[Entry]:
        prefix = f"{path}/" if path else ""
        found: dict[str, Entry] = {}
        for shown in self._visible(path):
            if shown.startswith(prefix):
                name, _, below = shown[len(prefix) :].partition("/")
                found[name] = Entry(name, "folder" if below else "file")
        if path and not found:
            raise NotFound(f"{path}: no such folder")
        return list(found.values())

    def stat(self, path: str) -> Stat:
        visible = self._visible(path)
        if path in visible:
            return Stat("file", len(self._data(visible[path][1])), visible[path][1].stamp)
        if not path or any(shown.startswith(f"{path}/") for shown in visible):
            return Stat("folder", 0, 0)
        raise NotFound(f"{path}: not there")

    def read(self, path: str) -> bytes:
        visible = self._visible(path)
        if path not in visible:
            raise NotFound(f"{path}: no such file")
        return self._data(visible[path][1])

    def open(self, path: str) -> BinaryIO:
        return io.BytesIO(self.read(path))

    def write(self, path: str, data: bytes, *, durable: bool = True) -> None:
        visible = self._visible(path, lands=self.lands)
        if not path or any(shown.startswith(f"{path}/") for shown in visible):
            raise UnsafeName(f"{path} is a folder; expected a file")
        if path in visible:
            self._folder.change(self._name, visible[path][0], bytes(data))
        else:
            self._folder.create(self._name, path, bytes(data))
        self._fail()

    def put(self, path: str, source: Path, *, durable: bool = True, consume: bool = False) -> None:
        self.write(path, source.read_bytes())

    def sync(self, paths: Sequence[str]) -> None:
        """Do nothing: a mount's own delays are what this store is about."""

    def arrived(self, paths: Sequence[str]) -> bool | None:
        return None

    def append(self, path: str, data: bytes) -> None:
        visible = self._visible(path)
        self.write(path, (self._data(visible[path][1]) if path in visible else b"") + data)

    def move(self, source: str, target: str) -> None:
        moved = list(self._below(source))
        if not moved:
            raise NotFound(f"{source}: not there")
        for path in moved:
            self.write(target + path[len(source) :], self.read(path))
            self.delete(path)

    def delete(self, path: str) -> None:
        if not path:
            raise UnsafeName("the root itself is never deleted")
        for shown, (item, _) in self._visible(path, lands=self.lands).items():
            if shown == path or shown.startswith(f"{path}/"):
                self._folder.change(self._name, item, None)
        self._fail()

    def check_root(self) -> None:
        self._visible("")

    def _below(self, path: str) -> Iterator[str]:
        for shown in self._visible(path):
            if shown == path or shown.startswith(f"{path}/"):
                yield shown

    def _visible(self, path: str, *, lands: bool = False) -> dict[str, tuple[_Object, _Version]]:
        split_path(path)
        self._folder.work()
        if self.lost:
            raise RootLost("the mount went away; mount it again")
        if not lands:
            self._fail()
        return self._folder.visible(self._name)

    def _fail(self) -> None:
        if self.outage is not None:
            raise self.outage

    def _data(self, version: _Version) -> bytes:
        data = version.data or b""
        return data if version.whole_at[self._name] <= self._folder.time() else data[: version.partial]


def _is_gone(item: _Object, now: float) -> bool:
    last = item.versions[-1]
    return last.data is None and max(last.named_at.values()) <= now


def _free_name(path: str, shown: dict[str, tuple[_Object, _Version]]) -> str:
    name, number = path, 0
    folder, slash, last = path.rpartition("/")
    stem, dot, ending = last.rpartition(".")
    while name in shown:
        number += 1
        name = f"{folder}{slash}{stem} ({number}).{ending}" if dot else f"{path} ({number})"
    return name
