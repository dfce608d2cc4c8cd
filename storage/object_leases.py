"""Leases on jobs in an object store, by compare-and-swap: no two workers ever hold one job.

A lease is one object a job. It is made only where there is none, and renewed, taken over and given back only as it was
read; whoever comes second is refused. Who saw no change of it for `stale` seconds on their own monotonic clock takes
it over; a holder that could not renew it for `stop` seconds, which is less, has stopped by itself before that. It is
given back by emptying it, as a deletion cannot be conditional; `sweep` deletes what jobs that are over left behind.
A job that nobody contends for costs two writes, and one more for each `refresh` seconds that it takes.
"""

import math
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from panini_daemon.storage.clock import Clock
from panini_daemon.storage.errors import StorageError
from panini_daemon.storage.lease_claim import LeaseState
from panini_daemon.storage.lease_timing import LeaseTiming
from panini_daemon.storage.leasing import demand_held
from panini_daemon.storage.object_lease_claim import Leftover, ObjectClaim
from panini_daemon.storage.object_lease_record import LeaseRecord, lease_name, parse_record
from panini_daemon.storage.object_lease_sightings import Sightings
from panini_daemon.storage.object_lease_swaps import LeaseSwaps
from panini_daemon.storage.object_versions import Version, Versions, tag_of
from panini_daemon.storage.root import LEASES

_TRIES = 3
_AT_ONCE = 8  # leases given back by a worker that ends


