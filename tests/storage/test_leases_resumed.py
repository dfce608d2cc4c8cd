"""A worker that died and was started again at once: what it held, it holds."""

from datetime import timedelta

import pytest
from fakes.clock import FakeClock
from fakes.lease_scene import LOCAL, SHARED, Make, files, hold, put
from fakes.memory_store import MemoryStore

from panini_daemon.storage.errors import StoreUnavailable
from panini_daemon.storage.lease_claim import LeaseState


def test_what_was_held_a_moment_ago_is_held_again_without_settling(
    make: Make, store: MemoryStore, clock: FakeClock
) -> None:
    hold(make(timing=SHARED), clock)
    before = store.files.copy()
    clock.advance(SHARED.stop / 2)
    again = make(timing=SHARED, nonce="n")
    assert again.recover() == {"job": 1}
    again.request("job")
    assert again.held("job")
    assert files(store) == ["job.1.m0.me.json"]
    assert store.files != before, "others see that it lives"
    clock.advance(SHARED.stop - 1)
    assert again.held("job"), "its time begins anew"


def test_it_looks_once_more_as_every_holder_does_and_yields_to_a_lower_one(
    make: Make, store: MemoryStore, clock: FakeClock
) -> None:
    hold(make(timing=SHARED), clock)
    again = make(timing=SHARED, nonce="n")
    again.recover()
    put(store, "other", "hold", nonce="a")
    clock.advance(SHARED.settle)
    again.tick()
    assert again.state("job") is LeaseState.LOST


@pytest.mark.parametrize("seconds", [SHARED.stop, SHARED.stale, -60.0])
def test_what_others_may_have_taken_for_dead_is_claimed_anew(
    make: Make, store: MemoryStore, clock: FakeClock, seconds: float
) -> None:
    hold(make(timing=SHARED), clock)
    clock.set_wall(clock.now() + timedelta(seconds=seconds))
    again = make(timing=SHARED, nonce="n")
    assert again.recover() == {"job": 1}
    assert again.state("job") is LeaseState.IDLE
    assert files(store) == []
    again.request("job")
    assert again.attempt("job") == 2


def test_what_another_claims_too_is_not_held_again(make: Make, store: MemoryStore, clock: FakeClock) -> None:
    hold(make(timing=SHARED), clock)
    put(store, "other", "intent", nonce="z")
    again = make(timing=SHARED, nonce="n")
    again.recover()
    assert again.state("job") is LeaseState.IDLE


@pytest.mark.parametrize("content", [b"", b"[]", b'{"state": "hold"}'])
def test_a_file_that_does_not_say_that_it_holds_is_deleted(
    make: Make, store: MemoryStore, clock: FakeClock, content: bytes
) -> None:
    hold(make(timing=SHARED), clock)
    store.write(f"leases/{files(store)[0]}", content)
    again = make(timing=SHARED, nonce="n")
    again.recover()
    assert (again.state("job"), files(store)) == (LeaseState.IDLE, [])


def test_a_claim_that_cannot_be_rewritten_is_not_held(make: Make, store: MemoryStore, clock: FakeClock) -> None:
    hold(make(timing=SHARED), clock)
    store.fail(StoreUnavailable("gone"), "write")
    again = make(timing=SHARED, nonce="n")
    again.recover()
    assert (again.state("job"), files(store)) == (LeaseState.IDLE, [])


def test_what_is_held_again_and_nobody_asks_for_is_given_back(make: Make, store: MemoryStore, clock: FakeClock) -> None:
    first = make(timing=SHARED)
    hold(first, clock)
    hold(first, clock, "wanted")
    again = make(timing=SHARED, nonce="n")
    again.recover()
    again.request("wanted")
    again.sweep(lambda _: True)
    assert (again.held("wanted"), again.held("job")) == (True, False)
    assert files(store) == ["wanted.1.m1.me.json"]


def test_on_a_coherent_folder_a_claim_costs_nothing_and_is_made_anew(make: Make, store: MemoryStore) -> None:
    first = make(timing=LOCAL)
    put(store, "me", "hold")
    first.recover()
    assert (first.state("job"), files(store)) == (LeaseState.IDLE, [])
