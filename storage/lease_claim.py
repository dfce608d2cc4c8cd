"""This worker's own claims on jobs, and their files."""

import math
from dataclasses import dataclass
from enum import StrEnum

from panini_daemon.storage.lease_entry import EntryName, Mark


class LeaseState(StrEnum):
    """How far a claim got.

    IDLE: there is none; it may be requested. SETTLING: requested, waiting for who else claims. HELD: ours.
    TAKEN: another worker's; becomes IDLE when that one's entries are gone or stale. LOST: it was ours and
    no longer is; stop the work. OVER: another worker has finished the job; there is nothing left to do.
    """

    IDLE = "idle"
    SETTLING = "settling"
    HELD = "held"
    TAKEN = "taken"
    LOST = "lost"
    OVER = "over"


@dataclass(slots=True, eq=False)
class Claim:
    """One claim. Times are on this worker's monotonic clock.

    `mark` and `sequence` are what the file says, `written` when its last successful write began, `look_at`
    when the next look at the folder is of use, `give_way_until` until when the lowest claim waits for higher
    ones.
    """

    name: EntryName
    file: str
    written: float
    look_at: float
    state: LeaseState = LeaseState.SETTLING
    mark: Mark = "intent"
    sequence: int = 0
    holder: str | None = None
    give_way_until: float = math.inf

    @property
    def key(self) -> str:
        """The job."""
        return self.name.key
