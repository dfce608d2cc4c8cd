import hashlib
import json

import pytest
from fakes.bench import Bench
from fakes.service_scene import TEXT, failing, the_manifest
from fakes.trees import commit

from panini_daemon.errors import ComputeDied, ComputeTimeout


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


def test_other_bytes_committed_while_a_chunk_is_compressed_stay(bench: Bench) -> None:
    folder = "compressed_chunks/play.txt/chunk_0000"
    bench.compute.before = lambda _: commit(bench.store, folder, b"another play", chunk_id=0, offset=0)
    bench.submit("play.txt", TEXT)
    bench.run()
    assert bench.failure()["error"] == "BaseConflict"
    assert bench.json(f"{folder}/recipe.json")["original_hash"] == hashlib.sha256(b"another play").hexdigest()
    assert "data" in bench.names(bench.failure()["folder"])


def test_a_base_that_differs_by_case_only_goes_to_failed(bench: Bench) -> None:
    bench.submit("play.txt", TEXT)
    bench.run()
    bench.submit("Play.txt", TEXT)
    bench.run()
    assert bench.failure()["error"] == "NameCollision"


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


def test_a_level_that_there_is_not_fails_its_job_with_the_choices(bench: Bench) -> None:
    bench.submit("play.txt", TEXT, level="ultra")
    bench.run()
    assert bench.failure()["error"] == "ManifestInvalid"
    assert "fast, balanced, best, max" in bench.failure()["message"]
