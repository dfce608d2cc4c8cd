"""Leases on a repository's jobs, kept in the repository: no two workers have one job, whatever folders they write to.

All leases are in one book (`lease_book`) behind one reference, which is changed by compare-and-swap (`book_ref`).
Who was beaten to it reads again and decides anew, so that of all who want a job exactly one gets it.

Time: a lease expires by GitHub's clock, as its answers tell it, which all workers share; the machines' wall clocks
do not matter. A holder stops by itself, measured on its monotonic clock from before the answer that its lease's
time was counted from, when three quarters of that time are over and no renewal came through: the last quarter is
far more than clocks can differ. Renewals come every sixth.

Cost: an exchange reads the reference, free where nobody has moved it, and if somebody else has, the book with one
request more; then it writes with three requests if anything is to be written. All claims, renewals and ends that
are due go into one exchange, so it does not matter how many jobs there are. GitHub bears about 500 writes an hour:
`pace` is how many seconds a worker that holds leases waits between two exchanges for claims and ends to gather.

Deleting the reference ends every lease: nothing that was held is made anew. Do it only while no worker runs.
"""

import contextlib
import math
import random
import threading
from collections.abc import Callable, Mapping

from panini_daemon.storage.clock import Clock
from panini_daemon.storage.errors import StorageError
from panini_daemon.storage.github.book_changes import revise
from panini_daemon.storage.github.book_ref import BookRef
from panini_daemon.storage.github.claim_table import ClaimTable
from panini_daemon.storage.github.client import Client
from panini_daemon.storage.github.errors import GithubConflict, GithubError, GithubRefused
from panini_daemon.storage.github.lease_book import OUTCOMES, REF
from panini_daemon.storage.lease_claim import LeaseState
from panini_daemon.storage.leasing import demand_held

_TRIES = 5
_PAUSE = 0.5
"""Seconds, at most, before the second try of an exchange; twice that before the next."""
_RESPITE = (1.0, 5.0)
"""Seconds between which the wait lies that follows when all tries were lost."""
_LAST_WAIT = 10.0
"""Seconds that the end waits for an exchange that is under way."""