class ObjectLeases:
    """All claims of one worker, whose name no other living process has.

    `_turn` orders whole calls that work on claims; `refresh`, `held` and `ensure` do not take it, so that none waits
    for a slow request. `_lock` guards a claim's state for the moment of a change, never during a request.
    """

    def __init__(
        self,
        versions: Versions,
        worker: str,
        *,
        clock: Clock,
        timing: LeaseTiming,
        nonce: Callable[[], str],
        folder: str = LEASES,
    ) -> None:
        self._worker, self._clock, self._timing, self._nonce = worker, clock, timing, nonce
        self._swaps = LeaseSwaps(versions, clock, folder)
        self._claims: dict[str, ObjectClaim] = {}
        self._attempts: dict[str, int] = {}
        self._own: dict[str, set[tuple[str, str]]] = {}
        self._seen = Sightings(timing.stale)
        self._leftovers: dict[str, Leftover] = {}
        self._turn, self._lock = threading.RLock(), threading.Lock()

    def recover(self) -> Mapping[str, int]:
        """Give back what an earlier process of this worker left; return its jobs and their attempts.

        Reads every lease that is held. Call it at start. Raises StorageError.
        """
        with self._turn:
            left: dict[str, int] = {}
            for key, lease in self._swaps.list().items():
                if not lease.size or key in self._claims:
                    continue
                found = self._swaps.read(key)
                record = parse_record(found[0], key) if found else None
                if found is not None and record is not None and record.worker == self._worker:
                    self._swaps.free(record, found[1])
                    left[key] = record.attempt
            self._attempts |= left
            return left

    def request(self, key: str) -> None:
        """Claim a job; afterwards it is HELD or TAKEN. No-op while it is held.

        Raises UnsafeName for a key that cannot be part of a name, and StorageError: then there is no claim.
        """
        lease_name(key)
        with self._turn:
            if self.held(key):
                return
            with self._lock:
                self._claims.pop(key, None)
            self._leftovers.pop(key, None)
            record = LeaseRecord(self._worker, key, 1 + self._attempts.get(key, 0), self._nonce(), 1)
            # Whatever is answered, the write may be done: then the lease is known again by its claim.
            self._own.setdefault(key, set()).add(record.claim)
            began = self._clock.monotonic()
            version = self._swaps.create(record)
            if version is None:
                record, version, began = self._contend(record)
            if version is None:
                claim = ObjectClaim(record, LeaseState.TAKEN, holder=record.worker or None, look_at=began)
            else:
                claim = ObjectClaim(record, LeaseState.HELD, version, written=began)
                self._own[key] = {record.claim}
                self._seen.forget(key)
            with self._lock:
                self._claims[key] = claim

    def withdraw(self, key: str, *, done: bool = False) -> None:
        """Give up a claim, or stop watching a job that another worker has. Never raises for the store."""
        del done  # what is left is deleted by `sweep`
        with self._turn:
            with self._lock:
                claim = self._claims.pop(key, None)
            self._attempts.pop(key, None)
            self._seen.forget(key)
            for leftover in self._leftovers_of([claim] if claim else []):
                self._free(key, leftover)

    def release(self, key: str) -> None:
        """End a lease. Never raises for the store: what cannot be given back now, a later `tick` gives back."""
        self.withdraw(key)

    def release_all(self) -> None:
        """End every claim, for a worker that stops."""
        with self._turn:
            with self._lock:
                claims, self._claims = self._claims, {}
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                left = [*self._leftovers_of(claims.values()), *self._leftovers.values()]
                list(pool.map(lambda one: self._free(one.record.job, one), left))

    def tick(self) -> None:
        """Look at the leases of others that are due, with one listing for all; no request when none is.

        Raises StorageError.
        """
        with self._turn:
            looked = self._clock.monotonic()
            for key, leftover in list(self._leftovers.items()):
                if leftover.due <= looked:
                    self._free(key, leftover)
            for claim in self._in_state(LeaseState.HELD):
                if self._is_expired(claim, looked):
                    self._lose(claim, None)
            taken = self._in_state(LeaseState.TAKEN)
            if not any(claim.look_at <= looked for claim in taken):
                return
            listed = self._swaps.list()
            seen_at = self._clock.monotonic()
            for claim in taken:
                lease = listed.get(claim.key)
                if lease and lease.size and not self._seen.note(claim.key, lease.tag, looked, seen_at):
                    claim.look_at = looked + self._timing.refresh
                else:  # gone, given back or dead: it may be requested
                    with self._lock:
                        self._claims.pop(claim.key)

    def refresh(self) -> None:
        """Renew the leases that are held and due; call it often, from a thread that nothing else blocks.

        A lease that could not be renewed for `stop` seconds is lost. Raises what was raised first, after every lease
        had its turn.
        """
        now = self._clock.monotonic()
        failure: StorageError | None = None
        for claim in self._in_state(LeaseState.HELD):
            try:
                if self._is_expired(claim, now):
                    self._lose(claim, None)
                elif now - claim.written >= self._timing.refresh:
                    self._renew(claim)
            except StorageError as error:
                failure = failure or error
        if failure is not None:
            raise failure

    def state(self, key: str) -> LeaseState:
        """Tell how far the claim on a job got."""
        claim = self._claims.get(key)
        if claim is None:
            return LeaseState.IDLE
        if claim.state is LeaseState.HELD and self._is_expired(claim, self._clock.monotonic()):
            return LeaseState.LOST
        return claim.state

    def holder(self, key: str) -> str | None:
        """Return the worker that a TAKEN or LOST job was seen with; None where none is known."""
        claim = self._claims.get(key)
        return claim.holder if claim else None

    def attempt(self, key: str) -> int:
        """Return the number of this worker's claim: one above the dead claims before it, 0 for no claim."""
        claim = self._claims.get(key)
        return claim.record.attempt if claim and claim.version is not None else 0

    def held(self, key: str) -> bool:
        """Tell whether the job is this worker's now. Never waits."""
        return self.state(key) is LeaseState.HELD

    def ensure(self, key: str) -> None:
        """Raise LeaseLost unless the job is this worker's now."""
        demand_held(self, key)

    def wake_in(self) -> float | None:
        """Return the seconds until the next `tick` is of use; None when nothing is waited for."""
        looks = [claim.look_at for claim in self._in_state(LeaseState.TAKEN)]
        due = min([*looks, *(leftover.due for leftover in list(self._leftovers.values()))], default=math.inf)
        return None if due == math.inf else max(0.0, due - self._clock.monotonic())

    def sweep(self, is_done: Callable[[str], bool]) -> int:
        """Delete the leases of jobs that need none any more; return how many.

        One goes when two sweeps, `stale` seconds apart, saw it alike and its job is over. Raises StorageError.
        """
        with self._turn:
            looked = self._clock.monotonic()
            listed = self._swaps.list()
            seen_at = self._clock.monotonic()
            self._seen.retain(listed)
            over = [
                key
                for key, lease in listed.items()
                if key not in self._claims and self._seen.note(key, lease.tag, looked, seen_at) and is_done(key)
            ]
            if not over:
                return 0
            now = self._swaps.list()  # asking about many jobs took its time
            over = [key for key in over if now.get(key) == listed[key]]
            self._swaps.delete(over)
            for key in over:
                self._seen.forget(key)
                self._own.pop(key, None)
            return len(over)

    def _contend(self, record: LeaseRecord) -> tuple[LeaseRecord, Version | None, float]:
        """Take a lease that is there, if it is free, dead or this worker's own.

        Returns what was written, its version, and when the write began; for another's lease that one's record, None,
        and when to look again.
        """
        key = record.job
        for _ in range(_TRIES):
            found = self._swaps.read(key)
            now = self._clock.monotonic()
            if found is None:  # deleted just now
                break
            data, version = found
            other = parse_record(data, key)
            mine = other is not None and other.claim in self._own[key]
            # A dead lease is listed once more, after it was read: what was read is then what was dead.
            dead = self._seen.may_be_dead(key) and self._seen.is_dead(key, self._swaps.list().get(key))
            if data and not mine and not dead:
                self._seen.note(key, tag_of(version), now, now)
                return other or replace(record, worker=""), None, now + self._timing.refresh
            if other is not None and not mine:
                record = replace(record, attempt=max(record.attempt, other.attempt + 1))
            began = self._clock.monotonic()
            if (written := self._swaps.take(record, version)) is not None:
                return record, written, began
        return replace(record, worker=""), None, self._clock.monotonic()

    def _renew(self, claim: ObjectClaim) -> None:
        began, version = self._clock.monotonic(), claim.version
        assert version is not None  # noqa: S101  it is held
        record, written = self._swaps.renew(claim.record, version)
        with self._lock:
            current = self._claims.get(claim.key) is claim and claim.state is LeaseState.HELD
            in_time = not self._is_expired(claim, self._clock.monotonic())
            if current and written is not None:
                claim.record, claim.version = record, written
                claim.written = began if in_time else claim.written
        if current and (written is None or not in_time):
            self._lose(claim, record.worker if record.claim != claim.record.claim else None)

    def _lose(self, claim: ObjectClaim, holder: str | None) -> None:
        """End a lease that was held: the work on it must stop. If it is still this worker's, others may have it."""
        with self._lock:
            claim.state, claim.holder = LeaseState.LOST, holder
        if claim.version is not None:
            self._leftovers[claim.key] = Leftover(claim.record, claim.version, self._clock.monotonic())

    def _free(self, key: str, leftover: Leftover) -> None:
        try:
            self._swaps.free(leftover.record, leftover.version)
        except StorageError:
            # Not urgent and not forgotten; at worst it goes stale.
            self._leftovers[key] = replace(leftover, due=self._clock.monotonic() + self._timing.refresh)
        else:
            self._leftovers.pop(key, None)

    def _leftovers_of(self, claims: Iterable[ObjectClaim]) -> list[Leftover]:
        held = [claim for claim in claims if claim.state is LeaseState.HELD]
        return [Leftover(claim.record, claim.version, 0.0) for claim in held if claim.version is not None]

    def _in_state(self, state: LeaseState) -> list[ObjectClaim]:
        with self._lock:
            return [claim for claim in self._claims.values() if claim.state is state]

    def _is_expired(self, claim: ObjectClaim, now: float) -> bool:
        return now - claim.written >= self._timing.stop
