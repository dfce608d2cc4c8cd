"""Many workers over one book, in memory: crashes, lost answers, skewed and stopped clocks, whatever order comes."""

import contextlib
import random
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from fakes.clock import FakeClock

from panini_daemon.storage.github.book_ref import BookRef, Reading
from panini_daemon.storage.github.errors import GithubConflict, GithubUnavailable
from panini_daemon.storage.github.lease_book import Book
from panini_daemon.storage.github.leases import GithubLeases

STALE = 600.0
KEYS = [f"j{number}" for number in range(6)]


@dataclass
class Reference:
    """What GitHub has: a book and the commit that it came with. Chance makes answers get lost."""

    chance: random.Random
    time: FakeClock = field(default_factory=FakeClock)
    commit: str | None = None
    book: Book = field(default_factory=Book)
    count: int = 0

    def maybe_lose(self) -> None:
        if self.chance.random() < 0.1:
            raise GithubUnavailable("no answer", 2.0)


class MemoryBook(BookRef):
    """The reference as one worker reads and writes it; `interrupt` runs between its reading and its writing."""

    def __init__(self, reference: Reference) -> None:
        self.reference = reference
        self.interrupt: Any = lambda: None

    def read(self) -> Reading:
        self.reference.maybe_lose()
        return Reading(self.reference.commit, self.reference.book, self.reference.time.now())

    def write(self, reading: Reading, book: Book, message: str) -> None:
        self.interrupt()
        self.reference.maybe_lose()
        if reading.commit != self.reference.commit:
            raise GithubConflict("not a fast forward")
        self.reference.count += 1
        self.reference.commit, self.reference.book = f"c{self.reference.count}", book
        self.reference.maybe_lose()  # it was written all the same


@dataclass
class Worker:
    name: str
    clock: FakeClock
    leases: GithubLeases
    book: MemoryBook
    ended: dict[str, str] = field(default_factory=dict)


class World:
    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.reference = Reference(self.chance)
        self.workers: list[Worker] = []
        self.taken_after_end: list[str] = []
        self.starts = 0
        for number in range(4):
            self.start(f"w{number}")

    def start(self, name: str) -> None:
        self.starts += 1
        ended: dict[str, str] = {}
        skew = timedelta(seconds=self.chance.uniform(-90_000, 90_000))
        clock = FakeClock(monotonic=self.chance.uniform(0, 1e6), now=self.reference.time.now() + skew)
        leases = GithubLeases(
            None,  # type: ignore[arg-type]  the book below stands in for whatever the client would do
            name,
            clock=clock,
            stale=STALE,
            nonce=lambda process=self.starts: f"p{process}",  # type: ignore[misc]
            outcome_of=ended.get,
            pending=lambda _: True,
            jitter=self.chance,
            sleep=lambda _: None,
        )
        book = MemoryBook(self.reference)
        leases._book = book
        leases.recover()
        self.workers.append(Worker(name, clock, leases, book, ended))

    def step(self) -> None:
        worker = self.chance.choice(self.workers)
        act = self.chance.random()
        key = self.chance.choice(KEYS)
        if act < 0.35:
            worker.leases.request(key)
        elif act < 0.45 and worker.leases.held(key):
            if self.chance.random() < 0.5:
                worker.ended[key] = "done"
            worker.leases.release(key)
        elif act < 0.48:
            self.workers.remove(worker)  # killed; sometimes it starts again under its name
            self.start(worker.name if self.chance.random() < 0.5 else f"w{self.starts}")
            return
        elif act < 0.60:
            self.advance(self.chance.choice((1.0, 30.0, 120.0, STALE)), frozen=self.chance.random() < 0.1)
        others = [other for other in self.workers if other is not worker]
        if self.chance.random() < 0.3:
            worker.book.interrupt = lambda: self.turn(self.chance.choice(others), nested=True)
        self.turn(worker)
        worker.book.interrupt = lambda: None

    def turn(self, worker: Worker, *, nested: bool = False) -> None:
        if nested and worker.leases._turning.locked():
            return
        before = {key for key in KEYS if worker.leases.held(key)}
        over = {key for key, mark in self.reference.book.over.items() if mark.worker != worker.name}
        with contextlib.suppress(GithubUnavailable):
            worker.leases.turn()
        gained = {key for key in KEYS if worker.leases.held(key)} - before
        self.taken_after_end += sorted(gained & over)

    def advance(self, seconds: float, *, frozen: bool) -> None:
        """Let time pass; with `frozen` one worker's machine sleeps meanwhile, and its own clock with it."""
        asleep = self.chance.choice(self.workers) if frozen and seconds < STALE / 5 else None
        self.reference.time.advance(seconds)
        for worker in self.workers:
            if worker is not asleep:
                worker.clock.advance(seconds)

    def holders(self, key: str) -> list[str]:
        return [worker.name for worker in self.workers if worker.leases.held(key)]


@pytest.mark.parametrize("seed", range(60))
def test_no_two_workers_ever_hold_one_job_and_none_takes_one_that_is_over(seed: int) -> None:
    world = World(seed)
    for _ in range(300):
        world.step()
        assert max(len(world.holders(key)) for key in KEYS) <= 1
    assert world.taken_after_end == []
    assert world.reference.count > 20
