"""How one worker's wishes change the book of leases. Pure: the book as read and GitHub's time go in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from panini_daemon.storage.github.lease_book import Book, Lease, Over
from panini_daemon.storage.lease_claim import LeaseState

KEPT = timedelta(hours=1)
"""How long it is kept in the book that a job is over: longer than any listing of the repository is out of date."""

_NAMED = 3
"""Jobs that a commit message names."""


@dataclass(frozen=True, slots=True)
class End:
    """The claim that ends, and what the job came to: `done`, `failed`, or None where it did not end with it."""

    nonce: str
    outcome: str | None


@dataclass(frozen=True, slots=True)
class Changes:
    """What one process of a worker wants of the book.

    `wanted` and `held` are jobs with their claims' nonces; `lost` are nonces of claims that are not renewed any more
    and not yet ended; `swept` jobs whose dead entries may go. While `recovering`, entries of the same worker's other
    processes are those of earlier ones.
    """

    worker: str
    process: str
    recovering: bool = False
    wanted: Mapping[str, str] = field(default_factory=dict)
    held: Mapping[str, str] = field(default_factory=dict)
    lost: frozenset[str] = frozenset()
    ended: Mapping[str, End] = field(default_factory=dict)
    swept: frozenset[str] = frozenset()

    def has(self, lease: Lease | None, nonce: str) -> bool:
        """Tell whether a lease is that of the claim `nonce`."""
        return lease is not None and lease.worker == self.worker and lease.nonce == nonce

    def owns(self, lease: Lease) -> bool:
        """Tell whether a lease is this process's or one that an earlier process left."""
        return lease.worker == self.worker and (self.recovering or lease.process == self.process)

    def is_stray(self, key: str, lease: Lease) -> bool:
        """Tell whether a lease is this worker's and no claim has it any more."""
        current = key in self.wanted or lease.nonce == self.held.get(key) or lease.nonce in self.lost
        return self.owns(lease) and not current


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a claim: HELD, TAKEN, OVER or LOST; by whose lease, and which attempt it is."""

    state: LeaseState
    holder: str | None = None
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class Revision:
    """The book after the changes. `verdicts` are of what was wanted or held; HELD counts once the book is written."""

    book: Book
    verdicts: Mapping[str, Verdict]
    claimed: tuple[str, ...]
    renewed: tuple[str, ...]
    ended: tuple[str, ...]
    swept: int

    def describe(self, worker: str) -> str:
        """Return the message of the commit that makes the changes, one line."""
        parts = [
            f"{verb} {len(keys)} ({_name(keys)})"
            for verb, keys in (("claims", self.claimed), ("renews", self.renewed), ("ends", self.ended))
            if keys
        ]
        return f"{_printable(worker)}: " + (", ".join(parts) or f"drops {self.swept} old entries")


def revise(book: Book, changes: Changes, *, now: datetime, stale: float) -> Revision:
    """Return the book with the changes made at `now`; a lease given or renewed expires after `stale` seconds.

    A job is given where nobody has it, where its lease has expired, and where it is this worker's own already. An
    end counts only where the lease is still the claim's; what was held and is not there any more is lost, never
    made anew.
    """
    leases, over = dict(book.leases), dict(book.over)
    verdicts: dict[str, Verdict] = {}
    ended = [key for key, end in changes.ended.items() if changes.has(leases.get(key), end.nonce)]
    for key in ended:
        del leases[key]
        if outcome := changes.ended[key].outcome:
            over[key] = Over(outcome, changes.worker, now)
    for key, nonce in changes.held.items():
        verdicts[key] = _judge_held(leases.get(key), over.get(key), changes, nonce)
    for key, nonce in changes.wanted.items():
        verdicts[key] = _judge_wanted(leases.get(key), over.get(key), changes, nonce, now)
    strays = [key for key, lease in leases.items() if changes.is_stray(key, lease)]
    for key in strays:
        del leases[key]
    given = {key: verdict for key, verdict in verdicts.items() if verdict.state is LeaseState.HELD}
    for key, verdict in given.items():
        nonce = changes.wanted.get(key) or changes.held[key]
        leases[key] = Lease(changes.worker, nonce, verdict.attempt, now + timedelta(seconds=stale))
        over.pop(key, None)
    dead = [key for key in changes.swept & leases.keys() if leases[key].expires_at < now]
    old = [key for key in changes.swept & over.keys() if over[key].at < now - KEPT]
    for key in dead:
        del leases[key]
    for key in old:
        del over[key]
    return Revision(
        book=Book(leases, over),
        verdicts=verdicts,
        claimed=tuple(key for key in given if key in changes.wanted),
        renewed=tuple(key for key in given if key not in changes.wanted),
        ended=(*ended, *strays),
        swept=len(dead) + len(old),
    )


def _judge_held(lease: Lease | None, mark: Over | None, changes: Changes, nonce: str) -> Verdict:
    if lease is not None and changes.has(lease, nonce):
        return Verdict(LeaseState.HELD, attempt=lease.attempt)
    other = lease or mark
    return Verdict(LeaseState.LOST, holder=other.worker if other else None)


def _judge_wanted(lease: Lease | None, mark: Over | None, changes: Changes, nonce: str, now: datetime) -> Verdict:
    # Who ended a job and wants it again knows why: its commits may have vanished.
    if mark is not None and mark.worker != changes.worker:
        return Verdict(LeaseState.OVER, holder=mark.worker)
    if lease is None:
        return Verdict(LeaseState.HELD, attempt=1)
    if changes.has(lease, nonce):
        return Verdict(LeaseState.HELD, attempt=lease.attempt)
    if changes.owns(lease) or lease.expires_at < now:
        return Verdict(LeaseState.HELD, attempt=lease.attempt + 1)
    return Verdict(LeaseState.TAKEN, holder=lease.worker)


def _name(keys: tuple[str, ...]) -> str:
    return ", ".join(_printable(key) for key in keys[:_NAMED]) + (", ..." if len(keys) > _NAMED else "")


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text[:80])
