import hashlib
import json
from collections.abc import Callable

import pytest
from fakes.bench import Bench

from panini_daemon.compute import Order
from panini_daemon.errors import ComputeDied, ComputeStopped, ComputeTimeout, SpoolUnavailable
from panini_daemon.storage.errors import RootLost, StoreFull, StoreReadOnly, StoreUnavailable

TEXT = b"To be, or not to be, that is the question.\n" * 50


def failing(*errors: Exception) -> Callable[[Order], None]:
    left = list(errors)

    def before(_: Order) -> None:
        if left:
            raise left.pop(0)

    return before


def the_manifest(bench: Bench) -> str:
    (name,) = [name for name in bench.names("inbox") if name.endswith(".json")]
    return f"inbox/{name}"


def test_a_submitted_file_is_committed_receipted_and_leaves_the_inbox(bench: Bench) -> None:
    bench.submit("play.txt", TEXT, chunk_size=1000)
    bench.run()
    assert [bench.names(folder) for folder in ("inbox", "leases", "failed")] == [[], [], []]
    assert bench.names("compressed_chunks/play.txt") == ["chunk_0000", "chunk_0001", "chunk_0002", "manifest.json"]
    (receipt,) = bench.names("done")
    found = bench.json(f"done/{receipt}")
    assert (found["chunks"], found["original_size"], found["worker"]) == (3, len(TEXT), "w1")


def test_the_recipe_has_every_field_of_the_contract(bench: Bench) -> None:
    bench.submit("play.txt", TEXT)
    bench.run()
    folder = "compressed_chunks/play.txt/chunk_0000"
    recipe, payload = bench.json(f"{folder}/recipe.json"), bench.store.read(f"{folder}/compressed.bin")
    place = {"offset": 0, "size": len(TEXT), "total_chunks": 1, "ordering": 0, "depends_on": []}
    assert recipe["version"] == "1.1"
    assert recipe["original_hash"] == hashlib.sha256(TEXT).hexdigest()
    assert recipe["payload_hash"] == hashlib.sha256(payload).hexdigest()
    assert recipe["assembly_info"] == place
    assert recipe["stats"]["original_size"] == len(TEXT)
    assert recipe["stats"]["compressed_size"] == len(payload)
    assert recipe["uploaded_at"].endswith("Z")
    assert (recipe["base"], recipe["device"]) == ("play.txt", "cpu (test)")
    assert {"worker", "software", "timings", "source", "pattern_type", "grammar_id"} <= recipe.keys()
    assert {"method", "parameters"} <= recipe["reconstruction"].keys()


def test_a_job_submitted_again_is_not_compressed_again(bench: Bench) -> None:
    for _ in range(2):
        bench.submit("play.txt", TEXT)
        bench.run()
    assert len(bench.compute.orders) == 1
    assert bench.names("inbox") == []


def test_other_bytes_under_a_committed_base_go_to_failed_and_the_old_ones_stay(bench: Bench) -> None:
    bench.submit("play.txt", TEXT)
    bench.run()
    before = bench.store.read("compressed_chunks/play.txt/chunk_0000/compressed.bin")
    manifest = bench.store.read("compressed_chunks/play.txt/manifest.json")
    bench.submit("play.txt", b"another play")
    bench.run()
    assert bench.store.read("compressed_chunks/play.txt/chunk_0000/compressed.bin") == before
    assert bench.store.read("compressed_chunks/play.txt/manifest.json") == manifest
    assert bench.failure()["error"] == "BaseConflict"
    assert "another base" in bench.failure()["message"]


def test_a_base_that_differs_by_case_only_goes_to_failed(bench: Bench) -> None:
    bench.submit("play.txt", TEXT)
    bench.run()
    bench.submit("Play.txt", TEXT)
    bench.run()
    assert bench.failure()["error"] == "NameCollision"


def test_an_empty_file_round_trips(bench: Bench) -> None:
    bench.submit("empty", b"")
    bench.run()
    assert bench.store.read("compressed_chunks/empty/chunk_0000/compressed.bin") == b""
    assert bench.names("failed") == []


