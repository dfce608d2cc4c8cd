import json

import pytest
from fakes.clock import FakeClock
from fakes.lease_scene import LOCAL, Make, files
from fakes.memory_store import MemoryStore

from panini_daemon.storage.errors import LeaseLost, UnsafeName
from panini_daemon.storage.lease_claim import LeaseState


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
