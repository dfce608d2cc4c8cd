import json

import pytest
from fakes.clock import FakeClock
from fakes.lease_scene import LOCAL, SHARED, Make, files, put
from fakes.memory_store import MemoryStore

from panini_daemon.storage.errors import LeaseLost, RootLost, StoreFull, StoreUnavailable
from panini_daemon.storage.lease_claim import LeaseState


# Refreshing and stopping.
def test_a_holder_rewrites_its_file_when_due_and_not_before(make: Make, store: MemoryStore, clock: FakeClock) -> None:
    leases = make()
    leases.request("job")
    leases.tick()
    store.operations.clear()
    clock.advance(LOCAL.refresh - 0.1)
    leases.refresh()
    assert store.operations == []
    clock.advance(0.1)
    leases.refresh()
    assert json.loads(store.files["leases/job.1.m0.me.json"])["sequence"] == 2
    assert json.loads(store.files["leases/job.1.m0.me.json"])["state"] == "hold"


def test_a_refreshed_lease_is_held_for_ever(make: Make, clock: FakeClock) -> None:
    leases = make()
    leases.request("job")
    leases.tick()
    for _ in range(100):
        clock.advance(LOCAL.refresh)
        leases.refresh()
        leases.ensure("job")


def test_a_holder_that_could_not_refresh_stops_by_itself(make: Make, store: MemoryStore, clock: FakeClock) -> None:
    leases = make()
    leases.request("job")
    leases.tick()
    store.fail(StoreUnavailable("gone"), times=None)
    start = clock.monotonic()
    while leases.held("job"):
        clock.advance(LOCAL.refresh / 4)
        if LOCAL.refresh <= clock.monotonic() - start < LOCAL.stop:
            with pytest.raises(StoreUnavailable):
                leases.refresh()
        else:
            leases.refresh()
    assert clock.monotonic() - start == LOCAL.stop
    assert leases.state("job") is LeaseState.LOST
    with pytest.raises(LeaseLost, match="lost"):
        leases.ensure("job")


def test_a_holder_that_slept_has_stopped_when_it_wakes(make: Make, store: MemoryStore, clock: FakeClock) -> None:
    leases = make()
    leases.request("job")
    leases.tick()
    clock.advance(LOCAL.stop)
    assert leases.state("job") is LeaseState.LOST
    leases.refresh()
    assert leases.state("job") is LeaseState.LOST
    assert files(store) == []


def test_a_rewrite_that_ends_too_late_does_not_revive_a_lease(make: Make, store: MemoryStore, clock: FakeClock) -> None:
    leases = make()
    leases.request("job")
    leases.tick()
    clock.advance(LOCAL.refresh)
    write = store.write

    def slow_write(path: str, data: bytes, *, durable: bool = True) -> None:
        clock.advance(LOCAL.stop)
        write(path, data, durable=durable)

    store.write = slow_write  # type: ignore[method-assign]
    leases.refresh()
    assert leases.state("job") is LeaseState.LOST
    assert files(store) == []


def test_one_failed_rewrite_does_not_stop_the_others(make: Make, store: MemoryStore, clock: FakeClock) -> None:
    leases = make()
    for key in ("a", "b", "c"):
        leases.request(key)
    leases.tick()
    clock.advance(LOCAL.refresh)
    store.fail(StoreFull("full"), "write", "leases/b.1.m1.me.json")
    with pytest.raises(StoreFull):
        leases.refresh()
    sequences = [json.loads(store.files[f"leases/{file}"])["sequence"] for file in files(store)]
    assert sequences == [2, 1, 2]
    leases.refresh()
    assert json.loads(store.files["leases/b.1.m1.me.json"])["sequence"] == 3


def test_a_folder_that_cannot_be_listed_does_not_keep_a_holder_from_rewriting(
    make: Make, store: MemoryStore, clock: FakeClock
) -> None:
    leases = make()
    leases.request("job")
    leases.tick()
    store.fail(StoreUnavailable("too many files"), "list", times=None)
    for _ in range(10):
        clock.advance(LOCAL.refresh)
        with pytest.raises(StoreUnavailable, match="too many"):
            leases.refresh()
    assert leases.held("job")


def test_nothing_is_written_into_a_lost_root(make: Make, store: MemoryStore, clock: FakeClock) -> None:
    leases = make()
    leases.request("job")
    leases.tick()
    store.fail(RootLost("gone"), "check_root", times=None)
    clock.advance(LOCAL.refresh)
    store.operations.clear()
    with pytest.raises(RootLost):
        leases.refresh()
    assert store.count("write") == 0


