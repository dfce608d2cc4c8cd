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


def spoil(bench: Bench) -> str:
    """Leave a manifest that can never be a job instead of what was submitted; return its path."""
    bench.run()
    path = "inbox/broken.json"
    bench.store.write(path, b'{"format": "panini-job", "version": 1, "files": [{"base": "../out", "chunks": []}]}')
    bench.service.notice()
    bench.round()
    return path


def fail(bench: Bench) -> str:
    """Leave a job that fails instead of what was submitted; return its manifest's path."""
    bench.run()
    bench.submit("other.txt", b"Words, words, words. " * 9, method="no_such_method_v1")
    bench.service.notice()
    for _ in range(5):
        bench.round()
    (name,) = [name for name in bench.names("inbox") if name.endswith(".json")]
    return f"inbox/{name}"


@pytest.mark.parametrize("send", [spoil, fail])
def test_what_failed_stays_in_the_inbox_until_what_tells_of_it_has_arrived(
    send: Callable[[Bench], str], bench: Bench
) -> None:
    path = send(bench)
    (job,) = bench.names("failed")
    told = [f"failed/{job}/error.json", f"failed/{job}/manifest.json"]
    manifest = bench.store.read(path)
    assert [bool(bench.store.read(path)) for path in told] == [True, True]
    bench.clock.advance(280)
    bench.service.step()
    assert bench.store.read(path) == manifest
    bench.store.uploads = {told[0]}
    bench.clock.advance(600)
    bench.service.step()
    assert bench.store.read(path) == manifest
    bench.store.uploads = set()
    bench.run()
    assert bench.names("inbox") == []
    assert bench.store.read(told[1]) == manifest


@pytest.mark.parametrize("send", [spoil, fail])
@pytest.mark.parametrize("lost", ["error.json", "manifest.json"])
def test_what_tells_of_a_failure_is_written_again_where_it_is_gone(
    send: Callable[[Bench], str], lost: str, bench: Bench
) -> None:
    path = send(bench)
    (job,) = bench.names("failed")
    bench.store.delete(f"failed/{job}/{lost}")
    bench.clock.advance(310)
    for _ in range(9):
        bench.round()
    assert bench.store.read(path)
    assert bench.store.read(f"failed/{job}/{lost}")
    bench.run()
    assert bench.names("inbox") == []


def test_a_manifest_that_another_worker_set_aside_meanwhile_is_not_told_of_again(bench: Bench) -> None:
    path = spoil(bench)
    (job,) = bench.names("failed")
    bench.store.delete(path)
    bench.store.delete(f"failed/{job}")
    bench.run()
    assert bench.names("failed") == []


def send_cut(bench: Bench) -> tuple[str, bytes]:
    """Let data be cut short after its job was taken up, as while it is sent again; return its path and bytes."""
    bench.run()
    bench.submit("other.txt", b"Words, words, words. " * 9)
    (folder,) = [name for name in bench.names("inbox") if not name.endswith(".json")]
    path = f"inbox/{folder}/data.bin"
    whole = bench.store.read(path)
    bench.service.notice()
    bench.service._poll()
    bench.store.write(path, whole[:10])
    return path, whole


def test_data_that_is_cut_for_longer_than_the_tries_last_is_waited_for(bench: Bench) -> None:
    path, whole = send_cut(bench)
    for _ in range(30):
        bench.round()
    bench.store.write(path, whole)
    bench.run()
    assert (bench.names("failed"), bench.names("inbox"), len(bench.names("done"))) == ([], [], 2)
    assert "data_late" in {event["event"] for event in bench.events()}


def test_data_that_stays_cut_fails_its_job_when_the_delay_is_over(bench: Bench) -> None:
    send_cut(bench)
    bench.run(rounds=2000)
    assert bench.failure()["error"] == "StillArriving"
    assert bench.names("inbox") == []
