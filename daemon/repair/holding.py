"""The leases of a repair: one that keeps other repairs away, and those of jobs whose chunks it touches.

As for workers they only save work: every step is safe without. They are claimed when the first change is due.
"""

from collections.abc import Callable, Collection
from types import TracebackType
from typing import Self

from panini_daemon.errors import RepairRunning
from panini_daemon.storage.lease_claim import LeaseState
from panini_daemon.storage.leasing import Leasing

KEY = "verify-repair"
"""What stands for the job in the lease that keeps other repairs away; no job's id is like it."""
_LOOK = 1.0
"""Seconds between two looks at claims that settle, at most."""


class Holding:
    """Claims leases and keeps them until it is left; `sleep` waits the given seconds."""

    def __init__(self, leases: Leasing, sleep: Callable[[float], object]) -> None:
        """Claim nothing yet."""
        self._leases, self._sleep = leases, sleep

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give all leases back."""
        self._leases.release_all()

    def ready(self) -> None:
        """Make sure that no other repair is at work. Raises RepairRunning, StoreUnavailable."""
        self._leases.refresh()
        if self._leases.held(KEY):
            return
        if self.hold([KEY]):
            raise RepairRunning(
                f"another repair is at work on this tree ({self._leases.holder(KEY) or 'unknown'}); expected to be the "
                "only one; wait for its end, or, if it was killed, until its lease is stale"
            )

    def hold(self, jobs: Collection[str]) -> Collection[str]:
        """Claim the leases of jobs and wait until it is known who has them; return those that are not ours."""
        for job in sorted(jobs):
            self._leases.request(job)
        while any(self._leases.state(job) is LeaseState.SETTLING for job in jobs):
            self._leases.tick()
            self._leases.refresh()
            if any(self._leases.state(job) is LeaseState.SETTLING for job in jobs):
                self._sleep(min(self._leases.wake_in() or _LOOK, _LOOK))
        return {job for job in jobs if not self._leases.held(job)}
