import itertools
from collections.abc import Callable

import pytest
from fakes.clock import FakeClock
from fakes.memory_store import MemoryStore

from panini_daemon.storage.lease_entry import Mark, format_content, name_entry
from panini_daemon.storage.lease_timing import LeaseTiming
from panini_daemon.storage.leases import Leases
from panini_daemon.storage.root import MARKER

LOCAL = LeaseTiming.local()
SHARED = LeaseTiming.shared()

Make = Callable[..., Leases]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store() -> MemoryStore:
    memory = MemoryStore()
    memory.write(MARKER, b"{}")
    return memory


@pytest.fixture
def make(store: MemoryStore, clock: FakeClock) -> Make:
    def make_leases(worker: str = "me", timing: LeaseTiming = LOCAL, nonce: str = "m") -> Leases:
        nonces = (f"{nonce}{number}" for number in itertools.count())
        return Leases(store, worker, clock=clock, timing=timing, nonce=lambda: next(nonces))

    return make_leases


def files(store: MemoryStore) -> list[str]:
    return sorted(path.removeprefix("leases/") for path in store.files if path.startswith("leases/"))


def put(store: MemoryStore, worker: str, mark: Mark, *, attempt: int = 1, nonce: str = "x", sequence: int = 1) -> str:
    name = name_entry("job", attempt, nonce, worker)
    store.write(f"leases/{name.file}", format_content(name, worker, mark, sequence, ""))
    return name.file


def hold(leases: Leases, clock: FakeClock, key: str = "job") -> None:
    leases.request(key)
    clock.advance(SHARED.settle)
    leases.tick()
    assert leases.held(key)
