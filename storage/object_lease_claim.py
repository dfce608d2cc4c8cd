"""What a worker knows of one lease in an object store."""

import math
from dataclasses import dataclass

from panini_daemon.storage.lease_claim import LeaseState
from panini_daemon.storage.object_lease_record import LeaseRecord
from panini_daemon.storage.object_versions import Version


@dataclass(slots=True, eq=False)
class ObjectClaim:
    """A job that this worker holds, or wants and saw with another. Times are on this worker's monotonic clock.

    `record` and `version` are what was last written, `written` when that write began; `look_at` is when the next look
    at another's lease is of use.
    """

    record: LeaseRecord
    state: LeaseState
    version: Version | None = None
    written: float = -math.inf
    look_at: float = math.inf
    holder: str | None = None

    @property
    def key(self) -> str:
        """The job."""
        return self.record.job


@dataclass(frozen=True, slots=True)
class Leftover:
    """A lease of this worker's that is still to be given back, from `due` on."""

    record: LeaseRecord
    version: Version
    due: float
