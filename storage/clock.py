"""Time, passed in, so that tests never wait."""

import time
from datetime import UTC, datetime
from typing import Protocol

_CLOCK: int | None = getattr(time, "CLOCK_BOOTTIME", None)


class Clock(Protocol):
    """What code that measures or stamps time is given."""

    def monotonic(self) -> float:
        """Return seconds on a clock that never goes back; only differences mean something."""

    def now(self) -> datetime:
        """Return the wall-clock time, in UTC."""


class SystemClock:
    """The machine's own clock."""

    def monotonic(self) -> float:
        """Return seconds that count on while the machine sleeps, where it can tell them.

        A worker that wakes up must see how long its leases were left alone; `time.monotonic` stands still meanwhile.
        """
        return time.clock_gettime(_CLOCK) if _CLOCK is not None else time.monotonic()

    def now(self) -> datetime:
        """Return the current time in UTC."""
        return datetime.now(UTC)


def iso(moment: datetime) -> str:
    """Format a UTC time as ISO 8601 with milliseconds, ending in Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
