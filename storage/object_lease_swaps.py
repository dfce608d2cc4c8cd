"""One worker's writes to leases in an object store; each is a compare-and-swap, and knows its own work again.

A write can be done though its answer was lost. So where one is refused, the object is read: if it is of the very
claim, this worker had written it itself, and goes on from there.
"""

from collections.abc import Iterable
from dataclasses import replace

from panini_daemon.storage.clock import Clock, iso
from panini_daemon.storage.object_lease_record import FREE, LeaseRecord, job_of, lease_name, parse_record
from panini_daemon.storage.object_versions import Listed, Version, Versions

_TRIES = 3
"""Writes in a row that come second before a lease counts as another's for now."""


class LeaseSwaps:
    """The leases in `folder`. All of it may raise StorageError, and then a write may be done or not."""

    def __init__(self, versions: Versions, clock: Clock, folder: str) -> None:
        self._versions, self._clock, self._folder = versions, clock, folder

    def list(self) -> dict[str, Listed]:
        """Return all leases by job."""
        listed = self._versions.list(self._folder)
        return {key: lease for name, lease in listed.items() if (key := job_of(name)) is not None}

    def read(self, key: str) -> tuple[bytes, Version] | None:
        """Return a lease's content, None where there is none."""
        return self._versions.read(self._path(key))

    def create(self, record: LeaseRecord) -> Version | None:
        """Make a lease; None where there is one."""
        return self._versions.create(self._path(record.job), self._encode(record))

    def take(self, record: LeaseRecord, version: Version) -> Version | None:
        """Overwrite a lease that is still `version`; None where it is not."""
        return self._versions.update(self._path(record.job), self._encode(record), version)

    def renew(self, record: LeaseRecord, version: Version) -> tuple[LeaseRecord, Version | None]:
        """Rewrite a lease of this claim's; where it is another's now, return that one's record and None.

        A lease that was deleted is not made again: then its own record is returned, and None.
        """
        for _ in range(_TRIES):
            record = replace(record, sequence=record.sequence + 1)
            if (written := self.take(record, version)) is not None:
                return record, written
            found = self.read(record.job)
            other = parse_record(found[0], record.job) if found else record
            if found is None or other is None or other.claim != record.claim:
                return other or record, None
            record, version = replace(record, sequence=max(record.sequence, other.sequence)), found[1]
        return record, None

    def free(self, record: LeaseRecord, version: Version) -> None:
        """Empty a lease if it is still this claim's."""
        for _ in range(_TRIES):
            if self._versions.update(self._path(record.job), FREE, version) is not None:
                return
            found = self.read(record.job)
            other = parse_record(found[0], record.job) if found else None
            if found is None or other is None or other.claim != record.claim:
                return
            version = found[1]

    def delete(self, keys: Iterable[str]) -> None:
        """Delete the leases of jobs that are over."""
        self._versions.delete([self._path(key) for key in keys])

    def _path(self, key: str) -> str:
        return f"{self._folder}/{lease_name(key)}"

    def _encode(self, record: LeaseRecord) -> bytes:
        return record.encode(iso(self._clock.now()))
