"""Workers that lease jobs in one repository on the fake GitHub, each with a clock of its own."""

import itertools
import random
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from fakes.clock import FakeClock
from fakes.github.server import FakeGithub

from panini_daemon.storage.github.client import Answer, Client
from panini_daemon.storage.github.gate import Gate
from panini_daemon.storage.github.lease_book import FILE, REF, Book, format_book, parse_book
from panini_daemon.storage.github.leases import GithubLeases
from panini_daemon.storage.github.repository import Repository
from panini_daemon.storage.github.requests_made import RequestsMade

STALE = 1800.0
STOP = 1350.0
REFRESH = 300.0


class HookedClient(Client):
    """A client in whose way a test can step: `before` is called once, when such a request is about to be sent."""

    verb = ""
    before: Callable[[], object] | None = None

    def get(self, *args: Any, **options: Any) -> Answer:
        self._step("GET")
        return super().get(*args, **options)

    def send(self, kind: str, verb: str, *args: Any, **options: Any) -> Answer:
        self._step(verb)
        return super().send(kind, verb, *args, **options)

    def _step(self, verb: str) -> None:
        if verb == self.verb and self.before is not None:
            before, self.before = self.before, None
            before()


class LeaseWorker:
    """One process. Its wall clock is wrong by `skew` seconds."""

    def __init__(self, hub: FakeGithub, name: str, nonce: str, skew: float = 0.0, **options: Any) -> None:
        self.clock = FakeClock(now=hub.clock() + timedelta(seconds=skew))
        self.requests = RequestsMade()
        self.gate = Gate(
            self.clock, jitter=random.Random(1), sleep=lambda _: None, changed=lambda _: None, between_writes=0.0
        )
        repository = Repository(hub.owner, hub.repo, hub.url)
        self.client = HookedClient(repository, hub.token, gate=self.gate, requests=self.requests, timeout=10.0)
        self.outcomes: dict[str, str] = {}
        self.pending: set[str] = set()
        self.news = 0
        self.naps: list[float] = []
        self.leases = GithubLeases(
            self.client,
            name,
            clock=self.clock,
            stale=STALE,
            nonce=lambda: nonce,
            outcome_of=self.outcomes.get,
            pending=lambda key: key in self.pending,
            changed=self._hear,
            jitter=random.Random(name + nonce),
            sleep=self.naps.append,
            **options,
        )

    def claim(self, *keys: str) -> float:
        """Wish for jobs and take a turn."""
        for key in keys:
            self.leases.request(key)
        return self.leases.turn()

    def on(self, verb: str, act: Callable[[], object]) -> None:
        """Call `act` just before the next request of that method leaves."""
        self.client.verb, self.client.before = verb, act

    def _hear(self) -> None:
        self.news += 1


class LeaseHub:
    """The repository, its time, and its workers."""

    def __init__(self, folder: Path) -> None:
        self.time = FakeClock()
        self.hub = FakeGithub(folder)
        self.hub.clock = self.time.now
        self.hub.commit({"README.md": b"chunks"})
        self.workers: list[LeaseWorker] = []
        self._nonces = (f"p{number}" for number in itertools.count())

    def worker(self, name: str, **options: Any) -> LeaseWorker:
        """Start a process."""
        worker = LeaseWorker(self.hub, name, next(self._nonces), **options)
        self.workers.append(worker)
        return worker

    def advance(self, seconds: float) -> None:
        """Let time pass for GitHub and for every worker."""
        self.time.advance(seconds)
        for worker in self.workers:
            worker.clock.advance(seconds)

    def book(self) -> Book:
        """Return what the reference points to; KeyError where there is none."""
        return parse_book(self.hub.read(FILE, REF))

    def put(self, files: Mapping[str, bytes]) -> None:
        """Point the reference at a commit with these files."""
        self.hub.git.refs.set(REF, self.hub.commit(files, branch="elsewhere"))

    def put_book(self, book: Book) -> None:
        """Write a book as another program would."""
        self.put({FILE: format_book(book).encode()})

    def delete(self) -> None:
        """Delete the reference."""
        self.hub.git.refs.delete(REF)

    def close(self) -> None:
        """End everything; raises what went wrong in the fake."""
        for worker in self.workers:
            worker.client.close()
        self.hub.__exit__(None, None, None)
