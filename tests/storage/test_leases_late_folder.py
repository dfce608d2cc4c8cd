import pytest
from fakes.clock import FakeClock
from fakes.lease_scene import SHARED, Make, files, hold, put
from fakes.memory_store import MemoryStore

from panini_daemon.storage.lease_claim import LeaseState
from panini_daemon.storage.lease_entry import Mark


def test_a_claim_waits_the_settle_time_then_says_that_it_holds(
    make: Make, store: MemoryStore, clock: FakeClock
) -> None:
    leases = make(timing=SHARED)
    leases.request("job")
    assert leases.wake_in() == 60
    clock.advance(59.9)
    store.operations.clear()
    leases.tick()
    assert store.operations == []
    clock.advance(0.1)
    leases.tick()
    assert leases.held("job")
    assert b'"hold"' in store.files["leases/job.1.m0.me.json"]


@pytest.mark.parametrize("mark", ["intent", "hold"])
def test_a_job_that_another_worker_is_seen_to_claim_costs_no_write(
    mark: Mark, make: Make, store: MemoryStore, clock: FakeClock
) -> None:
    leases = make(timing=SHARED)
    file = put(store, "other", mark)
    before = store.count("write")
    leases.request("job")
    assert (leases.state("job"), leases.holder("job")) == (LeaseState.TAKEN, "other")
    assert store.count("write") == before
    store.delete(f"leases/{file}")
    clock.advance(SHARED.refresh)
    leases.tick()
    assert leases.state("job") is LeaseState.IDLE
    hold(leases, clock)


def test_many_requests_share_a_listing(make: Make, store: MemoryStore) -> None:
    leases = make(timing=SHARED)
    before = store.count("list")
    for number in range(50):
        leases.request(f"job{number}")
    assert store.count("list") - before == 1


def test_claims_settle_for_as_long_as_the_folder_turns_out_to_take(
    make: Make, store: MemoryStore, clock: FakeClock
) -> None:
    leases = make(timing=SHARED)
    leases.request("job")
    clock.advance(50)
    assert leases.adapt(100) == 100
    clock.advance(49.9)
    leases.tick()
    assert leases.state("job") is LeaseState.SETTLING
    clock.advance(0.1)
    leases.tick()
    assert leases.held("job")
    leases.adapt(60)
    leases.request("next")
    clock.advance(60)
    leases.tick()
    assert leases.held("next")


def test_claims_settle_no_longer_than_the_other_times_leave_room_for(make: Make) -> None:
    leases = make(timing=SHARED)
    assert leases.adapt(1e6) < SHARED.stale - SHARED.stop
    assert leases.settle > 60


def test_on_a_coherent_folder_there_is_nothing_to_settle(make: Make) -> None:
    with pytest.raises(ValueError, match="coherent"):
        make().adapt(5)


def test_a_lower_intent_goes_first(make: Make, store: MemoryStore, clock: FakeClock) -> None:
    leases = make(timing=SHARED)
    leases.request("job")
    put(store, "other", "intent", nonce="a")
    clock.advance(60)
    leases.tick()
    assert leases.state("job") is LeaseState.TAKEN
    assert leases.holder("job") == "other"
    assert files(store) == ["job.1.a.other.json"]


def test_any_holder_goes_first(make: Make, store: MemoryStore, clock: FakeClock) -> None:
    leases = make(timing=SHARED)
    leases.request("job")
    put(store, "other", "hold", nonce="z", attempt=4)
    clock.advance(60)
    leases.tick()
    assert leases.state("job") is LeaseState.TAKEN


def test_the_lowest_gives_higher_intents_time_to_yield_and_then_goes_on(
    make: Make, store: MemoryStore, clock: FakeClock
) -> None:
    leases = make(timing=SHARED)
    leases.request("job")
    put(store, "other", "intent", nonce="z")
    clock.advance(60)
    waited = 0.0
    while leases.state("job") is LeaseState.SETTLING:
        leases.tick()
        pause = leases.wake_in() or 0.0
        clock.advance(pause)
        waited += pause
    assert leases.held("job")
    assert SHARED.patience <= waited <= SHARED.patience + SHARED.settle + 2 * SHARED.poll


def test_the_lowest_goes_on_at_once_when_the_others_have_yielded(
    make: Make, store: MemoryStore, clock: FakeClock
) -> None:
    leases = make(timing=SHARED)
    leases.request("job")
    other = put(store, "other", "intent", nonce="z")
    clock.advance(60)
    leases.tick()
    store.delete(f"leases/{other}")
    clock.advance(SHARED.poll)
    leases.tick()
    assert leases.held("job")


def test_an_empty_lock_is_no_lock_but_might_become_one(make: Make, store: MemoryStore, clock: FakeClock) -> None:
    leases = make(timing=SHARED)
    leases.request("job")
    file = put(store, "other", "hold", nonce="z")
    store.write(f"leases/{file}", b"")
    clock.advance(60)
    leases.tick()
    assert leases.state("job") is LeaseState.SETTLING
    put(store, "other", "hold", nonce="z")
    clock.advance(SHARED.poll)
    leases.tick()
    assert leases.state("job") is LeaseState.TAKEN


