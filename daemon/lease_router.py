"""Leases of two kinds behind one interface: the folder's for its own jobs, the repository's for the repository's."""

from collections.abc import Callable, Iterable, Mapping

from panini_daemon.storage.lease_claim import LeaseState
from panini_daemon.storage.leasing import Leasing


class LeaseRouter:
    """Sends each job to the leases that it belongs to, by `is_from_repository`."""

    def __init__(self, folder: Leasing, repository: Leasing, is_from_repository: Callable[[str], bool]) -> None:
        """Take both."""
        self._folder, self._repository, self._is_from_repository = folder, repository, is_from_repository

    def recover(self) -> Mapping[str, int]:
        """Take up or drop what an earlier process of this worker left."""
        return {**self._repository.recover(), **self._folder.recover()}

    def request(self, key: str) -> None:
        """Claim a job."""
        self._of(key).request(key)

    def withdraw(self, key: str, *, done: bool = False) -> None:
        """Give up a claim."""
        self._of(key).withdraw(key, done=done)

    def release(self, key: str) -> None:
        """End a lease."""
        self._of(key).release(key)

    def release_all(self) -> None:
        """End every claim in the folder; those in the repository end with the connection, which may be slow."""
        self._folder.release_all()

    def tick(self) -> None:
        """Move every claim on that is due."""
        for leases in self._both():
            leases.tick()

    def refresh(self) -> None:
        """Keep what is held."""
        for leases in self._both():
            leases.refresh()

    def state(self, key: str) -> LeaseState:
        """Tell how far the claim on a job got."""
        return self._of(key).state(key)

    def held(self, key: str) -> bool:
        """Tell whether the job is this worker's now."""
        return self._of(key).held(key)

    def ensure(self, key: str) -> None:
        """Raise LeaseLost unless the job is this worker's now."""
        self._of(key).ensure(key)

    def holder(self, key: str) -> str | None:
        """Return the worker that has the job, where it is known."""
        return self._of(key).holder(key)

    def attempt(self, key: str) -> int:
        """Return the number of this worker's claim."""
        return self._of(key).attempt(key)

    def wake_in(self) -> float | None:
        """Return the seconds until the next `tick` is of use."""
        return min((wait for leases in self._both() if (wait := leases.wake_in()) is not None), default=None)

    def sweep(self, is_done: Callable[[str], bool]) -> int:
        """Delete what is left of jobs that are over."""
        return sum(leases.sweep(is_done) for leases in self._both())

    def _of(self, key: str) -> Leasing:
        return self._repository if self._is_from_repository(key) else self._folder

    def _both(self) -> Iterable[Leasing]:
        return (self._folder, self._repository)