def test_a_wrong_hash_is_tried_again_and_then_fails_that_job_alone(bench: Bench) -> None:
    bench.submit("bad.txt", TEXT)
    path = the_manifest(bench)
    wrong = bench.store.read(path).decode().replace(hashlib.sha256(TEXT).hexdigest(), "0" * 64).encode()
    bench.store.write(path, wrong)
    bench.submit("good.txt", TEXT)
    bench.run()
    failure = bench.failure()
    assert (failure["error"], failure["tries"]) == ("HashMismatch", 3)
    assert bench.store.read(f"{failure['folder']}/manifest.json") == wrong
    assert "data" in bench.names(failure["folder"])
    assert (len(bench.names("done")), bench.names("inbox")) == (1, [])


@pytest.mark.parametrize("junk", [b"{", b"[]", b'{"format": "panini-job", "version": 99}', b'{"format": "panini-job"}'])
def test_a_manifest_that_stays_broken_is_rejected_after_its_time(bench: Bench, junk: bytes) -> None:
    bench.store.write("inbox/broken.json", junk)
    bench.run()
    assert bench.failure()["error"].startswith("Manifest")
    assert bench.store.read(f"{bench.failure()['folder']}/manifest.json") == junk
    assert bench.names("inbox") == []


@pytest.mark.parametrize("name", ["../escape", "/etc/passwd", "a/../../b", "C:\\x", "nul\0byte"])
def test_a_name_that_would_leave_the_tree_is_rejected(bench: Bench, name: str) -> None:
    bench.submit("play.txt", TEXT)
    path = the_manifest(bench)
    job = bench.json(path)
    job["files"][0]["base"] = name
    bench.store.write(path, json.dumps(job).encode())
    bench.run()
    assert bench.failure()["error"] == "UnsafeName"
    assert bench.names("compressed_chunks") == []


def test_data_that_never_arrives_fails_after_its_time(bench: Bench) -> None:
    bench.submit("play.txt", TEXT)
    for name in bench.names("inbox"):
        if not name.endswith(".json"):
            bench.store.delete(f"inbox/{name}")
    bench.run()
    assert bench.failure()["error"] == "ChunkMissing"


def test_an_unknown_method_fails_its_job_at_once(bench: Bench) -> None:
    bench.submit("play.txt", TEXT, method="no_such_v1")
    bench.run()
    assert (bench.failure()["error"], bench.failure()["tries"]) == ("UnknownMethod", 1)


def test_the_level_and_method_of_a_job_are_obeyed(bench: Bench) -> None:
    bench.submit("play.txt", TEXT, method="generic_gzip_v1", level="balanced")
    bench.run()
    assert bench.compute.orders[0].level == "balanced"
    recipe = bench.json("compressed_chunks/play.txt/chunk_0000/recipe.json")
    assert (recipe["compression_method"], recipe["reconstruction"]["method"]) == ("generic_gzip_v1", "gzip_decompress")


@pytest.mark.parametrize("error", [ComputeTimeout("slow", "text_ppmd_v1"), ComputeDied("crash", "text_ppmd_v1")])
def test_a_codec_that_hangs_or_crashes_is_left_out_and_the_chunk_is_committed(bench: Bench, error: Exception) -> None:
    bench.compute.before = failing(error)
    bench.submit("play.txt", TEXT)
    bench.run()
    assert bench.compute.orders[1].exclude == ("text_ppmd_v1",)
    assert bench.names("failed") == []


def test_a_codec_asked_for_by_name_that_keeps_crashing_fails_its_job(bench: Bench) -> None:
    bench.compute.before = failing(*[ComputeDied("crash", "generic_xz_v1")] * 3)
    bench.submit("play.txt", TEXT, method="generic_xz_v1")
    bench.run()
    assert (bench.failure()["error"], bench.failure()["tries"]) == ("ComputeDied", 3)


def test_a_payload_that_decodes_to_other_bytes_is_never_committed(bench: Bench) -> None:
    bench.compute.wrong_decodes = 1
    bench.submit("play.txt", TEXT)
    bench.run()
    first, second = bench.compute.orders
    assert (first.exclude, len(second.exclude)) == ((), 1)
    method = bench.json("compressed_chunks/play.txt/chunk_0000/recipe.json")["compression_method"]
    assert method not in second.exclude


@pytest.mark.parametrize("error", [StoreUnavailable("EIO"), RootLost("gone"), StoreFull("no space")])
@pytest.mark.parametrize("operation", ["put", "write", "open"])
def test_a_folder_that_is_away_or_full_is_waited_for(bench: Bench, error: Exception, operation: str) -> None:
    bench.submit("play.txt", TEXT)
    fault = bench.store.fail(error, operation, "inbox" if operation == "open" else "compressed_chunks", times=None)
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


