"""Leases on jobs, over a folder that may be shared, late and reordering.

A lease saves work; safety comes from elsewhere (immutable inputs, deterministic output, payload hashes). The
protocol: each worker writes only files of its own. It writes an intent, waits `settle`, lists the folder
and goes on only as the lowest (attempt, nonce) with no other holder in sight; then its file says that it
holds, and it looks once more. Holders rewrite their file; a file that an observer saw unchanged for `stale`
is dead, and a holder that could not rewrite it for `stop` has stopped by itself before that.

Where a higher claim is in sight, the lowest one first gives it time to yield or to show that it holds: the
higher one may have looked before the lowest was visible. With `settle` above the folder's delay two holders
are then excluded. On a coherent folder (`settle` 0) the lowest waits until it is alone, so that a claim costs
one write and one listing.
"""

import math
import threading
from collections.abc import Callable, Mapping
from urllib.parse import unquote

from panini_daemon.storage.clock import Clock
from panini_daemon.storage.errors import StorageError
from panini_daemon.storage.lease_claim import Claim, LeaseState
from panini_daemon.storage.lease_course import LeaseCourse
from panini_daemon.storage.lease_entry import name_entry
from panini_daemon.storage.lease_files import Files, LeaseFiles
from panini_daemon.storage.lease_rivals import Rival, Rivals
from panini_daemon.storage.lease_timing import LeaseTiming
from panini_daemon.storage.leasing import demand_held
from panini_daemon.storage.root import LEASES
from panini_daemon.storage.store import Store


