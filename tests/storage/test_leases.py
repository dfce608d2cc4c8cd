"""Each rule of the lease protocol by itself."""

import itertools
import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from fakes.clock import FakeClock
from fakes.memory_store import MemoryStore

from panini_daemon.storage.errors import LeaseLost, RootLost, StoreFull, StoreUnavailable, UnsafeName
from panini_daemon.storage.lease_claim import LeaseState
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


# A coherent folder.


def test_a_sole_claim_on_a_local_folder_costs_one_write_and_one_listing(make: Make, store: MemoryStore) -> None:
    leases = make()
    store.operations.clear()
    leases.request("job")
    assert leases.state("job") is LeaseState.SETTLING
    leases.tick()
    assert leases.held("job")
    assert leases.wake_in() is None
    leases.tick()
    leases.refresh()
    leases.release("job")
    assert leases.state("job") is LeaseState.IDLE
    assert [operation for operation, _ in store.operations] == ["write", "list", "check_root", "delete"]
    assert files(store) == []


def test_many_claims_share_one_listing(make: Make, store: MemoryStore) -> None:
    leases = make()
    for number in range(50):
        leases.request(f"job-{number}")
    leases.tick()
    assert all(leases.held(f"job-{number}") for number in range(50))
    assert store.count("list") == 1


def test_the_file_says_whose_claim_on_what_it_is(make: Make, store: MemoryStore) -> None:
    make().request("job")
    assert files(store) == ["job.1.m0.me.json"]
    assert json.loads(store.files["leases/job.1.m0.me.json"]) == {
        "worker": "me",
        "job": "job",
        "attempt": 1,
        "nonce": "m0",
        "state": "intent",
        "sequence": 1,
        "written_at": "2024-05-06T07:08:09.000Z",
    }


def test_a_later_claim_finds_the_job_taken_and_by_whom(make: Make, store: MemoryStore) -> None:
    first, second = make("host.a (1)", nonce="z"), make("b", nonce="c")
    first.request("job")
    first.tick()
    second.request("job")
    second.tick()
    assert second.state("job") is LeaseState.SETTLING
    first.request("another")
    first.tick()
    second._clock.advance(1.0)  # type: ignore[attr-defined]
    second.tick()
    assert second.state("job") is LeaseState.TAKEN
    assert second.holder("job") == "host.a (1)"
    with pytest.raises(LeaseLost, match=r"host.a \(1\)"):
        second.ensure("job")
    assert all("b.json" not in file for file in files(store))


def test_a_taken_job_can_be_requested_again_when_its_holder_is_done(make: Make, clock: FakeClock) -> None:
    first, second = make("a", nonce="a"), make("b", nonce="b")
    first.request("job")
    first.tick()
    second.request("job")
    second.tick()
    assert second.state("job") is LeaseState.TAKEN
    assert second.wake_in() == LOCAL.refresh
    first.release("job")
    clock.advance(LOCAL.refresh)
    second.tick()
    assert second.state("job") is LeaseState.IDLE
    second.request("job")
    second.tick()
    assert second.held("job")


def test_a_lower_claim_waits_for_a_holder_that_has_not_said_so_and_learns_it_from_its_refresh(
    make: Make, clock: FakeClock
) -> None:
    holder, lower = make("a", nonce="z"), make("b", nonce="b")
    holder.request("job")
    holder.tick()
    lower.request("job")
    for _ in range(12):
        clock.advance(1.0)
        holder.refresh()
        lower.tick()
        assert not lower.held("job")
    assert holder.held("job")
    assert lower.state("job") is LeaseState.TAKEN


def test_requesting_twice_is_one_claim(make: Make, store: MemoryStore) -> None:
    leases = make()
    leases.request("job")
    leases.request("job")
    leases.tick()
    leases.request("job")
    assert leases.held("job")
    assert store.count("write") == 2


def test_a_withdrawn_claim_leaves_nothing(make: Make, store: MemoryStore) -> None:
    leases = make()
    leases.request("job")
    leases.withdraw("job")
    leases.tick()
    assert leases.state("job") is LeaseState.IDLE
    assert files(store) == []


def test_release_all_ends_every_claim(make: Make, store: MemoryStore) -> None:
    leases = make()
    leases.request("held")
    leases.tick()
    leases.request("settling")
    leases.release_all()
    assert files(store) == []
    assert leases.wake_in() is None


def test_a_claim_whose_file_is_not_in_the_listing_does_not_hold(
    make: Make, store: MemoryStore, clock: FakeClock
) -> None:
    leases = make()
    leases.request("job")
    store.delete("leases")
    leases.tick()
    assert leases.state("job") is LeaseState.SETTLING
    for _ in range(3):
        clock.advance(LOCAL.refresh)
        leases.tick()
    assert leases.held("job")
    assert files(store) == ["job.1.m0.me.json"]


def test_a_key_that_is_no_file_name_is_refused(make: Make, store: MemoryStore) -> None:
    leases = make()
    for key in ("a/b", "..", "", "k" * 250):
        with pytest.raises(UnsafeName):
            leases.request(key)
        assert leases.state(key) is LeaseState.IDLE
    assert files(store) == []


# A folder that is late.


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


# Staleness and take-over.


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
    clock.advance(60)
    leases.tick()
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
    store.fail(StoreUnavailable("bad"), "read", f"leases/{file}", times=None)
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