def test_an_empty_lock_that_stays_empty_ends_up_stale(make: Make, store: MemoryStore, clock: FakeClock) -> None:
    leases = make(timing=SHARED)
    leases.request("job")
    store.write("leases/job.1.a.other.json", b"")
    elapsed = 0.0
    while not leases.held("job"):
        pause = leases.wake_in()
        assert pause is not None
        clock.advance(pause)
        elapsed += pause
        leases.tick()
        assert leases.state("job") is not LeaseState.TAKEN
    assert SHARED.stale <= elapsed <= SHARED.stale + SHARED.settle + 2 * SHARED.poll


def test_on_a_coherent_folder_an_empty_lock_costs_nothing(make: Make, store: MemoryStore) -> None:
    leases = make()
    store.write("leases/job.1.a.other.json", b"")
    leases.request("job")
    leases.tick()
    assert leases.held("job")


@pytest.mark.parametrize("content", [b"", b'{"job": "job", "non', b"{}"])
def test_a_lock_once_seen_valid_counts_while_its_content_is_cut_short(
    make: Make, store: MemoryStore, clock: FakeClock, content: bytes
) -> None:
    leases = make(timing=SHARED)
    file = put(store, "other", "hold", nonce="z")
    leases.request("job")
    clock.advance(60)
    leases.tick()
    assert leases.state("job") is LeaseState.TAKEN
    store.write(f"leases/{file}", content)
    clock.advance(SHARED.refresh)
    leases.tick()
    assert leases.state("job") is LeaseState.TAKEN


def test_a_second_file_of_ones_own_name_is_no_rival(make: Make, store: MemoryStore, clock: FakeClock) -> None:
    leases = make(timing=SHARED)
    leases.request("job")
    store.write("leases/job.1.m0.me (1).json", store.files["leases/job.1.m0.me.json"])
    clock.advance(60)
    leases.tick()
    assert leases.held("job")
    leases.release("job")
    leases.request("another")
    clock.advance(60)
    leases.tick()
    assert files(store) == ["another.1.m1.me.json"]


def test_a_second_file_of_anothers_name_is_another_entry_of_that_owner(
    make: Make, store: MemoryStore, clock: FakeClock
) -> None:
    leases = make(timing=SHARED)
    leases.request("job")
    file = put(store, "other", "hold")
    store.move(f"leases/{file}", f"leases/{file.removesuffix('.json')} (1).json")
    clock.advance(60)
    leases.tick()
    assert (leases.state("job"), leases.holder("job")) == (LeaseState.TAKEN, "other")


def test_the_second_look_stops_a_holder_that_is_not_the_lowest(
    make: Make, store: MemoryStore, clock: FakeClock
) -> None:
    leases = make(timing=SHARED)
    hold(leases, clock)
    put(store, "other", "hold", nonce="a")
    assert leases.wake_in() == 60
    clock.advance(60)
    leases.tick()
    assert (leases.state("job"), leases.holder("job")) == (LeaseState.LOST, "other")
    assert files(store) == ["job.1.a.other.json"]


def test_the_second_look_lets_the_lowest_holder_go_on(make: Make, store: MemoryStore, clock: FakeClock) -> None:
    leases = make(timing=SHARED)
    hold(leases, clock)
    put(store, "other", "hold", nonce="z")
    clock.advance(60)
    leases.tick()
    assert leases.held("job")
    assert leases.wake_in() is None


def test_a_slow_word_of_holding_is_not_believed_before_another_look(
    make: Make, store: MemoryStore, clock: FakeClock
) -> None:
    leases = make(timing=SHARED)
    leases.request("job")
    clock.advance(60)
    write = store.write

    def slow_write(path: str, data: bytes, *, durable: bool = True) -> None:
        clock.advance(SHARED.slack + 1)
        write(path, data, durable=durable)

    store.write = slow_write  # type: ignore[method-assign]
    leases.tick()
    assert leases.state("job") is LeaseState.SETTLING
    leases.tick()
    assert leases.held("job")


def test_a_word_of_holding_that_came_when_others_took_the_claim_for_dead_settles_again(
    make: Make, store: MemoryStore, clock: FakeClock
) -> None:
    leases = make(timing=SHARED)
    leases.request("job")
    clock.advance(60)
    write = store.write

    def slow_write(path: str, data: bytes, *, durable: bool = True) -> None:
        clock.advance(SHARED.stop)
        write(path, data, durable=durable)

    store.write = slow_write  # type: ignore[method-assign]
    leases.tick()
    assert leases.state("job") is LeaseState.SETTLING
    assert leases.wake_in() == 60


def test_a_claim_that_nobody_moved_on_for_long_settles_again(make: Make, store: MemoryStore, clock: FakeClock) -> None:
    leases = make(timing=SHARED)
    leases.request("job")
    clock.advance(SHARED.stale)
    leases.tick()
    assert leases.state("job") is LeaseState.SETTLING
    assert leases.wake_in() == 60
    put(store, "other", "hold", attempt=2)
    clock.advance(60)
    leases.tick()
    assert leases.state("job") is LeaseState.TAKEN
