"""How one claim of this worker moves on: settles, is held, yields, is lost. The protocol is in `leases`."""

import math
import threading

from panini_daemon.storage.clock import Clock
from panini_daemon.storage.lease_claim import Claim, LeaseState
from panini_daemon.storage.lease_entry import EntryName, Mark
from panini_daemon.storage.lease_files import Files, LeaseFiles
from panini_daemon.storage.lease_rivals import Rival, Rivals
from panini_daemon.storage.lease_timing import LeaseTiming


class LeaseCourse:
    """The table of claims, by key, and the steps that a claim can take.

    `lock` guards the table and a claim's state for the moment of a change; it is never kept during I/O.
    """

    def __init__(self, files: LeaseFiles, rivals: Rivals, clock: Clock, timing: LeaseTiming) -> None:
        self.claims: dict[str, Claim] = {}
        self.lock = threading.Lock()
        self._files = files
        self._rivals = rivals
        self._clock = clock
        self._timing = timing

    def adapt(self, timing: LeaseTiming) -> None:
        """Go by other times from now on; claims that settle already wait as much longer as new ones do."""
        longer = timing.settle - self._timing.settle
        patience = timing.patience - self._timing.patience
        with self.lock:
            self._timing = timing
            for claim in self.claims.values() if longer > 0 else ():
                if claim.state is LeaseState.SETTLING:
                    claim.look_at += longer
                    claim.give_way_until += longer + patience

    def advance(self, claim: Claim, looked: float, mine: Files, files: Files) -> None:
        """Take the step that is due, if any. `looked` is when the listing `mine` and `files` began."""
        due = claim.look_at <= looked
        match claim.state:
            case LeaseState.SETTLING if due:
                self._settle(claim, looked, mine, files)
            case LeaseState.HELD if self.is_expired(claim, looked):
                self.lose(claim, None)
            case LeaseState.HELD if due:
                self._confirm(claim, files)
            case LeaseState.HELD if files and claim.mark == "intent":
                # Held without a second write, but now somebody must be told.
                self.write(claim, "hold")
            case LeaseState.TAKEN if due or not files:
                self._watch(claim, looked, files)

    def wait(self, claim: Claim) -> None:
        """Let the claim settle, as if it had been requested now."""
        settle = self._timing.settle
        settled = self._clock.monotonic() + settle
        claim.look_at = settled
        claim.give_way_until = settled + self._timing.patience if settle > 0 else math.inf

    def give_way(self, claim: Claim, rivals: list[Rival]) -> None:
        """Let a claim that was never written be another worker's, and watch that one."""
        first = _first(rivals)
        claim.state = LeaseState.TAKEN
        claim.holder = first.name.worker if first is not None else None
        claim.look_at = self._clock.monotonic() + self._timing.refresh

    def write(self, claim: Claim, mark: Mark) -> bool:
        """Rewrite a claim's file; tell whether that came before others could take it for dead."""
        began = self._clock.monotonic()
        self._files.write(claim, mark)
        with self.lock:
            in_time = not self.is_expired(claim, self._clock.monotonic())
            live = claim.state is LeaseState.SETTLING or (claim.state is LeaseState.HELD and in_time)
            current = live and self.claims.get(claim.key) is claim
            if current:
                claim.written = began
                claim.mark = mark
            elif claim.state is LeaseState.HELD:
                claim.state = LeaseState.LOST
                claim.look_at = math.inf
        if not current:
            # Released or lost while it was being written.
            self._files.delete(claim.file)
        return in_time

    def lose(self, claim: Claim, holder: str | None) -> None:
        """End a lease that was held: the work on it must stop."""
        with self.lock:
            claim.state = LeaseState.LOST
            claim.holder = holder
            claim.look_at = math.inf
        self._files.delete(claim.file)

    def drop(self, key: str) -> None:
        """Take a claim out of the table and its file out of the folder."""
        with self.lock:
            claim = self.claims.pop(key, None)
        if claim is not None and claim.state in (LeaseState.SETTLING, LeaseState.HELD):
            self._files.delete(claim.file)

    def is_expired(self, claim: Claim, now: float) -> bool:
        """Tell whether a claim was last written so long ago that others may soon take it for dead."""
        return now - claim.written >= self._timing.stop

    def is_current(self, name: EntryName) -> bool:
        """Tell whether a file of this worker belongs to a claim in the table."""
        claim = self.claims.get(name.key)
        if claim is None or claim.state not in (LeaseState.SETTLING, LeaseState.HELD):
            return False
        return (claim.name.attempt, claim.name.nonce) == (name.attempt, name.nonce)

    def clear_stale(self, key: str) -> int:
        """Delete the others' dead files of a job that is held or done: it keeps the folder short."""
        dead = self._rivals.stale(key)
        for file in dead:
            self._files.delete(file)
        return len(dead)

    def _settle(self, claim: Claim, looked: float, mine: Files, files: Files) -> None:
        age = looked - claim.written
        if age >= self._timing.refresh:
            self.write(claim, claim.mark)
            if age >= self._timing.stop or claim.file not in mine:
                # Others may have taken it for dead or gone: as if requested now.
                self.wait(claim)
                return
        rivals = self._rivals.look(claim.key, files.items())
        first = _first(rivals)
        if first is not None and (first.mark == "hold" or first.name.rank < claim.name.rank):
            self._yield(claim, first.name.worker)
        elif (
            claim.file not in mine
            or (first is not None and looked < claim.give_way_until)
            or (self._timing.settle > 0 and any(rival.is_arriving for rival in rivals))
        ):
            claim.look_at = looked + self._timing.poll
        else:
            self._hold(claim, looked)

    def _hold(self, claim: Claim, looked: float) -> None:
        settle = self._timing.settle
        if settle > 0 and claim.mark != "hold":
            in_time = self.write(claim, "hold")
            if not in_time:
                self.wait(claim)
                return
            if self._clock.monotonic() - looked > self._timing.slack:
                # Lower claims may have lost patience meanwhile: look again before believing it.
                claim.look_at = self._clock.monotonic()
                return
        with self.lock:
            claim.state = LeaseState.HELD
            claim.look_at = self._clock.monotonic() + settle if settle > 0 else math.inf
        if settle == 0:
            self.clear_stale(claim.key)

    def _confirm(self, claim: Claim, files: Files) -> None:
        for rival in self._rivals.look(claim.key, files.items()):
            if rival.is_live and rival.mark == "hold" and rival.name.rank < claim.name.rank:
                self.lose(claim, rival.name.worker)
                return
        claim.look_at = math.inf
        self.clear_stale(claim.key)

    def _watch(self, claim: Claim, looked: float, files: Files) -> None:
        first = _first(self._rivals.look(claim.key, files.items()))
        if first is not None:
            claim.holder = first.name.worker
            claim.look_at = looked + self._timing.refresh
        else:
            with self.lock:
                self.claims.pop(claim.key)

    def _yield(self, claim: Claim, holder: str) -> None:
        with self.lock:
            claim.state = LeaseState.TAKEN
            claim.holder = holder
            claim.look_at = self._clock.monotonic() + self._timing.refresh
        self._files.delete(claim.file)


def _first(rivals: list[Rival]) -> Rival | None:
    """Return the claim that comes before all others: a holder, else the lowest."""
    live = [rival for rival in rivals if rival.is_live]
    return min(live, key=lambda rival: (rival.mark != "hold", rival.name.rank), default=None)
