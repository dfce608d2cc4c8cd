import hashlib
import json
from collections.abc import Callable

from fakes.bench import Bench
from fakes.service_scene import TEXT, failing

from panini_daemon.compute import Order
from panini_daemon.errors import ComputeStopped
from panini_daemon.job_queue import Room
from panini_daemon.storage.inbox import Inbox
from panini_daemon.storage.lease_entry import format_content, name_entry
from panini_daemon.storage.lease_timing import LeaseTiming
from panini_daemon.storage.leases import Leases
from panini_daemon.storage.ordering import job_key


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


def test_a_tree_whose_manifest_never_comes_is_committed_and_leaves_the_inbox(bench: Bench) -> None:
    metadata = {"chunk_id": 0, "offset": 0, "size": len(TEXT), "original_hash": hashlib.sha256(TEXT).hexdigest()}
    bench.store.write("inbox/play.txt/chunk_0000/data.bin", TEXT)
    bench.store.write("inbox/play.txt/chunk_0000/metadata.json", json.dumps(metadata).encode())
    bench.run()
    assert bench.names("compressed_chunks/play.txt/chunk_0000") == ["compressed.bin", "recipe.json"]
    assert [bench.names(folder) for folder in ("inbox", "leases", "failed")] == [[], [], []]
    assert len(bench.names("done")) == 1


def test_a_dead_lease_of_a_job_that_left_without_a_receipt_is_swept_away(bench: Bench) -> None:
    name = name_entry("gone-0123456789abcdef", 1, "a", "dead")
    bench.store.write(f"leases/{name.file}", format_content(name, "dead", "hold", 1, ""))
    for _ in range(3):
        bench.service.step()
        bench.clock.advance(600)
    assert bench.names("leases") == []


def test_the_level_and_method_of_a_job_are_obeyed(bench: Bench) -> None:
    bench.submit("play.txt", TEXT, method="generic_gzip_v1", level="balanced")
    bench.run()
    assert bench.compute.orders[0].level == "balanced"
    recipe = bench.json("compressed_chunks/play.txt/chunk_0000/recipe.json")
    assert (recipe["compression_method"], recipe["reconstruction"]["method"]) == ("generic_gzip_v1", "gzip_decompress")


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


def test_jobs_that_another_worker_has_do_not_hold_up_the_others(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(ahead=Room(2), retry_claim=0.5)
    for number in range(20):
        bench.submit(f"{number:02d}.txt", b"Some text. %d" % number * 20)
    bench.service.notice()
    other = Leases(
        bench.store,
        "other",
        clock=bench.clock,
        timing=LeaseTiming.local(),
        nonce=iter(f"a{number}" for number in range(99)).__next__,
    )
    for job in sorted(Inbox(bench.store, clock=bench.clock, arrival_timeout=10.0).poll().ready, key=job_key)[:15]:
        other.request(job.job_id)
    other.tick()
    bench.clock.advance(10)
    other.refresh()  # which says that it holds
    for _ in range(40):
        bench.round()
    assert len(bench.names("done")) == 5
