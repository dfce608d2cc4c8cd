"""How long a change in a shared folder takes until other workers see it, measured through the folder itself.

Each worker keeps one small file, a probe: a number of its own, and the last number that it saw of every other worker.
When a worker finds its own number in another's probe, a change has gone there and one has come back since it wrote
that number, by its own monotonic clock. That is more than either way alone took, so the longest such time is a safe
settle time for leases. No clocks are compared, and nobody needs to know what the mount does.

A worker that nobody asked anything for a while looks less often. So a round begins with a number that only wakes the
others; numbers that follow an answer at once are what is measured with.
"""

import math
from collections import deque
from dataclasses import dataclass, replace

from panini_daemon.storage.clock import Clock
from panini_daemon.storage.errors import NotFound
from panini_daemon.storage.lease_entry import read_content
from panini_daemon.storage.probe_file import Mark, Probe, format_probe, is_probe, name_probe, parse_probe
from panini_daemon.storage.root import LEASES
from panini_daemon.storage.store import Entry, Store

LOOK, QUIET = 5.0, 60.0
"""Seconds between two looks, while somebody measures and while nobody does."""
WRITE = 15.0
"""Seconds at least between two writes: a mount that waits until a file is left alone must get round to it."""
AGAIN = 600.0
"""Seconds between two rounds."""
MEMORY = 3600.0
"""Seconds for which a round trip counts."""
DEAD = 6 * 3600.0
"""Seconds after which a probe that did not change is removed: its worker is gone."""
ENOUGH = 3
"""Round trips before anything is concluded from them; so many are measured with each worker at first, later one."""
_NUMBERS = 64
"""Numbers whose time is remembered."""


@dataclass(slots=True)
class _Peer:
    """Another worker: since when its mark is the same and when it last answered, on this one's monotonic clock.

    `wanted` is how many round trips are to be measured with it, `answered` the last number that it answered.
    """

    mark: Mark
    since: float
    wanted: int
    answered: int = 0
    answered_at: float = -math.inf
    echoed: bool = False


class Propagation:
    """One worker's probe. `beat` is to be called every few seconds, by one thread; `longest` may be called by any.

    `nonce` tells this process from others of the same name, before and after it.
    """

    def __init__(self, store: Store, worker: str, *, clock: Clock, nonce: str) -> None:
        """Touch nothing yet. Raises UnsafeName."""
        self._store, self._clock, self._nonce = store, clock, nonce
        self._file = name_probe(worker)
        self._number = 0
        self._sent: dict[int, float] = {}
        self._written_at = self._round_at = self._look_at = -math.inf
        self._busy_until = clock.monotonic() + QUIET
        self._peers: dict[str, _Peer] = {}
        self._trips: deque[tuple[float, float]] = deque()

    def longest(self) -> float | None:
        """Return the longest round trip of the last hour in seconds, None before there are enough to tell."""
        oldest = self._clock.monotonic() - MEMORY
        trips = [seconds for when, seconds in list(self._trips) if when >= oldest]
        return max(trips) if len(trips) >= ENOUGH else None

    def beat(self) -> None:
        """Look at the others' probes and rewrite the own one, as far as it is time. Raises StorageError."""
        now = self._clock.monotonic()
        if now < self._look_at:
            return
        if self._look(now):
            self._busy_until = now + QUIET
        self._look_at = now + (LOOK if now < self._busy_until else QUIET)
        if now - self._written_at < WRITE:
            return
        if self._is_due(now):
            self._number += 1
            self._sent[self._number] = now
            self._sent.pop(self._number - _NUMBERS, None)
            self._write(now)
        elif any(not peer.echoed for peer in self._peers.values()):
            self._write(now)

    def close(self) -> None:
        """Remove the probe. Raises StorageError."""
        self._store.delete(f"{LEASES}/{self._file}")

    def _is_due(self, now: float) -> bool:
        """Tell whether it is time for another number: a round begins, or a peer that is still wanted has answered."""
        if now >= self._round_at:
            self._round_at = now + AGAIN
            for peer in self._peers.values():
                peer.wanted = max(peer.wanted, 1)
            return True
        return any(peer.wanted > 0 and peer.answered == self._number for peer in self._peers.values())

    def _look(self, now: float) -> bool:
        """Read the others' probes; tell whether any has a new number or a new answer."""
        news = False
        peers: dict[str, _Peer] = {}
        for entry in self._list():
            if entry.kind != "file" or not is_probe(entry.name) or entry.name == self._file:
                continue
            peer, probe = self._peers.get(entry.name), self._read(entry.name)
            if probe is not None and (peer is None or peer.mark != probe.mark):
                peer, news = self._meet(peer, probe.mark, now), True
            if peer is None:
                continue
            if now - peer.since > DEAD:
                self._store.delete(f"{LEASES}/{entry.name}")
                continue
            peers[entry.name] = peer
            own = probe.seen.get(self._file) if probe is not None else None
            if own is not None and own.nonce == self._nonce and own.number > peer.answered:
                news = True
                self._take_answer(peer, own.number, now)
        self._peers = peers
        return news

    def _meet(self, peer: _Peer | None, mark: Mark, now: float) -> _Peer:
        """Take a peer's new number, which is still to be answered."""
        if peer is None:
            return _Peer(mark, now, ENOUGH)
        return replace(peer, mark=mark, since=now, echoed=False)

    def _take_answer(self, peer: _Peer, number: int, now: float) -> None:
        sent = self._sent.get(number, -math.inf)
        awake = sent - peer.answered_at <= QUIET
        peer.answered, peer.answered_at = number, now
        if math.isfinite(sent) and awake:
            peer.wanted -= 1
            self._trips.append((now, now - sent))
            while self._trips[0][0] < now - MEMORY:
                self._trips.popleft()

    def _list(self) -> list[Entry]:
        try:
            return self._store.list(LEASES)
        except NotFound:  # nobody has leased anything yet
            return []

    def _read(self, name: str) -> Probe | None:
        try:
            return parse_probe(read_content(self._store, f"{LEASES}/{name}"))
        except NotFound:
            return None

    def _write(self, now: float) -> None:
        probe = Probe(Mark(self._nonce, self._number), {name: peer.mark for name, peer in self._peers.items()})
        self._store.write(f"{LEASES}/{self._file}", format_probe(probe), durable=False)
        self._written_at = now
        for peer in self._peers.values():
            peer.echoed = True
