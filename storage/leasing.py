"""What the daemon asks of leases, whoever keeps them: a folder (`leases`), a repository (`github.leases`), a bucket."""

from collections.abc import Callable, Mapping
from typing import Protocol

from panini_daemon.storage.errors import LeaseLost
from panini_daemon.storage.lease_claim import LeaseState


class Leasing(Protocol):
    """All claims of one worker; everything may be called from any thread."""

    def recover(self) -> Mapping[str, int]:
        """End what an earlier process of this worker left; return its jobs and attempts, where known at once."""

    def request(self, key: str) -> None:
        """Claim a job; no-op while the claim is settling or held."""

    def withdraw(self, key: str, *, done: bool = False) -> None:
        """Give up a claim, or forget a job that another worker has; `done`: it needs no lease again."""

    def release(self, key: str) -> None:
        """End a lease. Never raises for what keeps the leases."""

    def release_all(self) -> None:
        """End every claim, for a worker that stops."""

    def tick(self) -> None:
        """Move every claim on that is due."""

    def refresh(self) -> None:
        """Keep what is held; called often."""

    def state(self, key: str) -> LeaseState:
        """Tell how far the claim on a job got, without waiting."""

    def held(self, key: str) -> bool:
        """Tell whether the job is this worker's now, without waiting."""

    def ensure(self, key: str) -> None:
        """Raise LeaseLost unless the job is this worker's now."""

    def holder(self, key: str) -> str | None:
        """Return the worker that a job which is not this one's was seen with, None where none is known."""

    def attempt(self, key: str) -> int:
        """Return the number of this worker's claim: one above the dead claims before it, 0 for none."""

    def wake_in(self) -> float | None:
        """Return the seconds until the next `tick` is of use, None when nothing is waited for."""

    def sweep(self, is_done: Callable[[str], bool]) -> int:
        """Drop what is left of jobs for which `is_done`; return how many."""


def demand_held(leases: Leasing, key: str) -> None:
    """Raise LeaseLost unless a job is the worker's now."""
    state = leases.state(key)
    if state is not LeaseState.HELD:
        raise LeaseLost(
            f"the lease of {key} is {state.value}, expected held (holder: {leases.holder(key) or 'unknown'}); "
            "stop the work on it, whoever holds it does it again"
        )