class Leases:
    """All claims of one worker, whose name no other living process has.

    `tick` moves the claims on; `refresh` keeps what is held, from a thread of its own; everything may be
    called from any thread. `_turn` orders whole calls that work on claims; `refresh` and `held` do not take
    it, so that neither waits for a slow listing.
    """

    def __init__(
        self,
        store: Store,
        worker: str,
        *,
        clock: Clock,
        timing: LeaseTiming,
        nonce: Callable[[], str],
        folder: str = LEASES,
    ) -> None:
        self._worker = worker
        self._clock = clock
        self._timing = timing
        self._nonce = nonce
        self._files = LeaseFiles(store, folder, worker, clock, timing.refresh)
        self._attempts: dict[str, int] = {}
        self._resumed: set[str] = set()
        self._rivals = Rivals(store, folder, clock, timing)
        self._course = LeaseCourse(self._files, self._rivals, clock, timing)
        self._turn = threading.RLock()
        self._listed: dict[str, Files] = {}
        self._listed_at = -math.inf

    def recover(self) -> Mapping[str, int]:
        """Take up or delete what an earlier process of this worker left; return its jobs and their attempts.

        Call it at start. On a late folder, what was held a moment ago, and nobody else claims, is held again at once:
        a claim would have to settle. A later `request` of another such job counts the attempt. Raises StoreUnavailable.
        """
        with self._turn:
            mine, others = self._files.list()
            left: dict[str, int] = {}
            for file, name in mine.items():
                if self._course.is_current(name):
                    continue
                left[name.key] = max(name.attempt, left.get(name.key, 0))
                if self._timing.settle > 0 and name.key not in others and self._course.resume(file, name):
                    self._resumed.add(name.key)
                else:
                    self._files.delete(file)
            self._attempts |= left
            return left

    @property
    def settle(self) -> float:
        """How many seconds a claim waits before it looks who else claimed."""
        return self._timing.settle

    def adapt(self, settle: float) -> float:
        """Go by another settle time, in seconds; return the one that is taken: the other times leave room for so much.

        ValueError on a coherent folder, where there is nothing to settle.
        """
        if self._timing.settle == 0:
            raise ValueError("claims on a coherent folder do not settle; expected leases with a settle time")
        with self._turn:
            self._timing = self._timing.settling(settle)
            self._course.adapt(self._timing)
            return self._timing.settle

    def request(self, key: str) -> None:
        """Claim a job by writing an intent; no-op while the claim is settling or held.

        Where claims settle, a job that another worker was seen to claim is TAKEN at once: nothing is written.
        Raises UnsafeName for a key that cannot be part of a file name, and what the store raises: then there is
        no claim.
        """
        with self._turn:
            self._resumed.discard(key)
            if self.state(key) in (LeaseState.SETTLING, LeaseState.HELD):
                return
            self._course.drop(key)
            rivals = self._peek(key)
            # One above the claims known to be dead: it tells how many workers this job has outlived.
            dead = [name.attempt for name in self._rivals.stale(key).values()]
            attempt = 1 + max(self._attempts.get(key, 0), *dead, 0)
            name = name_entry(key, attempt, self._nonce(), self._worker)
            claim = Claim(name, name.file, written=self._clock.monotonic(), look_at=math.inf)
            if rivals:
                self._course.give_way(claim, rivals)
            else:
                self._write_intent(claim)
            with self._course.lock:
                self._course.claims[key] = claim

    def withdraw(self, key: str, *, done: bool = False) -> None:
        """Give up a claim, or stop watching a job that another worker has. `done`: the job needs no lease again."""
        with self._turn:
            self._course.drop(key)
            self._attempts.pop(key, None)
            if done:
                self._course.clear_stale(key)
            self._rivals.forget(key)

    def release(self, key: str) -> None:
        """End a lease: delete this worker's file, and as a courtesy the dead files beside it.

        Never raises for the store: a file that cannot be deleted now is deleted by a later `tick`.
        """
        self.withdraw(key, done=self.held(key))

    def release_all(self) -> None:
        """End every claim, for a worker that stops."""
        with self._turn:
            for key in list(self._course.claims):
                self.release(key)

    def tick(self) -> None:
        """Move every claim on that is due, with one listing for all; no folder operation when none is.

        Raises what the store raised first, after every claim had its turn; a claim that met an error is as
        it was.
        """
        with self._turn:
            looked = self._clock.monotonic()
            self._files.retry()
            if not any(claim.look_at <= looked for claim in self._course.claims.values()):
                return
            mine, others = self._files.list()
            self._listed, self._listed_at = others, looked
            self._clear_own(mine)
            failure: StorageError | None = None
            for claim in list(self._course.claims.values()):
                try:
                    self._course.advance(claim, looked, mine, others.get(claim.key, {}))
                except StorageError as error:
                    failure = failure or error
            if failure is not None:
                raise failure

    def refresh(self) -> None:
        """Rewrite the files of held leases that are due; call it often, from a thread that nothing else blocks.

        A lease that could not be rewritten for `stop` seconds is lost. Raises what the store raised first,
        after every lease had its turn.
        """
        now = self._clock.monotonic()
        with self._course.lock:
            held = [claim for claim in self._course.claims.values() if claim.state is LeaseState.HELD]
        for claim in [claim for claim in held if self._course.is_expired(claim, now)]:
            self._course.lose(claim, None)
        held = [claim for claim in held if claim.state is LeaseState.HELD]
        if not any(now - claim.written >= self._timing.refresh for claim in held):
            return
        # A folder left behind by a mount that went away would take the writes, and nobody would see them.
        self._files.check_root()
        mine: Files | None = None
        others: dict[str, Files] = {}
        failure: StorageError | None = None
        try:
            mine, others = self._files.list()
        except StorageError as error:
            # Large folders cannot always be listed; the files can still be rewritten.
            failure = error
        for claim in held:
            # Those that are nearly due go along, so that one listing keeps serving all.
            if claim.state is not LeaseState.HELD or now - claim.written < self._timing.refresh / 2:
                continue
            try:
                vanished = mine is not None and claim.file not in mine
                rivals, dead = others.get(claim.key, {}), self._rivals.stale(claim.key)
                holder = self._files.find_holder(rivals, dead) if vanished else None
                if holder is None:
                    self._course.write(claim, "hold")
                else:
                    self._course.lose(claim, holder)
            except StorageError as error:
                failure = failure or error
        if failure is not None:
            raise failure

    def state(self, key: str) -> LeaseState:
        """Tell how far the claim on a job got."""
        claim = self._course.claims.get(key)
        if claim is None:
            return LeaseState.IDLE
        if claim.state is LeaseState.HELD and self._course.is_expired(claim, self._clock.monotonic()):
            return LeaseState.LOST
        return claim.state

    def holder(self, key: str) -> str | None:
        """Return the worker that a TAKEN or LOST job was seen with; None where none is known."""
        claim = self._course.claims.get(key)
        return unquote(claim.holder) if claim and claim.holder else None

    def attempt(self, key: str) -> int:
        """Return the number of this worker's claim: one above the dead claims before it, 0 for no claim."""
        claim = self._course.claims.get(key)
        return claim.name.attempt if claim else 0

    def held(self, key: str) -> bool:
        """Tell whether the job is this worker's now. Never waits, touches no file."""
        return self.state(key) is LeaseState.HELD

    def ensure(self, key: str) -> None:
        """Raise LeaseLost unless the job is this worker's now."""
        demand_held(self, key)

    def wake_in(self) -> float | None:
        """Return the seconds until the next `tick` is of use; None when nothing is waited for."""
        with self._course.lock:
            due = min((claim.look_at for claim in self._course.claims.values()), default=math.inf)
        due = min(due, self._files.retry_at())
        return None if due == math.inf else max(0.0, due - self._clock.monotonic())

    def sweep(self, is_done: Callable[[str], bool]) -> int:
        """Delete the dead files of jobs that need no lease any more; return how many were others'.

        Reads only files of jobs for which `is_done`. A file is dead when two sweeps, `stale` seconds apart,
        saw the same content. Raises StoreUnavailable.
        """
        with self._turn:
            for key in [key for key in self._resumed if is_done(key)]:
                self._resumed.discard(key)
                self.release(key)  # nobody has asked for it since
            mine, others = self._files.list()
            self._clear_own(mine)
            self._rivals.retain(others)
            count = 0
            for key, files in others.items():
                if key not in self._course.claims and is_done(key):
                    self._rivals.look(key, files.items(), over=True)
                    count += self._course.clear_stale(key)
            return count

    def _peek(self, key: str) -> list[Rival]:
        """Return the live claims of other workers on a job, by the last listing or a new one.

        None on a coherent folder: there every claim looks anyway, right after it was written.
        """
        if self._timing.settle == 0:
            return []
        now = self._clock.monotonic()
        if now - self._listed_at >= self._timing.poll:
            _, self._listed = self._files.list()
            self._listed_at = now
        return [rival for rival in self._rivals.look(key, self._listed.get(key, {}).items()) if rival.is_live]

    def _write_intent(self, claim: Claim) -> None:
        try:
            self._files.write(claim, "intent")
        except StorageError:
            # It may have got there all the same.
            self._files.doom(claim.file)
            raise
        self._course.wait(claim)

    def _clear_own(self, mine: Files) -> None:
        """Delete this worker's files that belong to no claim: left by a crash, or back after a deletion."""
        for file, name in mine.items():
            if not self._course.is_current(name) and not self._files.is_doomed(file):
                self._files.delete(file)
                if self._timing.settle > 0:
                    # The listing may show it for a while yet; look again later, not at every tick.
                    self._files.doom(file)
