"""What a worker saw of others' leases, and since when it saw no change. No clock but its own monotonic one enters."""

from collections.abc import Container
from dataclasses import dataclass

from panini_daemon.storage.object_versions import Listed


@dataclass(frozen=True, slots=True)
class _Sighting:
    tag: str
    since: float


class Sightings:
    """Sightings by job. A lease is dead when it was seen alike for `stale` seconds."""

    def __init__(self, stale: float) -> None:
        self._stale = stale
        self._seen: dict[str, _Sighting] = {}
        self._dead: dict[str, str] = {}

    def note(self, key: str, tag: str, looked: float, seen_at: float) -> bool:
        """Note how a lease was seen; tell whether it is dead.

        `looked` is when the request began, `seen_at` when the answer was there: a lease was surely unchanged from when
        it was first seen until when the last look began.
        """
        before = self._seen.get(key)
        if before is None or before.tag != tag:
            self._seen[key] = _Sighting(tag, seen_at)
            self._dead.pop(key, None)
            return False
        if looked - before.since < self._stale:
            return False
        self._dead[key] = tag
        return True

    def may_be_dead(self, key: str) -> bool:
        """Tell whether a lease was dead when it was last seen."""
        return key in self._dead

    def is_dead(self, key: str, now: Listed | None) -> bool:
        """Tell whether a lease was dead when it was last seen, and is still the same `now`."""
        return now is not None and self._dead.get(key) == now.tag

    def forget(self, key: str) -> None:
        """Drop what is known of a job's lease."""
        self._seen.pop(key, None)
        self._dead.pop(key, None)

    def retain(self, keys: Container[str]) -> None:
        """Drop what is known of jobs that are not among `keys`."""
        for key in [key for key in self._seen if key not in keys]:
            self.forget(key)
