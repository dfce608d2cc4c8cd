import json
from itertools import count
from pathlib import Path

import pytest
from fakes.clock import FakeClock
from fakes.deliveries import mark_root
from fakes.memory_store import MemoryStore

from panini_daemon.errors import RepairRunning
from panini_daemon.repair.holding import KEY, Holding
from panini_daemon.repair.leftovers import Patience, is_leftover, look_for_leftovers, remove_leftovers
from panini_daemon.storage.errors import NotFound
from panini_daemon.storage.lease_timing import LeaseTiming
from panini_daemon.storage.leases import Leases
from panini_daemon.storage.local import LocalStore

PATIENCE = Patience(alone=30, among_workers=60)
TEMPORARY = ".panini-new-abc-1-2.tmp"


# --- Leases


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    mark_root(store)
    return store


def leases(store: MemoryStore, clock: FakeClock, worker: str, timing: LeaseTiming | None = None) -> Leases:
    nonces = (f"{worker}{number:04d}" for number in count())
    return Leases(store, worker, clock=clock, timing=timing or LeaseTiming.local(), nonce=nonces.__next__)


def test_a_second_repair_is_refused_while_the_first_is_at_work(store: MemoryStore) -> None:
    clock = FakeClock()
    first = Holding(leases(store, clock, "r1"), clock.advance)
    with first, Holding(leases(store, clock, "r2"), clock.advance) as second:
        first.ready()
        first.ready()
        with pytest.raises(RepairRunning, match="r1"):
            second.ready()
    assert store.list("leases") == []


def test_without_a_change_no_lease_is_claimed(store: MemoryStore) -> None:
    clock = FakeClock()
    with Holding(leases(store, clock, "r1"), clock.advance):
        pass
    with pytest.raises(NotFound):
        store.list("leases")


def test_a_lease_that_was_lost_in_a_long_step_is_claimed_anew(store: MemoryStore) -> None:
    clock = FakeClock()
    held = leases(store, clock, "r1")
    with Holding(held, clock.advance) as holding:
        holding.ready()
        clock.advance(3600)
        holding.ready()
        assert held.held(KEY)


def test_jobs_that_a_worker_has_are_told_and_others_held(store: MemoryStore) -> None:
    clock = FakeClock()
    worker = leases(store, clock, "w1")
    worker.request("busy")
    worker.tick()
    repairs = leases(store, clock, "r1")

    def sleep(seconds: float) -> None:
        clock.advance(seconds)
        worker.refresh()

    with Holding(repairs, sleep) as holding:
        assert holding.hold({"busy", "free"}) == {"busy"}
        assert repairs.held("free")
    assert len(store.list("leases")) == 1


def test_on_a_shared_root_a_claim_settles_before_it_counts(store: MemoryStore) -> None:
    clock = FakeClock()
    with Holding(leases(store, clock, "r1", LeaseTiming.shared(60)), clock.advance) as holding:
        before = clock.monotonic()
        holding.ready()
        assert clock.monotonic() - before >= 60


# --- Left-overs


@pytest.fixture
def local(tmp_path: Path) -> LocalStore:
    store = LocalStore(tmp_path / "root")
    mark_root(store)
    for folder in ("inbox/job", "compressed_chunks/a/chunk_0000", "failed/x/data", "logs"):
        store.write(f"{folder}/file", b"stays")
        (tmp_path / "root" / folder / TEMPORARY).write_bytes(b"half")
    store.write("compressed_chunks/a/.fuse_hidden0000000100000002", b"")
    store.write("inbox/up.bin.a1b2.partial", b"half")
    return store


def heartbeat(store: LocalStore, worker: str, state: str, at: int = 0) -> None:
    store.write(f"status/{worker}.json", json.dumps({"worker": worker, "state": state, "updated_at": at}).encode())


def sweep(store: LocalStore, clock: FakeClock, *, meanwhile: object = None) -> tuple[list[str], list[str]]:
    seen = look_for_leftovers(store, clock)
    if callable(meanwhile):
        meanwhile()
    return remove_leftovers(store, seen, PATIENCE, clock=clock, sleep=clock.advance, ready=lambda: None)


def left(store: LocalStore) -> int:
    return sum(1 for path in store.root.rglob("*") if path.is_file() and is_leftover(path.name))


@pytest.mark.parametrize("workers", [(), ("stopped",), ("stopped", "working"), ("junk",)])
def test_leftovers_go_wherever_they_are_when_no_worker_is_alive(local: LocalStore, workers: tuple[str, ...]) -> None:
    for number, state in enumerate(workers):
        heartbeat(local, f"w{number}", state)
    clock = FakeClock()
    before = clock.monotonic()
    removed, kept = sweep(local, clock)
    assert (len(removed), kept, left(local)) == (6, [], 0)
    assert clock.monotonic() - before >= PATIENCE.alone
    assert sum(1 for path in local.root.rglob("file")) == 4


def test_leftovers_stay_while_a_worker_is_alive(local: LocalStore) -> None:
    heartbeat(local, "w", "working")
    removed, kept = sweep(local, FakeClock(), meanwhile=lambda: heartbeat(local, "w", "working", 1))
    assert (removed, len(kept), left(local)) == ([], 6, 6)


def test_a_worker_that_starts_meanwhile_counts_as_alive(local: LocalStore) -> None:
    removed, _ = sweep(local, FakeClock(), meanwhile=lambda: heartbeat(local, "new", "starting"))
    assert removed == []


def test_a_worker_that_stops_meanwhile_does_not_count(local: LocalStore) -> None:
    heartbeat(local, "w", "working")
    removed, _ = sweep(local, FakeClock(), meanwhile=lambda: heartbeat(local, "w", "stopped", 1))
    assert len(removed) == 6


def test_what_no_writer_can_still_be_at_goes_among_living_workers(local: LocalStore) -> None:
    heartbeat(local, "w", "working")
    clock = FakeClock()

    def live_on() -> None:
        clock.advance(PATIENCE.among_workers)
        heartbeat(local, "w", "working", 1)

    removed, kept = sweep(local, clock, meanwhile=live_on)
    assert (len(removed), kept) == (6, [])


def test_a_file_that_is_still_being_written_stays(local: LocalStore) -> None:
    growing = local.root / "inbox/job" / TEMPORARY
    removed, _ = sweep(local, FakeClock(), meanwhile=lambda: growing.write_bytes(b"more than half"))
    assert (len(removed), growing.exists()) == (5, True)


def test_without_leftovers_nobody_waits(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    mark_root(store)
    clock = FakeClock()
    before = clock.monotonic()
    assert sweep(store, clock) == ([], [])
    assert clock.monotonic() == before
