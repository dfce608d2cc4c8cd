"""A worker's claims on the repository's jobs as it remembers them; nothing here waits for the network."""

import math
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from panini_daemon.storage.clock import Clock
from panini_daemon.storage.github.book_changes import KEPT, Changes, End, Revision
from panini_daemon.storage.github.book_ref import Reading
from panini_daemon.storage.github.lease_book import Book
from panini_daemon.storage.lease_claim import LeaseState

FRESH = 30.0
"""Seconds for which the book as last read answers for jobs that others have."""

_SWEPT = 100
"""Dead entries that are worth a write of their own."""


@dataclass(slots=True, eq=False)
class _Claim:
    """One claim. Times are on this worker's monotonic clock: when its renewal began, until when it surely holds."""

    nonce: str
    state: LeaseState = LeaseState.SETTLING
    attempt: int = 0
    renewed: float = -math.inf
    until: float = -math.inf
    holder: str | None = None


class ClaimTable:
    """Thread-safe. `refresh`, `stop` and `pace` are seconds; see `leases`."""

    def __init__(self, worker: str, process: str, *, clock: Clock, refresh: float, stop: float, pace: float) -> None:
        """Remember nothing yet."""
        self._worker, self._process, self._clock = worker, process, clock
        self._refresh, self._stop, self._pace = refresh, stop, pace
        self._lock = threading.Lock()
        self._claims: dict[str, _Claim] = {}
        self._ends: dict[str, End] = {}
        self._swept: frozenset[str] = frozenset()
        self._number = 0
        self._book = Book()
        self._date: datetime | None = None
        self._read_at = self._written_at = -math.inf
        self._recovering = True
        self._in_doubt = False
        self._news = False

    def request(self, key: str) -> bool:
        """Wish for a job; False where nothing is to be done: the claim is under way, or another worker's is known."""
        with self._lock:
            if self._state(key) in (LeaseState.SETTLING, LeaseState.HELD):
                return False
            self._claims.pop(key, None)
            if self._seen_state(key) is not LeaseState.IDLE:
                return False
            self._number += 1
            self._claims[key] = _Claim(f"{self._process}.{self._number}")
            return True

    def forget(self, key: str) -> bool:
        """Drop a claim; False where there is none."""
        with self._lock:
            return self._claims.pop(key, None) is not None

    def end(self, key: str, outcome: str | None) -> bool:
        """End a claim with what the job came to; False where there is none."""
        with self._lock:
            claim = self._claims.pop(key, None)
            if claim is not None and claim.state is not LeaseState.SETTLING:
                self._ends[key] = End(claim.nonce, outcome)
            return claim is not None

    def jobs(self) -> list[str]:
        """Return the jobs with a claim."""
        with self._lock:
            return list(self._claims)

    def state(self, key: str) -> LeaseState:
        """Tell how far the claim on a job got; without one, what the book as last read says, while that is fresh."""
        with self._lock:
            return self._state(key)

    def holder(self, key: str) -> str | None:
        """Return the worker that has or had a job instead of this one, as far as known."""
        with self._lock:
            if claim := self._claims.get(key):
                return claim.holder
            if (lease := self._book.leases.get(key)) and not self._owner().owns(lease):
                return lease.worker
            mark = self._book.over.get(key)
            return mark.worker if mark else None

    def attempt(self, key: str) -> int:
        """Return the number of a claim that was granted, 0 for any other."""
        with self._lock:
            claim = self._claims.get(key)
            return claim.attempt if claim else 0

    def recover(self) -> None:
        """Look into the book soon, for what an earlier process left."""
        with self._lock:
            self._in_doubt = self._in_doubt or self._recovering

    def dead(self) -> list[str]:
        """Return the jobs in the book as last read whose lease has expired or which are over for long."""
        with self._lock:
            if (date := self._date) is None:
                return []
            expired = [key for key, lease in self._book.leases.items() if lease.expires_at < date]
            return expired + [key for key, mark in self._book.over.items() if mark.at < date - KEPT]

    def sweep(self, keys: Iterable[str]) -> None:
        """Let dead entries of these jobs go with the next write."""
        with self._lock:
            self._swept = frozenset(keys)

    def due(self, *, hurry: bool = False) -> float:
        """Return when, on the monotonic clock, GitHub is to be asked: minus infinity for now, infinity for never."""
        with self._lock:
            now = self._clock.monotonic()
            held = [claim.renewed for claim in self._claims.values() if self._is_held(claim, now)]
            due = min(held, default=math.inf) + self._refresh
            if not self._has_wishes():
                return due
            # Whoever has work can wait: what comes meanwhile goes in the same write.
            return min(due, self._written_at + self._pace) if held and self._pace and not hurry else -math.inf

    def plan(self) -> Changes:
        """Return what is wanted of the book now; claims that were not renewed in time are lost here."""
        with self._lock:
            now = self._clock.monotonic()
            for claim in self._claims.values():
                if claim.state is LeaseState.HELD and not self._is_held(claim, now):
                    self._lose(claim, None)
            return self._changes()

    def take_reading(self, reading: Reading, began: float, revision: Revision) -> bool:
        """Take what the book says of the claims, read from `began` on; tell whether it has to be written."""
        with self._lock:
            self._book, self._date, self._read_at = reading.book, reading.date, began
            for key, verdict in revision.verdicts.items():
                claim = self._claims.get(key)
                if claim is None or verdict.state is LeaseState.HELD:
                    continue
                if verdict.state is LeaseState.LOST and claim.state is LeaseState.HELD:
                    self._lose(claim, verdict.holder)
                elif verdict.state is not LeaseState.LOST and claim.state is LeaseState.SETTLING:
                    del self._claims[key]
                    self._news = True
            due = any(
                key in self._claims and began - self._claims[key].renewed >= self._refresh for key in revision.renewed
            )
            needed = bool(revision.claimed or revision.ended or due or revision.swept > _SWEPT)
            self._in_doubt = needed
            if not needed:
                self._settle(revision)
            return needed

    def take_writing(self, reading: Reading, began: float, revision: Revision) -> None:
        """Take it that the revision was written; its leases run from `began`, before GitHub told its time."""
        with self._lock:
            now = self._clock.monotonic()
            self._book, self._date, self._read_at, self._written_at = revision.book, reading.date, began, now
            self._swept, self._in_doubt = frozenset(), False
            for key in (*revision.claimed, *revision.renewed):
                claim, lease = self._claims.get(key), revision.book.leases[key]
                if claim is None or claim.nonce != lease.nonce or claim.state is LeaseState.LOST:
                    continue
                if claim.state is LeaseState.HELD and not self._is_held(claim, now):
                    self._lose(claim, None)
                elif now < began + self._stop:
                    self._news = self._news or claim.state is LeaseState.SETTLING
                    claim.state, claim.attempt = LeaseState.HELD, lease.attempt
                    claim.renewed, claim.until = began, began + self._stop
            self._settle(revision)

    def take_news(self) -> bool:
        """Tell whether a claim changed since this was last asked."""
        with self._lock:
            news, self._news = self._news, False
            return news

    def _settle(self, revision: Revision) -> None:
        """The book is as it shall be: what an earlier process left is gone, ends are in it or came too late."""
        self._recovering = False
        leases = revision.book.leases
        self._ends = {
            key: end
            for key, end in self._ends.items()
            if (lease := leases.get(key)) is not None and lease.nonce == end.nonce
        }

    def _changes(self) -> Changes:
        claims = self._claims.items()
        return Changes(
            worker=self._worker,
            process=self._process,
            recovering=self._recovering,
            wanted={key: claim.nonce for key, claim in claims if claim.state is LeaseState.SETTLING},
            held={key: claim.nonce for key, claim in claims if claim.state is LeaseState.HELD},
            lost=frozenset(claim.nonce for _, claim in claims if claim.state is LeaseState.LOST),
            ended=dict(self._ends),
            swept=self._swept,
        )

    def _has_wishes(self) -> bool:
        if self._in_doubt or self._ends or len(self._swept) > _SWEPT:
            return True
        if any(claim.state is LeaseState.SETTLING for claim in self._claims.values()):
            return True
        changes = self._changes()
        return any(changes.is_stray(key, lease) for key, lease in self._book.leases.items())

    def _state(self, key: str) -> LeaseState:
        claim = self._claims.get(key)
        if claim is None:
            return self._seen_state(key)
        if claim.state is LeaseState.HELD and not self._is_held(claim, self._clock.monotonic()):
            return LeaseState.LOST
        return claim.state

    def _seen_state(self, key: str) -> LeaseState:
        if self._date is None or self._clock.monotonic() - self._read_at >= FRESH:
            return LeaseState.IDLE
        mark, lease = self._book.over.get(key), self._book.leases.get(key)
        if mark is not None and mark.worker != self._worker:
            return LeaseState.OVER
        if lease is not None and not self._owner().owns(lease) and lease.expires_at >= self._date:
            return LeaseState.TAKEN
        return LeaseState.IDLE

    def _owner(self) -> Changes:
        return Changes(self._worker, self._process, self._recovering)

    def _is_held(self, claim: _Claim, now: float) -> bool:
        return claim.state is LeaseState.HELD and now < claim.until

    def _lose(self, claim: _Claim, holder: str | None) -> None:
        claim.state, claim.holder, self._news = LeaseState.LOST, holder, True
