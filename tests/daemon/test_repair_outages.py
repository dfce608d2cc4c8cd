"""Repair: while the tree changes, goes away, or is only looked at."""

from itertools import count
from pathlib import Path

import pytest
from fakes.bench import Bench
from fakes.damaged_trees import CHUNK, FILES, ONE, A, good, load, lose, problems, repair, restored, work
from fakes.memory_store import MemoryStore

from panini_daemon.repair.holding import Holding
from panini_daemon.storage.errors import RootLost, StoreUnavailable
from panini_daemon.storage.lease_timing import LeaseTiming
from panini_daemon.storage.leases import Leases


@pytest.fixture
def store() -> MemoryStore:
    return load(good())


def test_what_arrives_meanwhile_is_not_called_missing(store: MemoryStore, tmp_path: Path) -> None:
    lose(store, "a.txt", 1)
    lose(store, "b.bin", 0)

    def arrive() -> None:
        for path, data in good().items():
            if path not in store.files:
                store.write(path, data)

    assert repair(store, scratch=tmp_path, on_chunk=arrive).findings == []
    assert store.files == good()


def damage_in_every_way(store: MemoryStore) -> None:
    store.move(f"{ONE}/compressed.bin", f"{ONE}/compressed (1).bin")
    store.write(f"{ONE}/compressed.bin", b"another file's")
    store.delete(f"{A}/chunk_0003")
    store.move("compressed_chunks/b.bin/manifest.json", "compressed_chunks/b.bin/manifest (1).json")
    store.write("compressed_chunks/empty/chunk_0000/recipe (1).json", b"")
    store.write("compressed_chunks/b.bin/chunk_0002/compressed.bin", b"lost")


def test_a_dry_run_tells_the_same_and_changes_nothing(store: MemoryStore, tmp_path: Path) -> None:
    damage_in_every_way(store)
    before = store.files
    told = repair(store, scratch=tmp_path, dry_run=True)
    assert store.files == before
    assert not told.whole
    done = repair(store, scratch=tmp_path)
    assert [(one.path, one.fate) for one in told.findings] == [(one.path, one.fate) for one in done.findings]
    assert set(told.count().values()) == {0, 1, 2}


@pytest.mark.parametrize("error", [StoreUnavailable("away"), RootLost("away")])
@pytest.mark.parametrize("operation", ["list", "read", "open", "stat"])
def test_a_folder_that_cannot_be_read_ends_the_repair_before_anything_is_changed(
    store: MemoryStore, tmp_path: Path, error: StoreUnavailable, operation: str
) -> None:
    damage_in_every_way(store)
    before, skip = store.files, 0
    while True:
        fault = store.fail(error, operation, skip=skip)
        try:
            repair(store, scratch=tmp_path, dry_run=True)
        except StoreUnavailable:
            assert store.files == before
            skip += 7
            continue
        fault.clear()
        break
    assert skip > 7


@pytest.mark.parametrize("operation", ["write", "put", "delete"])
def test_a_repair_that_was_broken_off_is_ended_by_the_next(store: MemoryStore, tmp_path: Path, operation: str) -> None:
    damage_in_every_way(store)
    damaged = store.files
    reference = load(damaged)
    repair(reference, scratch=tmp_path)
    for skip in range(20):
        store = load(damaged)
        fault = store.fail(StoreUnavailable("away"), operation, skip=skip)
        try:
            repair(store, scratch=tmp_path)
        except StoreUnavailable:
            repair(store, scratch=tmp_path)
        else:
            break
        finally:
            fault.clear()
        work(store, tmp_path)
        assert problems(store) == ["compressed_chunks/b.bin/chunk_0002"]
    assert skip > 0


def test_a_worker_that_works_meanwhile_and_the_repair_do_each_other_no_harm(store: MemoryStore, tmp_path: Path) -> None:
    damage_in_every_way(store)
    bench = Bench(tmp_path, store)
    for base, data in FILES.items():
        bench.submit("file", data, base=base, chunk_size=CHUNK)
    repairs = leases_of(bench)

    def sleep(seconds: float) -> None:
        bench.clock.advance(seconds)
        bench.leases.refresh()
        bench.round()

    with Holding(repairs, sleep) as holding:

        def ready() -> None:
            bench.round()
            holding.ready()

        repair(store, scratch=tmp_path, ready=ready, on_chunk=bench.round, hold=holding.hold)
    bench.run()
    bench.close()
    assert problems(store) == []
    assert all(restored(store, base, tmp_path) == data for base, data in FILES.items())
    assert [entry.name for entry in store.list("leases")] == []
    repair(store, scratch=tmp_path)
    assert repair(store, scratch=tmp_path).whole


def leases_of(bench: Bench) -> Leases:
    nonces = (f"r{number:04d}" for number in count())
    return Leases(bench.store, "repair", clock=bench.clock, timing=LeaseTiming.local(), nonce=nonces.__next__)
