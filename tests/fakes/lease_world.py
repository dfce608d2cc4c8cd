"""Several workers leasing jobs over one delayed folder, with pauses, outages and deaths, drawn from a seed."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Protocol

from fakes.delayed_store import DelayedFolder

from panini_daemon.storage.errors import StorageError, StoreUnavailable
from panini_daemon.storage.lease_claim import LeaseState
from panini_daemon.storage.lease_timing import LeaseTiming
from panini_daemon.storage.leases import Leases
from panini_daemon.storage.leasing import Leasing

TIMING = LeaseTiming(settle=6.0, refresh=12.0, stale=90.0, stop=60.0)
MAX_DELAY = 5.9
"""Just below the settle time: what the protocol must survive."""


@dataclass(slots=True)
class Time:
    """Seconds common to all machines; no worker sees it as it is."""

    seconds: float = 0.0


class WorkerClock:
    """A machine's clocks: the monotonic one has its own origin, the wall clock is plainly wrong."""

    def __init__(self, time: Time, random: Random) -> None:
        self._time = time
        self._random = random
        self._origin = random.uniform(0, 1e6)

    def monotonic(self) -> float:
        return self._time.seconds + self._origin

    def now(self) -> datetime:
        return datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=self._random.uniform(-1e7, 1e7))


class Outages(Protocol):
    """What a worker reaches the others through: with `outage` set all of it fails, with `lands` after the effect."""

    outage: Exception | None
    lands: bool


@dataclass(slots=True)
class Worker:
    """One process. `busy` tells until when it works on a job that it holds."""

    name: str
    store: Outages
    leases: Leasing
    alive: bool = True
    asleep_until: float = 0.0
    outage_until: float = 0.0
    busy: dict[str, float] = field(default_factory=dict)


class LeaseWorld:
    """Workers and jobs. `run` ends when every job was held to its end, or at `limit` seconds."""

    def __init__(self, seed: int, *, workers: int = 3, jobs: int = 2, timing: LeaseTiming = TIMING) -> None:
        self.random = Random(seed)
        self.time = Time()
        # Some clouds are evenly slow, which is when a lower claim is overlooked; others are slow by chance.
        min_delay = self.random.choice((0.0, MAX_DELAY))
        self.folder = DelayedFolder(
            lambda: self.time.seconds, self.random, max_delay=MAX_DELAY, min_delay=min_delay, work=self._work
        )
        self.jobs = {f"job-{number}" for number in range(jobs)}
        self.done: set[str] = set()
        self.double: list[tuple[float, str, list[str]]] = []
        self.deaths = 0
        self.slowest = 30.0
        self._inside: list[str] = []
        self.workers = [self._make_worker(f"w{number}", timing) for number in range(workers)]

    def _make_worker(self, name: str, timing: LeaseTiming) -> Worker:
        store = self.folder.view(name)
        clock = WorkerClock(self.time, self.random)
        leases = Leases(store, name, clock=clock, timing=timing, nonce=lambda: f"{self.random.getrandbits(32):08x}")
        return Worker(name, store, leases)

    def run(self, limit: float = 3000.0) -> None:
        while self.done != self.jobs and self.time.seconds < limit:
            self._step()

    def _step(self) -> None:
        self.time.seconds += self.random.uniform(0.1, 2.5)
        # Also those that sleep: what they believe to hold when they wake must not be another's.
        self._check()
        worker = self.random.choice(self.workers)
        if worker.alive and worker.asleep_until <= self.time.seconds and worker.name not in self._inside:
            self._inside.append(worker.name)
            self._act(worker)
            self._inside.remove(worker.name)
            self._check()
            self._disturb(worker)

    def _work(self) -> None:
        """Let an operation take its time: mostly little, at times so much that the others do a lot meanwhile."""
        if self.random.random() < 0.99:
            self.time.seconds += self.random.uniform(0, 0.02)
            return
        until = self.time.seconds + self.random.uniform(0, self.slowest)
        while self.time.seconds < until:
            self._step()

    def _act(self, worker: Worker) -> None:
        now = self.time.seconds
        if worker.outage_until <= now:
            worker.store.outage = None
        try:
            worker.leases.refresh()
            for key in sorted(self.jobs - self.done):
                if worker.leases.state(key) in (LeaseState.IDLE, LeaseState.LOST):
                    worker.busy.pop(key, None)
                    worker.leases.request(key)
            worker.leases.tick()
        except StorageError:
            pass
        for key in sorted(self.jobs):
            if key in self.done:
                worker.leases.withdraw(key, done=True)
            elif worker.leases.held(key) and now >= worker.busy.setdefault(key, now + self.random.uniform(1, 150)):
                self.done.add(key)
                worker.leases.release(key)

    def _disturb(self, worker: Worker) -> None:
        chance, now = self.random.random(), self.time.seconds
        if chance < 0.02:
            worker.asleep_until = now + self.random.uniform(1, 200)
        elif chance < 0.03:
            worker.outage_until = now + self.random.uniform(1, 120)
            worker.store.outage = StoreUnavailable("the mount went away")
            worker.store.lands = self.random.random() < 0.5
        elif chance < 0.045 and sum(other.alive for other in self.workers) > 1:
            worker.alive = False
            self.deaths += 1

    def _check(self) -> None:
        for key in self.jobs:
            holders = [worker.name for worker in self.workers if worker.alive and worker.leases.held(key)]
            if len(holders) > 1:
                self.double.append((self.time.seconds, key, holders))
