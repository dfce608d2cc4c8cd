"""What this worker saw of the others' lease files, and since when it saw no change."""

from collections.abc import Container, Iterable
from dataclasses import dataclass

from panini_daemon.storage.clock import Clock
from panini_daemon.storage.errors import NotFound
from panini_daemon.storage.lease_entry import EntryName, Mark, parse_content
from panini_daemon.storage.store import Store


@dataclass(slots=True)
class Rival:
    """Another worker's entry.

    `mark` is its last valid content (None: never valid, which is no lock), `changed` when its content was
    first seen as it is now, on this worker's monotonic clock.
    """

    name: EntryName
    data: bytes
    mark: Mark | None
    changed: float
    stale: bool = False

    @property
    def is_live(self) -> bool:
        """Whether the entry counts as a claim."""
        return self.mark is not None and not self.stale


class Rivals:
    """Observations by key and file. No wall clock and no file time enters: only change, seen by us, counts."""

    def __init__(self, store: Store, folder: str, clock: Clock, stale: float) -> None:
        self._store = store
        self._folder = folder
        self._clock = clock
        self._stale = stale
        self._seen: dict[str, dict[str, Rival]] = {}

    def look(self, key: str, files: Iterable[tuple[str, EntryName]]) -> list[Rival]:
        """Read the listed files of other workers that concern `key`; return what they are now.

        A file that is no longer listed is forgotten: the caller has made sure that the root is there.
        """
        listed = dict(files)
        known = self._seen.get(key, {})
        now_known: dict[str, Rival] = {}
        for file, name in listed.items():
            began = self._clock.monotonic()
            try:
                data = self._store.read(f"{self._folder}/{file}")
            except NotFound:
                continue
            now_known[file] = self._compare(known.get(file), name, data, began)
        if now_known:
            self._seen[key] = now_known
        else:
            self._seen.pop(key, None)
        return list(now_known.values())

    def _compare(self, before: Rival | None, name: EntryName, data: bytes, began: float) -> Rival:
        if before is None:
            return Rival(name, data, parse_content(data, name), self._clock.monotonic())
        if before.data != data:
            mark = parse_content(data, name) or before.mark
            return Rival(name, data, mark, self._clock.monotonic())
        # From when it was surely seen until when it was surely still the same.
        before.stale = began - before.changed >= self._stale
        return before

    def stale(self, key: str) -> dict[str, EntryName]:
        """Return the files of `key` that were stale at the last look."""
        return {file: rival.name for file, rival in self._seen.get(key, {}).items() if rival.stale}

    def retain(self, keys: Container[str]) -> None:
        """Drop what is known of jobs that are not among `keys`."""
        for key in [key for key in self._seen if key not in keys]:
            del self._seen[key]

    def forget(self, key: str) -> None:
        """Drop what is known of `key`."""
        self._seen.pop(key, None)
