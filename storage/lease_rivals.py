"""What this worker saw of the others' lease files, and since when it saw no change."""

from collections.abc import Container, Iterable
from dataclasses import dataclass

from panini_daemon.storage.clock import Clock
from panini_daemon.storage.errors import NotFound, StoreUnavailable
from panini_daemon.storage.lease_entry import EntryName, Mark, parse_content, read_content
from panini_daemon.storage.lease_timing import LeaseTiming
from panini_daemon.storage.store import Store


@dataclass(slots=True)
class Rival:
    """Another worker's entry. Times are on this worker's monotonic clock.

    `mark` is the last valid content, None where there never was one. `changed` is when the content was first
    seen as it is now, `looked` when it was last seen.
    """

    name: EntryName
    data: bytes
    mark: Mark | None
    changed: float
    looked: float
    stale: bool = False

    @property
    def is_live(self) -> bool:
        """Whether the entry counts as a claim. An empty lock is no lock."""
        return self.mark is not None and not self.stale

    @property
    def is_arriving(self) -> bool:
        """Whether the entry may yet turn out to be a claim: its content was never readable so far."""
        return self.mark is None and not self.stale


class Rivals:
    """Observations by key and file. No wall clock and no file time enters: only change, seen by us, counts."""

    def __init__(self, store: Store, folder: str, clock: Clock, timing: LeaseTiming) -> None:
        self._store = store
        self._folder = folder
        self._clock = clock
        self._timing = timing
        self._seen: dict[str, dict[str, Rival]] = {}

    def look(self, key: str, files: Iterable[tuple[str, EntryName]], *, over: bool = False) -> list[Rival]:
        """Read the listed files of other workers that concern `key`; return what they are now.

        `over`: the job needs no lease any more, so that no claim is wronged by taking it for dead. A file that is
        no longer listed is forgotten: the caller has made sure that the root is there. On a late folder, one that is
        listed and cannot be read counts as unchanged: mounts list for a while what another worker has deleted, and
        answer its reading with an I/O error. Raises StoreUnavailable.
        """
        listed = dict(files)
        known = self._seen.get(key, {})
        now_known: dict[str, Rival] = {}
        for file, name in listed.items():
            began = self._clock.monotonic()
            try:
                data = read_content(self._store, f"{self._folder}/{file}")
            except NotFound:
                continue
            except StoreUnavailable:
                if self._timing.settle == 0:
                    raise  # a coherent folder lists nothing that is not there
                self._store.check_root()
                data = known[file].data if file in known else b""
            now_known[file] = self._compare(known.get(file), name, data, began, over=over)
        if now_known:
            self._seen[key] = now_known
        else:
            self._seen.pop(key, None)
        return list(now_known.values())

    def _compare(self, before: Rival | None, name: EntryName, data: bytes, began: float, *, over: bool) -> Rival:
        now = self._clock.monotonic()
        mark = parse_content(data, name)
        if before is None or before.data != data:
            return Rival(name, data, mark or (before.mark if before else None), changed=now, looked=now)
        if mark is None and not over and began - before.looked > 2 * self._timing.refresh:
            # Any rewrite may be seen cut short, each time alike: only frequent looks tell it from a dead one.
            before.changed = now
        before.looked = now
        # From when it was surely seen until when it was surely still the same.
        before.stale = began - before.changed >= self._timing.stale
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
