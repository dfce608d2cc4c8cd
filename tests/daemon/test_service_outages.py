import pytest
from fakes.bench import Bench
from fakes.service_scene import TEXT, failing

from panini_daemon.errors import SpoolUnavailable
from panini_daemon.storage.errors import RootLost, StoreFull, StoreReadOnly, StoreUnavailable


def test_an_empty_file_round_trips(bench: Bench) -> None:
    bench.submit("empty", b"")
    bench.run()
    assert bench.store.read("compressed_chunks/empty/chunk_0000/compressed.bin") == b""
    assert bench.names("failed") == []


@pytest.mark.parametrize("error", [StoreUnavailable("EIO"), RootLost("gone"), StoreFull("no space")])
@pytest.mark.parametrize("operation", ["put", "write", "list"])
def test_a_folder_that_is_away_or_full_is_waited_for(bench: Bench, error: Exception, operation: str) -> None:
    bench.submit("play.txt", TEXT)
    fault = bench.store.fail(error, operation, "inbox" if operation == "list" else "compressed_chunks", times=None)
    bench.on_sleep = lambda _: fault.clear() if len(bench.pauses) >= 6 else None
    bench.run()
    assert len(bench.pauses) >= 6
    assert bench.names("failed") == []
    assert len(bench.names("done")) == 1


def test_a_full_working_disk_is_waited_for_with_pauses_that_grow_to_a_cap(bench: Bench) -> None:
    bench.compute.before = failing(*[SpoolUnavailable("no space")] * 9)
    bench.submit("play.txt", TEXT)
    bench.run()
    assert bench.names("failed") == []
    assert bench.pauses[0] <= 1
    assert 30 <= bench.pauses[-1] == max(bench.pauses[-1], 30) <= 60


def test_a_read_only_tree_ends_the_daemon_with_the_reason(bench: Bench) -> None:
    bench.submit("play.txt", TEXT)
    bench.store.fail(StoreReadOnly("read-only"), "put", "compressed_chunks", times=None)
    bench.run()
    assert isinstance(bench.service.fatal, StoreReadOnly)
    assert bench.stopping.is_set()


def test_polling_waits_while_the_folder_is_away_and_goes_on(bench: Bench) -> None:
    bench.submit("play.txt", TEXT)
    fault = bench.store.fail(StoreUnavailable("ENOTCONN"), "list", "inbox", times=None)
    assert bench.service.step() > 0
    assert bench.service.phase == "waiting for the folder"
    assert not bench.service.finished
    fault.clear()
    bench.clock.advance(60)
    bench.run()
    assert len(bench.names("done")) == 1


def test_an_unforeseen_error_ends_in_failed_with_where_it_came_from(bench: Bench) -> None:
    bench.compute.before = failing(*[ZeroDivisionError("boom")] * 3)
    bench.submit("play.txt", TEXT)
    bench.run()
    (failure,) = bench.failure()["failures"]
    assert failure["error"] == "ZeroDivisionError"
    assert "Traceback" in failure["traceback"][0]


def test_rejections_survive_a_folder_that_goes_away_while_they_are_filed(bench: Bench) -> None:
    for name in ("one", "two"):
        bench.store.write(f"inbox/{name}.json", b"[]")
    fault = bench.store.fail(StoreUnavailable("away"), "write", "failed", skip=1, times=None)
    bench.on_sleep = lambda _: fault.clear() if len(bench.pauses) >= 2 else None
    bench.run()
    assert len(bench.names("failed")) == 2
    assert bench.names("inbox") == []


def test_a_folder_that_goes_away_while_a_job_starts_or_ends_costs_nothing(bench: Bench) -> None:
    for operation, path in (("list", "compressed_chunks"), ("write", "done"), ("delete", "inbox")):
        bench.submit(f"{operation}.txt", TEXT + operation.encode())
        fault = bench.store.fail(StoreUnavailable("away"), operation, path, times=None)
        bench.on_sleep = lambda _, fault=fault: fault.clear()  # type: ignore[misc]
        bench.run()
    assert len(bench.names("done")) == 3
    assert [bench.names(folder) for folder in ("failed", "inbox", "leases")] == [[], [], []]


def test_a_round_that_fails_for_an_unforeseen_reason_does_not_end_the_daemon(bench: Bench) -> None:
    bench.submit("play.txt", TEXT)
    fault = bench.store.fail(ZeroDivisionError("a bug"), "list", "inbox", times=3)
    bench.run()
    assert len(bench.names("done")) == 1
    assert [event["event"] for event in bench.events()].count("round_failed") == 3
    assert fault.times == 0


def test_rounds_that_always_fail_end_the_daemon_with_the_reason(bench: Bench) -> None:
    bench.store.fail(ZeroDivisionError("a bug"), "list", "inbox", times=None)
    bench.run()
    assert isinstance(bench.service.fatal, ZeroDivisionError)
