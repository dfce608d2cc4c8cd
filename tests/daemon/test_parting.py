"""Jobs whose originals stay for a while after they were committed, as on a mount that uploads later."""

import shutil
from collections.abc import Callable

import pytest
from fakes.bench import Bench
from fakes.trees import commit

from panini_daemon.storage.errors import StoreUnavailable

PAYLOAD = "compressed_chunks/play.txt/chunk_0000/compressed.bin"
RECIPE = "compressed_chunks/play.txt/chunk_0000/recipe.json"


@pytest.fixture
def bench(make_bench: Callable[..., Bench]) -> Bench:
    made = make_bench(removal_delay=300.0)
    made.submit("play.txt", b"To be, or not to be. " * 50)
    made.service.notice()
    for _ in range(5):
        made.round()
    return made


def test_the_original_stays_until_the_delay_is_over(bench: Bench) -> None:
    assert bench.names("done") == []
    assert len(bench.names("inbox")) == 2
    assert not bench.service.finished
    bench.clock.advance(280)
    bench.service.step()
    assert len(bench.names("inbox")) == 2
    bench.clock.advance(20)
    bench.run()
    assert [bench.names(folder) for folder in ("inbox", "leases", "failed")] == [[], [], []]
    assert len(bench.names("done")) == 1
    assert len(bench.compute.orders) == 1


@pytest.mark.parametrize("kept", [True, False])
def test_a_commit_that_is_gone_when_the_delay_is_over_is_made_again(kept: bool, bench: Bench) -> None:
    before = bench.store.read(PAYLOAD)
    bench.store.delete(PAYLOAD)
    if not kept:
        shutil.rmtree(bench.folder / "kept")
    bench.clock.advance(300)
    bench.run()
    assert bench.store.read(PAYLOAD) == before
    assert len(bench.compute.orders) == (1 if kept else 2)
    assert bench.names("inbox") == []
    assert [event["event"] for event in bench.events()].count("commit_vanished") == 1


def test_a_job_whose_commit_another_one_wrote_over_fails_and_keeps_its_data(bench: Bench) -> None:
    commit(bench.store, "compressed_chunks/play.txt/chunk_0000", b"another play", chunk_id=0, offset=0)
    theirs = bench.store.read(PAYLOAD)
    bench.clock.advance(300)
    bench.run()
    assert bench.failure()["error"] == "BaseConflict"
    assert "data" in bench.names(bench.failure()["folder"])
    assert bench.store.read(PAYLOAD) == theirs
    assert bench.names("done") == []


def test_a_folder_that_is_away_when_the_delay_is_over_is_waited_for(bench: Bench) -> None:
    fault = bench.store.fail(StoreUnavailable("away"), "delete", "inbox", times=None)
    bench.on_sleep = lambda _: fault.clear()
    bench.clock.advance(300)
    bench.run()
    assert bench.names("inbox") == []


def test_what_still_waits_for_its_upload_keeps_the_original_however_long(bench: Bench) -> None:
    bench.store.uploads = {PAYLOAD}
    for _ in range(200):
        bench.clock.advance(20)
        bench.service.step()
    assert len(bench.names("inbox")) == 2
    bench.store.uploads = set()
    bench.run()
    assert bench.names("inbox") == []
    assert len(bench.compute.orders) == 1


def test_a_store_that_tells_of_uploads_lets_the_original_go_as_soon_as_they_are_done(
    make_bench: Callable[..., Bench],
) -> None:
    bench = make_bench(removal_delay=300.0)
    bench.store.uploads = {RECIPE}
    bench.submit("play.txt", b"To be, or not to be. " * 50)
    bench.service.notice()
    for _ in range(8):
        bench.round()
    assert len(bench.names("inbox")) == 2
    bench.store.uploads = set()
    before = bench.clock.monotonic()
    bench.run()
    assert bench.names("inbox") == []
    assert bench.clock.monotonic() - before < 15


def test_a_mount_that_does_not_tell_its_uploads_now_is_waited_for(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(removal_delay=300.0)
    fault = bench.store.fail(StoreUnavailable("no answer"), "arrived", times=None)
    bench.on_sleep = lambda _: fault.clear()
    bench.submit("play.txt", b"To be, or not to be. " * 50)
    bench.run()
    assert bench.names("inbox") == []
    assert fault.times == 0


def test_a_worker_that_dies_meanwhile_leaves_the_rest_to_the_next(
    bench: Bench, make_bench: Callable[..., Bench]
) -> None:
    bench.close()
    other = make_bench(store=bench.store, clock=bench.clock, worker="w2")
    other.run()
    assert other.names("inbox") == []
    assert other.compute.orders == []