def test_an_ending_daemon_leaves_the_job_for_the_next(bench: Bench, make_bench: Callable[..., Bench]) -> None:
    bench.compute.before = failing(ComputeStopped("ending"))
    bench.submit("play.txt", TEXT)
    bench.service.step()
    bench.service.drain(5)
    bench.close()
    assert [bench.names(folder) for folder in ("leases", "failed", "done")] == [[], [], []]
    other = make_bench(store=bench.store, clock=bench.clock, worker="w2")
    other.run()
    assert len(other.names("done")) == 1


def test_an_unforeseen_error_ends_in_failed_with_where_it_came_from(bench: Bench) -> None:
    bench.compute.before = failing(*[ZeroDivisionError("boom")] * 3)
    bench.submit("play.txt", TEXT)
    bench.run()
    (failure,) = bench.failure()["failures"]
    assert failure["error"] == "ZeroDivisionError"
    assert "Traceback" in failure["traceback"][0]


def test_a_lease_lost_before_the_commit_leaves_the_chunk_uncommitted(bench: Bench) -> None:
    def lose(_: Order) -> None:
        bench.clock.advance(3600)  # no refresh came through for longer than the stop limit

    bench.compute.before = lose
    bench.submit("play.txt", TEXT)
    bench.service.step()
    assert bench.service.wake.wait(5)
    bench.service.step()
    assert not bench.store.operations.count(("put", "compressed_chunks/play.txt/chunk_0000/compressed.bin"))
    assert bench.names("done") == []
    assert any(event["event"] == "chunk_dropped" for event in bench.events())


def test_a_job_dropped_with_its_lease_is_taken_up_again(bench: Bench) -> None:
    slow = [3600.0]

    def lose_once(_: Order) -> None:
        if slow:
            bench.clock.advance(slow.pop())

    bench.compute.before = lose_once
    bench.submit("play.txt", TEXT)
    bench.run()
    assert len(bench.names("done")) == 1


def test_two_workers_share_an_inbox_and_nothing_is_done_twice(bench: Bench, make_bench: Callable[..., Bench]) -> None:
    other = make_bench(store=bench.store, clock=bench.clock, worker="w2")
    for number in range(12):
        bench.submit(f"{number}.txt", TEXT + bytes([number]))
    for _ in range(200):
        if bench.service.finished and other.service.finished:
            break
        for one in (bench, other):
            one.round()
    assert len(bench.compute.orders) + len(other.compute.orders) == 12
    assert bench.names("inbox") == []
    assert len(bench.names("done")) == 12


def test_one_info_line_tells_each_chunk(bench: Bench) -> None:
    bench.submit("play.txt", TEXT, chunk_size=1000)
    bench.run()
    lines = [event for event in bench.events() if event["level"] == "info"]
    assert [line["event"] for line in lines] == ["chunk_committed"] * 3
    assert {"job", "chunk", "size", "compressed", "ratio", "method", "device", "seconds"} <= lines[0].keys()
    assert {"fetch", "compress", "verify", "commit"} <= lines[0]["seconds"].keys()


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


def test_an_urgent_job_overtakes_what_is_not_yet_in_work(bench: Bench) -> None:
    started = []

    def note(order: Order) -> None:
        started.append(order.size)
        if len(started) == 1:
            bench.submit("urgent.txt", b"urgent", priority=9)
            bench.service.notice()
            bench.service.step()

    bench.compute.before = note
    big = 1 << 20
    bench.submit("long.bin", bytes(6 * big), chunk_size=big)
    bench.run()
    assert started.index(6) < 4


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


def test_dead_lease_files_of_finished_jobs_are_swept(bench: Bench, make_bench: Callable[..., Bench]) -> None:
    bench.submit("play.txt", TEXT)
    bench.run()
    job_id = bench.names("done")[0].removesuffix(".json")
    make_bench(store=bench.store, clock=bench.clock, worker="dead").leases.request(job_id)
    assert len(bench.names("leases")) == 1
    for _ in range(4):
        bench.clock.advance(700)
        bench.service.step()
    assert bench.names("leases") == []


def test_a_level_that_there_is_not_fails_its_job_with_the_choices(bench: Bench) -> None:
    bench.submit("play.txt", TEXT, level="ultra")
    bench.run()
    assert bench.failure()["error"] == "ManifestInvalid"
    assert "fast, balanced, best, max" in bench.failure()["message"]