def test_a_vanished_file_is_written_again(make: Make, store: MemoryStore, clock: FakeClock) -> None:
    leases = make()
    leases.request("job")
    leases.tick()
    file = files(store)[0]
    store.delete(f"leases/{file}")
    clock.advance(LOCAL.refresh)
    leases.refresh()
    assert files(store) == [file]
    assert leases.held("job")


def test_a_vanished_file_is_not_written_again_beside_another_holder(
    make: Make, store: MemoryStore, clock: FakeClock
) -> None:
    leases = make()
    leases.request("job")
    leases.tick()
    store.delete(f"leases/{files(store)[0]}")
    put(store, "other", "hold", attempt=2)
    clock.advance(LOCAL.refresh)
    leases.refresh()
    assert (leases.state("job"), leases.holder("job")) == (LeaseState.LOST, "other")
    assert files(store) == ["job.2.x.other.json"]


def test_a_job_released_while_its_file_is_rewritten_leaves_no_file(
    make: Make, store: MemoryStore, clock: FakeClock
) -> None:
    leases = make()
    leases.request("job")
    leases.tick()
    clock.advance(LOCAL.refresh)
    write = store.write

    def write_during_release(path: str, data: bytes, *, durable: bool = True) -> None:
        leases.release("job")
        write(path, data, durable=durable)

    store.write = write_during_release  # type: ignore[method-assign]
    leases.refresh()
    assert files(store) == []


def test_a_lost_job_can_be_requested_again(make: Make, clock: FakeClock) -> None:
    leases = make()
    leases.request("job")
    leases.tick()
    clock.advance(LOCAL.stop)
    leases.request("job")
    leases.tick()
    assert leases.held("job")


# A store that fails.
def test_an_outage_during_a_tick_keeps_every_state(make: Make, store: MemoryStore, clock: FakeClock) -> None:
    leases = make(timing=SHARED)
    put(store, "other", "hold")
    leases.request("job")
    clock.advance(60)
    leases.tick()
    leases.request("mine")
    clock.advance(120)
    for operation in ("list", "check_root", "write"):
        fault = store.fail(RootLost("gone"), operation, times=None)
        with pytest.raises(RootLost):
            leases.tick()
        fault.clear()
        assert (leases.state("job"), leases.state("mine")) == (LeaseState.TAKEN, LeaseState.SETTLING)
    clock.advance(60)
    leases.tick()
    assert leases.held("mine")


def test_one_unreadable_file_does_not_keep_other_claims_from_moving_on(
    make: Make, store: MemoryStore, clock: FakeClock
) -> None:
    leases = make()
    file = put(store, "other", "hold")
    store.fail(StoreUnavailable("bad"), "open", f"leases/{file}", times=None)
    leases.request("job")
    leases.request("mine")
    with pytest.raises(StoreUnavailable):
        leases.tick()
    assert leases.held("mine")
    assert leases.state("job") is LeaseState.SETTLING


def test_a_request_that_fails_is_no_claim_and_its_file_is_removed_if_it_got_there(
    make: Make, store: MemoryStore, clock: FakeClock
) -> None:
    leases = make()
    write = store.write

    def write_and_fail(path: str, data: bytes, *, durable: bool = True) -> None:
        write(path, data, durable=durable)
        raise StoreUnavailable("timed out")

    store.write = write_and_fail  # type: ignore[method-assign]
    with pytest.raises(StoreUnavailable):
        leases.request("job")
    assert leases.state("job") is LeaseState.IDLE
    assert leases.wake_in() == LOCAL.refresh
    clock.advance(LOCAL.refresh)
    leases.tick()
    assert files(store) == []
    assert leases.wake_in() is None


def test_a_file_that_cannot_be_deleted_now_is_deleted_later(make: Make, store: MemoryStore, clock: FakeClock) -> None:
    leases = make()
    leases.request("job")
    leases.tick()
    store.fail(StoreUnavailable("gone"), "delete", times=2)
    leases.release("job")
    for left in (1, 0):
        clock.advance(leases.wake_in() or 0.0)
        leases.tick()
        assert len(files(store)) == left
    assert leases.wake_in() is None


def test_a_folder_that_is_not_there_yet_is_empty(make: Make, store: MemoryStore) -> None:
    assert make().recover() == {}
    assert make().sweep(lambda _key: True) == 0
