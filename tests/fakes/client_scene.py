"""A hub with a small repository, and clients of it."""

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes.clock import FakeClock
from fakes.github.server import FakeGithub

from panini_daemon.storage.github.client import Client
from panini_daemon.storage.github.gate import Gate
from panini_daemon.storage.github.repository import Repository
from panini_daemon.storage.github.requests_made import RequestsMade

TIMEOUT = 5.0
HEAD = "/git/ref/heads/main"
Make = Callable[..., Client]


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[FakeGithub]:
    with FakeGithub(tmp_path) as hub:
        hub.commit({"README": b"hello\n", "in/a": b"a", "in/b/c": b"c"})
        yield hub


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def make(hub: FakeGithub, clock: FakeClock) -> Iterator[Make]:
    made: list[Client] = []

    def make(url: str | None = None, token: str | None = hub.token, **options: Any) -> Client:
        gate = Gate(clock, jitter=random.Random(1), sleep=time.sleep, between_writes=0.0)
        repository = Repository("someone", "archive", url or hub.url)
        client = Client(repository, token, gate=gate, requests=RequestsMade(), **{"timeout": TIMEOUT, **options})
        made.append(client)
        return client

    yield make
    for client in made:
        client.close()


@pytest.fixture
def client(make: Make) -> Client:
    return make()
