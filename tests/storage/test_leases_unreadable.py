"""Lease files that are listed and cannot be read: a mount lists for a while what another worker has deleted."""

import pytest
from fakes.clock import FakeClock
from fakes.lease_scene import SHARED, Make, files, hold, put
from fakes.memory_store import MemoryStore

from panini_daemon.storage.errors import RootLost, StoreUnavailable
from panini_daemon.storage.lease_claim import LeaseState


def test_a_listed_file_that_cannot_be_read_is_waited_for_and_stops_no_other_claim(
    make: Make, store: MemoryStore, clock: FakeClock
) -> None:
    leases = make(timing=SHARED)
    leases.request("job")
    leases.request("other")
    file = put(store, "other", "hold", nonce="z")
    deleted = store.fail(StoreUnavailable("EIO"), "open", f"leases/{file}", times=None)
    clock.advance(SHARED.settle)
    leases.tick()
    assert leases.state("job") is LeaseState.SETTLING
    assert leases.held("other")
    deleted.clear()
    store.delete(f"leases/{file}")
    clock.advance(SHARED.poll)
    leases.tick()
    assert leases.held("job")


def test_a_holder_whose_file_cannot_be_read_any_more_goes_stale_like_one_that_is_silent(
    make: Make, store: MemoryStore, clock: FakeClock
) -> None:
    leases = make(timing=SHARED)
    leases.request("job")
    file = put(store, "other", "hold", nonce="z")
    clock.advance(SHARED.settle)
    leases.tick()
    assert leases.state("job") is LeaseState.TAKEN
    store.fail(StoreUnavailable("EIO"), "open", f"leases/{file}", times=None)
    waited = 0.0
    while leases.state("job") is LeaseState.TAKEN:
        clock.advance(SHARED.refresh)
        waited += SHARED.refresh
        leases.tick()
    assert SHARED.stale <= waited <= SHARED.stale + 2 * SHARED.refresh


def test_a_file_that_cannot_be_read_because_the_folder_went_away_proves_nothing(
    make: Make, store: MemoryStore, clock: FakeClock
) -> None:
    leases = make(timing=SHARED)
    leases.request("job")
    file = put(store, "other", "hold", nonce="z")
    store.fail(StoreUnavailable("ENOTCONN"), "open", f"leases/{file}")
    store.fail(RootLost("gone"), "check_root", skip=1)
    clock.advance(SHARED.settle)
    with pytest.raises(RootLost):
        leases.tick()


def test_a_holder_whose_file_vanished_goes_on_though_a_rivals_file_cannot_be_read(
    make: Make, store: MemoryStore, clock: FakeClock
) -> None:
    leases = make(timing=SHARED)
    hold(leases, clock)
    for file in files(store):
        store.delete(f"leases/{file}")
    file = put(store, "other", "hold", nonce="z")
    store.fail(StoreUnavailable("EIO"), "open", f"leases/{file}")
    clock.advance(SHARED.refresh)
    leases.refresh()
    assert leases.held("job")
    assert len(files(store)) == 2
