"""Files of the tree that are larger than any of their kind are refused before they fill memory."""

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes.clock import FakeClock

from panini_daemon.compressors import Device, Registry
from panini_daemon.dashboard.reading import DashboardReader
from panini_daemon.reader import Reader
from panini_daemon.restoration import read_manifest
from panini_daemon.storage.commits import find_commit
from panini_daemon.storage.errors import ManifestInvalid, NotCommitted, RootLost, StorageError
from panini_daemon.storage.lease_timing import LeaseTiming
from panini_daemon.storage.leases import Leases
from panini_daemon.storage.local import LocalStore
from panini_daemon.storage.outbox import Outbox
from panini_daemon.storage.root import MARKER, open_root

HUGE = 1 << 40
LITTLE = 4 << 20


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    store = LocalStore(tmp_path)
    open_root(store, create=True, clock=FakeClock())
    return store


def make_huge(store: LocalStore, path: str) -> None:
    """Make a file of a terabyte that takes no room: all of it is a hole."""
    place = store.root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("wb") as file:
        file.truncate(HUGE)


def peak_of(act: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        act()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_huge_root_marker_is_no_marker(store: LocalStore) -> None:
    make_huge(store, MARKER)

    def look() -> None:
        with pytest.raises(RootLost, match="no marker"):
            open_root(store, create=False, clock=FakeClock())

    assert peak_of(look) < LITTLE


def test_a_huge_lease_file_is_no_claim(store: LocalStore) -> None:
    make_huge(store, "leases/job.1.abc.other.json")
    clock, timing = FakeClock(), LeaseTiming.local()
    leases = Leases(store, "me", clock=clock, timing=timing, nonce=lambda: "xyz")

    def claim() -> None:
        leases.request("job")
        for _ in range(9):
            clock.advance(timing.refresh)
            leases.tick()
            leases.refresh()

    assert peak_of(claim) < LITTLE
    assert leases.held("job")


def test_a_huge_report_is_told_and_passed_over(store: LocalStore) -> None:
    make_huge(store, "reports/job.json")
    told: list[StorageError] = []
    outbox = Outbox(store, "me", FakeClock(), tell=told.append)
    assert peak_of(lambda: outbox.due("o/r")) < LITTLE
    assert [str(HUGE) in str(error) for error in told] == [True]


def test_a_huge_heartbeat_is_left_out(store: LocalStore) -> None:
    make_huge(store, "status/w.json")
    assert peak_of(lambda: DashboardReader(store, "root", FakeClock()).statuses()) < LITTLE
    assert DashboardReader(store, "root", FakeClock()).statuses() == []


def test_a_huge_manifest_beside_the_chunks_is_refused(store: LocalStore) -> None:
    make_huge(store, "compressed_chunks/a/manifest.json")

    def read() -> None:
        with pytest.raises(ManifestInvalid, match=str(HUGE)):
            read_manifest(Reader(store, Registry(), Device()), "compressed_chunks/a")

    assert peak_of(read) < LITTLE


def test_a_huge_recipe_is_no_commit(store: LocalStore) -> None:
    make_huge(store, "compressed_chunks/a/chunk_0000/recipe.json")

    def find() -> None:
        with pytest.raises(NotCommitted, match=str(HUGE)):
            find_commit(store, "compressed_chunks/a/chunk_0000")

    assert peak_of(find) < LITTLE
