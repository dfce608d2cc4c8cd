from datetime import UTC, datetime

from fakes.clock import FakeClock
from fakes.lease_scene import SHARED, Make, files, put
from fakes.memory_store import MemoryStore

from panini_daemon.storage.lease_claim import LeaseState
from panini_daemon.storage.leases import Leases


def watch(leases: Leases, clock: FakeClock, seconds: float) -> float:
    """Tick as asked until the job is free or `seconds` are over; return how long that took."""
    start = clock.monotonic()
    while leases.state("job") is LeaseState.TAKEN and clock.monotonic() - start < seconds:
        clock.advance(leases.wake_in() or 1.0)
        leases.tick()
    return clock.monotonic() - start


def test_a_dead_holder_is_followed_by_the_next_attempt_and_its_file_removed(
    make: Make, store: MemoryStore, clock: FakeClock
) -> None:
    leases = make(timing=SHARED)
    put(store, "dead", "hold", attempt=3)
    leases.request("job")
    assert SHARED.stale <= watch(leases, clock, 9999) <= SHARED.stale + SHARED.refresh
    assert leases.state("job") is LeaseState.IDLE
    leases.request("job")
    assert leases.attempt("job") == 4
    clock.advance(60)
    leases.tick()
    assert leases.held("job")
    assert len(files(store)) == 2
    clock.advance(60)
    leases.tick()
    assert files(store) == ["job.4.m1.me.json"]


def test_a_holder_that_changes_its_file_is_never_stale(make: Make, store: MemoryStore, clock: FakeClock) -> None:
    leases = make(timing=SHARED)
    put(store, "other", "hold")
    leases.request("job")
    clock.advance(60)
    leases.tick()
    for sequence in range(2, 40):
        put(store, "other", "hold", sequence=sequence)
        clock.advance(SHARED.refresh)
        leases.tick()
        assert leases.state("job") is LeaseState.TAKEN


def test_the_wall_clock_and_file_times_prove_nothing(make: Make, store: MemoryStore, clock: FakeClock) -> None:
    leases = make(timing=SHARED)
    put(store, "other", "hold")
    leases.request("job")
    clock.set_wall(datetime(2040, 1, 1, tzinfo=UTC))
    clock.advance(60)
    leases.tick()
    assert leases.state("job") is LeaseState.TAKEN
    clock.set_wall(datetime(1990, 1, 1, tzinfo=UTC))
    clock.advance(SHARED.refresh)
    leases.tick()
    assert leases.state("job") is LeaseState.TAKEN


def test_a_wall_clock_jump_takes_no_lease_from_its_holder(make: Make, clock: FakeClock) -> None:
    leases = make()
    leases.request("job")
    leases.tick()
    clock.set_wall(datetime(2040, 1, 1, tzinfo=UTC))
    leases.refresh()
    assert leases.held("job")


def test_two_identical_cut_off_contents_far_apart_prove_no_death(
    make: Make, store: MemoryStore, clock: FakeClock
) -> None:
    leases = make(timing=SHARED)
    file = put(store, "other", "hold")
    leases.request("job")
    clock.advance(60)
    leases.tick()
    store.write(f"leases/{file}", b"")
    clock.advance(SHARED.refresh)
    leases.tick()
    clock.advance(SHARED.stale)
    leases.tick()
    assert leases.state("job") is LeaseState.TAKEN


def test_a_dead_file_of_a_job_done_by_another_is_removed_on_withdrawal(
    make: Make, store: MemoryStore, clock: FakeClock
) -> None:
    leases = make(timing=SHARED)
    put(store, "dead", "hold")
    leases.request("job")
    clock.advance(60)
    leases.tick()
    leases.withdraw("job", done=True)
    assert len(files(store)) == 1
    leases.request("job")
    clock.advance(60)
    leases.tick()
    watch(leases, clock, 9999)
    leases.withdraw("job", done=True)
    assert files(store) == []


def test_sweeping_removes_only_dead_files_of_done_jobs(make: Make, store: MemoryStore, clock: FakeClock) -> None:
    leases = make(timing=SHARED)
    put(store, "dead", "hold")
    alive = put(store, "alive", "hold", nonce="y")
    store.write("leases/open.1.a.dead.json", b"")
    assert leases.sweep(lambda key: key == "job") == 0
    clock.advance(SHARED.stale)
    put(store, "alive", "hold", nonce="y", sequence=2)
    assert leases.sweep(lambda key: key == "job") == 1
    assert files(store) == [alive, "open.1.a.dead.json"]


def test_sweeping_removes_files_of_done_jobs_that_never_were_whole(
    make: Make, store: MemoryStore, clock: FakeClock
) -> None:
    leases = make(timing=SHARED)
    store.write(f"leases/{put(store, 'dead', 'hold')}", b"")
    assert leases.sweep(lambda _: True) == 0
    clock.advance(SHARED.stale)
    assert leases.sweep(lambda _: True) == 1
    assert files(store) == []


def test_what_an_earlier_process_left_is_removed_at_start_and_counts_as_an_attempt(
    make: Make, store: MemoryStore
) -> None:
    put(store, "me", "hold", attempt=2)
    put(store, "you", "hold", nonce="y")
    leases = make()
    assert leases.recover() == {"job": 2}
    assert files(store) == ["job.1.y.you.json"]
    leases.request("job")
    assert leases.attempt("job") == 3


def test_ones_own_dead_file_that_comes_back_is_removed_and_never_in_the_way(make: Make, store: MemoryStore) -> None:
    leases = make()
    leases.recover()
    put(store, "me", "hold")
    leases.request("job")
    leases.tick()
    assert leases.held("job")
    assert files(store) == ["job.1.m0.me.json"]


def test_ones_own_dead_file_that_comes_back_is_removed_by_a_worker_that_claims_nothing(
    make: Make, store: MemoryStore
) -> None:
    leases = make(timing=SHARED)
    leases.recover()
    put(store, "me", "hold")
    leases.sweep(lambda _: False)
    assert files(store) == []