class GithubLeases:
    """All claims of one worker, whose name no other living process has.

    `turn` talks with GitHub, from a thread of its own that waits on `woken`; of the rest only `release_all` does.
    `stale` is how many seconds a lease lasts, `nonce` returns what tells processes apart, `outcome_of` tells whether
    a job has come to its end here (`done` or `failed`), `pending` whether the repository still has it, `changed` is
    called when a claim got further.
    """

    def __init__(
        self,
        client: Client,
        worker: str,
        *,
        clock: Clock,
        stale: float = 1800.0,
        nonce: Callable[[], str],
        outcome_of: Callable[[str], str | None],
        pending: Callable[[str], bool],
        changed: Callable[[], None] = lambda: None,
        jitter: random.Random,
        sleep: Callable[[float], object],
        pace: float = 0.0,
    ) -> None:
        """Ask nothing yet. ValueError for a `stale` below a minute: clocks differ by seconds."""
        if not 60 <= stale < math.inf:
            raise ValueError(f"leases of {stale} s; expected at least 60 s, so that seconds do not matter")
        self.woken = threading.Event()
        """Set when `turn` has something to do."""
        self._clock, self._worker, self._stale = clock, worker, stale
        self._outcome_of, self._pending, self._changed = outcome_of, pending, changed
        self._jitter, self._sleep = jitter, sleep
        self._book = BookRef(client)
        self._table = ClaimTable(worker, nonce(), clock=clock, refresh=stale / 6, stop=stale * 0.75, pace=pace)
        self._turning = threading.Lock()
        self._not_before = -math.inf

    def turn(self) -> float:
        """Exchange with GitHub what is due; return how many seconds the next turn may wait, infinity for ever.

        Raises GithubError; what was wished for stays so, and what is held runs out if that goes on.
        """
        with self._turning:
            return self._turn()

    def recover(self) -> Mapping[str, int]:
        """Let the next turn end what an earlier process of this worker left; which jobs is not known yet."""
        self._table.recover()
        self.woken.set()
        return {}

    def request(self, key: str) -> None:
        """Wish for a job; no-op while the claim is settling or held, or another worker is known to have the job."""
        if self._table.request(key):
            self.woken.set()

    def withdraw(self, key: str, *, done: bool = False) -> None:  # noqa: ARG002  the book tells nothing by it
        """Give up a claim; the book's entry goes with the next exchange."""
        if self._table.forget(key):
            self.woken.set()

    def release(self, key: str) -> None:
        """End a lease; where the job has come to its end, the book says so to all workers."""
        if self._end(key):
            self.woken.set()

    def release_all(self) -> None:
        """End every claim, and tell GitHub if it can be told now; leases that stay in the book expire."""
        for key in self._table.jobs():
            self._end(key)
        if self._turning.acquire(timeout=_LAST_WAIT):
            try:
                self._not_before = -math.inf
                with contextlib.suppress(GithubError):
                    self._turn(hurry=True)
            finally:
                self._turning.release()

    def tick(self) -> None:
        """Do nothing: `turn` moves claims on."""

    def refresh(self) -> None:
        """Do nothing: `turn` renews what is held."""

    def state(self, key: str) -> LeaseState:
        """Tell how far the claim on a job got; TAKEN and OVER are forgotten after half a minute."""
        return self._table.state(key)

    def held(self, key: str) -> bool:
        """Tell whether the job is this worker's now."""
        return self.state(key) is LeaseState.HELD

    def ensure(self, key: str) -> None:
        """Raise LeaseLost unless the job is this worker's now."""
        demand_held(self, key)

    def holder(self, key: str) -> str | None:
        """Return the worker that has or ended a job instead of this one; None where none is known."""
        return self._table.holder(key)

    def attempt(self, key: str) -> int:
        """Return the number of this worker's claim: one above the dead claims before it, 0 until it was granted."""
        return self._table.attempt(key)

    def wake_in(self) -> float | None:
        """Return None: `changed` tells when a claim got further."""
        return None

    def sweep(self, is_done: Callable[[str], bool]) -> int:  # noqa: ARG002  jobs that left the repository are told by `pending`
        """Note which dead entries of jobs that left the repository may go with the next write; return how many."""
        dead = [key for key in self._table.dead() if not self._pending(key)]
        self._table.sweep(dead)
        return len(dead)

    def _end(self, key: str) -> bool:
        outcome: str | None = None
        if self.state(key) in (LeaseState.HELD, LeaseState.LOST):
            with contextlib.suppress(StorageError):  # then the job just becomes free
                outcome = self._outcome_of(key)
        return self._table.end(key, outcome if outcome in OUTCOMES else None)

    def _turn(self, *, hurry: bool = False) -> float:
        now, due = self._clock.monotonic(), self._table.due(hurry=hurry)
        if max(due, self._not_before) <= now:
            try:
                self._exchange()
            finally:
                if self._table.take_news():
                    self._changed()
        wait = max(self._table.due(), self._not_before) - self._clock.monotonic()
        return max(0.0, wait)

    def _exchange(self) -> None:
        commits = set()
        lost: GithubConflict | None = None
        for tries in range(_TRIES):
            if tries:
                self._sleep(self._jitter.uniform(0, _PAUSE * 2.0 ** (tries - 1)))
            began = self._clock.monotonic()
            reading = self._book.read()
            commits.add(reading.commit)
            revision = revise(reading.book, self._table.plan(), now=reading.date, stale=self._stale)
            if not self._table.take_reading(reading, began, revision):
                return
            try:
                self._book.write(reading, revision.book, revision.describe(self._worker))
            except GithubConflict as error:
                lost = error
                continue
            self._table.take_writing(reading, began, revision)
            return
        if len(commits) == 1:
            raise GithubRefused(
                f"{REF} cannot be moved although nobody else moved it; does a rule of the repository forbid it? {lost}"
            )
        self._not_before = self._clock.monotonic() + self._jitter.uniform(*_RESPITE)
