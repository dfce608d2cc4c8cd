"""Finished payloads on local disk, until their commits have surely arrived."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes.bench import Bench
from fakes.clock import FakeClock

from panini_daemon.compute import Compressed
from panini_daemon.keeping import OLDEST, Ask, Keep
from panini_daemon.storage.errors import StoreUnavailable

HASH, OTHER = "a" * 64, "b" * 64
ASK = Ask("auto", "best")


def compressed(payload: bytes) -> Compressed:
    import hashlib

    digest = hashlib.sha256(payload).hexdigest()
    return Compressed(
        method="generic_zstd_v1",
        reconstruction="zstd",
        parameters={"level": 19},
        kind="text",
        seconds=1.5,
        payload_size=len(payload),
        payload_hash=digest,
        trials=(("generic_zstd_v1", len(payload), None), ("generic_xz_v1", None, "failed")),
        device="cpu",
    )


@pytest.fixture
def keep(tmp_path: Path) -> Keep:
    return Keep(tmp_path / "kept", limit=10_000, clock=FakeClock())


def add(keep: Keep, folder: Path, original_hash: str, payload: bytes, ask: Ask = ASK) -> None:
    source = folder / "finished"
    source.write_bytes(payload)
    keep.add(original_hash, ask, compressed(payload), source)


def test_what_is_kept_comes_back_whole_with_what_was_told_of_it(keep: Keep, tmp_path: Path) -> None:
    add(keep, tmp_path, HASH, b"payload")
    assert keep.take(HASH, ASK, tmp_path / "target") == compressed(b"payload")
    assert (tmp_path / "target").read_bytes() == b"payload"


@pytest.mark.parametrize("ask", [Ask("auto", "fast"), Ask("text", "best"), Ask("auto", "best", ("generic_xz_v1",))])
def test_another_ask_gets_nothing(ask: Ask, keep: Keep, tmp_path: Path) -> None:
    add(keep, tmp_path, HASH, b"payload")
    assert keep.take(HASH, ask, tmp_path / "target") is None
    assert keep.take(OTHER, ASK, tmp_path / "target") is None
    assert keep.take(None, ASK, tmp_path / "target") is None


@pytest.mark.parametrize("ending", ["bin", "json"])
@pytest.mark.parametrize("damage", [b"", b"other", b'{"method": 1}', b"[" * 100_000])
def test_what_was_damaged_is_not_taken(ending: str, damage: bytes, keep: Keep, tmp_path: Path) -> None:
    add(keep, tmp_path, HASH, b"payload")
    (tmp_path / "kept" / HASH / f"{ASK.name}.{ending}").write_bytes(damage)
    assert keep.take(HASH, ASK, tmp_path / "target") is None


def test_what_has_arrived_goes(keep: Keep, tmp_path: Path) -> None:
    add(keep, tmp_path, HASH, b"payload")
    keep.drop(HASH)
    keep.drop(OTHER)
    assert keep.take(HASH, ASK, tmp_path / "target") is None
    assert list((tmp_path / "kept").iterdir()) == []


def test_the_oldest_goes_when_the_limit_is_reached(keep: Keep, tmp_path: Path) -> None:
    for number, name in enumerate(("1" * 64, "2" * 64, "3" * 64)):
        add(keep, tmp_path, name, bytes(4000))
        place = tmp_path / "kept" / name
        if place.exists():
            os.utime(place, (number, number))
    assert keep.take("1" * 64, ASK, tmp_path / "target") is None
    assert keep.take("3" * 64, ASK, tmp_path / "target") is not None


def test_what_nobody_came_back_for_goes_at_the_next_start(keep: Keep, tmp_path: Path) -> None:
    clock = FakeClock()
    for name, age in ((HASH, OLDEST + 60), (OTHER, OLDEST - 60)):
        add(keep, tmp_path, name, b"payload")
        written = clock.now().timestamp() - age
        os.utime(tmp_path / "kept" / name, (written, written))
    again = Keep(tmp_path / "kept", limit=10_000, clock=clock)
    assert again.take(HASH, ASK, tmp_path / "target") is None
    assert again.take(OTHER, ASK, tmp_path / "target") is not None


def test_without_room_nothing_is_kept_and_nothing_fails(tmp_path: Path) -> None:
    for limit in (0, 3):
        keep = Keep(tmp_path / "kept", limit=limit, clock=FakeClock())
        add(keep, tmp_path, HASH, b"payload")
        assert keep.take(HASH, ASK, tmp_path / "target") is None
    (tmp_path / "kept").write_bytes(b"a file where the folder should be")
    add(Keep(tmp_path / "kept", limit=1000, clock=FakeClock()), tmp_path, HASH, b"payload")


# --- In the worker's line


@pytest.mark.parametrize("operation", ["put", "write"])
def test_a_folder_that_goes_away_at_the_commit_costs_no_second_compression(operation: str, bench: Bench) -> None:
    for number in range(3):
        bench.submit(f"part-{number}.txt", b"Once more unto the breach. %d" % number * 40)
    fault = bench.store.fail(StoreUnavailable("away"), operation, "compressed_chunks/part-1.txt/chunk_0000", times=2)
    bench.run()
    assert fault.times == 0
    assert len(bench.compute.orders) == 3
    assert len(bench.names("done")) == 3
    assert not list((bench.folder / "kept").iterdir())


def test_the_next_start_takes_up_what_the_last_one_finished(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench()
    bench.submit("play.txt", b"To be, or not to be. " * 50)
    bench.store.fail(StoreUnavailable("away"), "put", "compressed_chunks", times=None)
    bench.on_sleep = lambda _: bench.stopping.set()
    bench.service.notice()
    for _ in range(5):
        bench.service.step()
        bench.service.wake.wait(0.2)
    bench.close()
    assert len(bench.compute.orders) == 1
    other = make_bench(store=bench.store, clock=bench.clock, worker="w2")
    bench.store._faults.clear()
    other.run()
    assert other.compute.orders == []
    assert len(other.names("done")) == 1
    (line,) = [event for event in other.events() if event["event"] == "chunk_committed"]
    assert line["kept"] is True
