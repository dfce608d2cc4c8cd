"""A folder whose writes can be left half done, and whose power can be cut: what was not synced may then be gone."""

from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Literal

from fakes.memory_store import MemoryStore

from panini_daemon.storage.names import TEMPORARY_PREFIX, TEMPORARY_SUFFIX
from panini_daemon.storage.root import LOGS
from panini_daemon.storage.store import Entry

Leave = Callable[[], None]
"""Leaves one half-done state of an operation behind."""
Fate = Literal["new", "old", "empty"]
"""What a power cut makes of a file that was not synced: as written, as before it was written, or without content."""


class CrashDisk(MemoryStore):
    """A MemoryStore that knows what lies between two of its states.

    With `atomic` it is a disk: a write goes to a temporary file that is renamed, as LocalStore does it. Without, it is
    an object store or a mount without rename: a write that was broken off leaves a shorter file under the name, and a
    folder is moved file by file.
    """

    def __init__(self, *, atomic: bool = True) -> None:
        super().__init__()
        self.atomic = atomic
        self._unsynced: dict[str, bytes | None] = {}
        self._moves: list[dict[str, tuple[bytes | None, bytes | None]]] = []

    def copy(self) -> "CrashDisk":
        """Return another disk that holds the same."""
        other = CrashDisk(atomic=self.atomic)
        other._files, other._folders, other._stamp = dict(self._files), set(self._folders), self._stamp
        other._unsynced, other._moves = dict(self._unsynced), list(self._moves)
        return other

    def settle(self) -> None:
        """Bring everything onto the disk, as time does."""
        self._unsynced, self._moves = {}, []

    def state(self) -> int:
        """Return a number for all that matters of what the disk holds: the same number, the same disk."""
        held = frozenset((path, data) for path, data in self.files.items() if not path.startswith(f"{LOGS}/"))
        moved = tuple(frozenset(change.items()) for change in self._moves)
        unsynced = frozenset(item for item in self._unsynced.items() if not item[0].startswith(f"{LOGS}/"))
        return hash((held, frozenset(self._folders), unsynced, moved))

    @property
    def temporaries(self) -> list[str]:
        """What broken-off writes left, which no listing shows."""
        return [path for path in self.files if _is_temporary(path.rpartition("/")[2])]

    # The protocol, where it differs.

    def list(self, path: str) -> list[Entry]:
        return [entry for entry in super().list(path) if not _is_temporary(entry.name)]

    def write(self, path: str, data: bytes, *, durable: bool = True) -> None:
        before = self.files.get(path)
        super().write(path, data)
        self._note(path, before, durable=durable)

    def put(self, path: str, source: Path, *, durable: bool = True, consume: bool = False) -> None:
        before = self.files.get(path)
        super().put(path, source)
        self._note(path, before, durable=durable)

    def append(self, path: str, data: bytes) -> None:
        before = self.files.get(path)
        super().append(path, data)
        self._note(path, before, durable=False)

    def sync(self, paths: Sequence[str]) -> None:
        super().sync(paths)
        for path in paths:
            self._unsynced.pop(path, None)

    def move(self, source: str, target: str) -> None:
        self._change_names(lambda: MemoryStore.move(self, source, target))

    def delete(self, path: str) -> None:
        self._change_names(lambda: MemoryStore.delete(self, path))

    # What breaking off leaves.

    def halves(self, operation: str, path: str, data: bytes = b"", target: str = "") -> "list[Leave]":
        """Return what leaves each state that breaking an operation off in its middle can leave."""
        below = sorted(name for name in self.files if name == path or name.startswith(f"{path}/"))
        match operation:
            case "write" | "put":
                return [lambda part=part: self._leave(path, part) for part in (b"", data[: len(data) // 2])]
            case "append":
                return [lambda: MemoryStore.append(self, path, data[: len(data) // 2])]
            case "delete" if path in self._folders:
                return [lambda end=end: self._delete_all(below[:end]) for end in range(1, len(below) + 1)]
            case "move" if not self.atomic:
                return [lambda end=end: self._move_some(below[:end], path, target) for end in range(1, len(below) + 1)]
        return []

    def cut_power(self, fate: Callable[[str], Fate], kept_moves: int) -> None:
        """Lose what was not synced: each file has its `fate`, and of the renames and deletions the first ones stay.

        File systems with a journal bring those to the disk in order, at some time of their own.
        """
        for change in reversed(self._moves[kept_moves:]):
            if all(self.files.get(path) == after for path, (_, after) in change.items()):
                for path, (before, _) in change.items():
                    self._restore(path, before)
        for path, before in self._unsynced.items():
            if path in self.files:
                match fate(path):
                    case "old":
                        self._restore(path, before)
                    case "empty":
                        self._restore(path, b"")
                    case "new":
                        pass
        self._unsynced, self._moves = {}, []

    def power_cuts(self, seeds: Sequence[int]) -> "list[Callable[[CrashDisk], None]]":
        """Return ways to cut the power: all is lost, all is empty, all is there, and some drawn from seeds."""
        count = len(self._moves)
        cuts: list[Callable[[CrashDisk], None]] = [
            lambda disk: disk.cut_power(lambda _: "old", count),
            lambda disk: disk.cut_power(lambda _: "empty", count),
            lambda disk: disk.cut_power(lambda _: "new", 0),
            lambda disk: disk.cut_power(lambda _: "old", 0),
        ]
        return [*cuts, *(lambda disk, seed=seed: disk.cut_at_random(Random(seed)) for seed in seeds)]

    def cut_at_random(self, random: Random) -> None:
        """Cut the power, each fate drawn."""
        self.cut_power(lambda _: random.choice(("new", "old", "empty")), random.randint(0, len(self._moves)))

    def _note(self, path: str, before: bytes | None, *, durable: bool) -> None:
        if durable:
            self._unsynced.pop(path, None)
        else:
            self._unsynced.setdefault(path, before)

    def _change_names(self, act: Leave) -> None:
        before = self.files
        act()
        after = self.files
        changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
        if changed:
            self._moves.append({path: (before.get(path), after.get(path)) for path in changed})

    def _leave(self, path: str, part: bytes) -> None:
        folder, _, name = path.rpartition("/")
        place = f"{folder}/{TEMPORARY_PREFIX}{name}{TEMPORARY_SUFFIX}" if self.atomic else path
        MemoryStore.write(self, place, part)

    def _delete_all(self, paths: "Sequence[str]") -> None:
        for path in paths:
            self.delete(path)

    def _move_some(self, paths: "Sequence[str]", source: str, target: str) -> None:
        """Copy and delete file by file; the last one is copied and not deleted."""
        for path in paths:
            MemoryStore.write(self, target + path[len(source) :], self.files[path])
        self._delete_all(paths[:-1])

    def _restore(self, path: str, data: bytes | None) -> None:
        if data is None:
            self._files.pop(path, None)
        else:
            self._set(path, data)


def _is_temporary(name: str) -> bool:
    return name.startswith(TEMPORARY_PREFIX) and name.endswith(TEMPORARY_SUFFIX)
