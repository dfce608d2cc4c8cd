"""Repair: chunks that come back through the inbox."""

import json
from pathlib import Path
from typing import Any

import pytest
from fakes.bench import Bench
from fakes.damaged_trees import CHUNK, FILES, ONE, A, change, good, load, lose, problems, repair, restored, work
from fakes.memory_store import MemoryStore

from panini_daemon.repair.findings import Fate


@pytest.fixture
def store() -> MemoryStore:
    return load(good())


def test_what_the_inbox_has_is_left_to_the_worker(store: MemoryStore, tmp_path: Path) -> None:
    lose(store, "a.txt", 1)
    bench = Bench(tmp_path, store)
    bench.submit("file", FILES["a.txt"], base="a.txt", chunk_size=CHUNK)
    before = store.files
    (finding,) = repair(store, scratch=tmp_path).findings
    assert (finding.path, finding.fate) == (ONE, Fate.WAITING)
    assert store.files == before
    bench.run()
    bench.close()
    assert problems(store) == []


def test_a_job_that_another_worker_has_is_not_touched(store: MemoryStore, tmp_path: Path) -> None:
    store.move(f"{ONE}/compressed.bin", f"{ONE}/compressed (1).bin")
    bench = Bench(tmp_path, store)
    bench.submit("file", FILES["a.txt"], base="a.txt", chunk_size=CHUNK)
    before = store.files
    asked: list[str] = []

    def hold(jobs: Any) -> Any:
        asked.extend(jobs)
        return jobs

    (finding,) = repair(store, scratch=tmp_path, hold=hold).findings
    bench.close()
    assert (finding.fate, store.files) == (Fate.WAITING, before)
    (job,) = asked
    assert job.startswith("a.txt-")


def fail_job(store: MemoryStore, folder: Path, base: str, data: bytes) -> str:
    """Let a job fail; return its folder."""
    bench = Bench(folder, store, method="no_such_method_v1")
    bench.submit("file", data, base=base, chunk_size=CHUNK)
    bench.run()
    bench.close()
    return str(bench.failure()["folder"])


def test_a_failed_job_goes_back_to_the_inbox_and_is_done(tmp_path: Path) -> None:
    store = MemoryStore()
    folder = fail_job(store, tmp_path, "new.txt", b"words " * 200)
    result = repair(store, scratch=tmp_path)
    assert result.count()["returned"] == len(result.findings) == 3
    assert not any(path.startswith(folder) for path in store.files)
    work(store, tmp_path)
    assert (problems(store), restored(store, "new.txt", tmp_path)) == ([], b"words " * 200)


@pytest.mark.parametrize("path", ["inbox/../../j.json", "inbox//j.json", "inbox/a\0.json", f"inbox/{'a' * 2000}"])
def test_a_failed_job_that_names_no_place_in_the_inbox_stays_and_its_data_goes_back(tmp_path: Path, path: str) -> None:
    store = MemoryStore()
    folder = fail_job(store, tmp_path, "new.txt", b"words " * 200)
    change(store, f"{folder}/error.json", manifest_path=path)
    assert repair(store, scratch=tmp_path).count()["returned"] == 3
    assert f"{folder}/manifest.json" in store.files
    work(store, tmp_path)
    assert problems(store) == []


def test_data_of_a_failed_job_that_cannot_go_back_goes_into_a_job_of_its_own(tmp_path: Path) -> None:
    store = MemoryStore()
    folder = fail_job(store, tmp_path, "new.txt", b"words " * 200)
    store.write(json.loads(store.read(f"{folder}/error.json"))["manifest_path"], b"{}")
    assert repair(store, scratch=tmp_path).count()["returned"] == 3
    assert f"{folder}/manifest.json" in store.files
    work(store, tmp_path)
    assert restored(store, "new.txt", tmp_path) == b"words " * 200


@pytest.mark.parametrize("damage", ["gone", "cut", "junk"])
def test_bytes_that_are_committed_elsewhere_come_back_in_one_job(
    store: MemoryStore, tmp_path: Path, damage: str
) -> None:
    whole = FILES["a.txt"]
    bench = Bench(tmp_path, store)
    bench.submit("file", whole, base="copy", chunk_size=CHUNK)
    bench.run()
    bench.close()
    for number in (0, 2):
        if damage == "gone":
            lose(store, "a.txt", number)
        else:
            store.write(f"{A}/chunk_{number:04d}/compressed.bin", b"" if damage == "cut" else b"x")
    assert repair(store, scratch=tmp_path).count()["returned"] == 2
    assert len([path for path in store.files if path.startswith("inbox/") and path.endswith(".json")]) == 1
    work(store, tmp_path)
    assert (problems(store), restored(store, "a.txt", tmp_path)) == ([], whole)
    told, was = (json.loads(files[f"{A}/manifest.json"]) for files in (store.files, good()))
    assert told == was


@pytest.mark.parametrize("place", ["inbox/left/data.bin", "failed/gone/data/left/data.bin"])
def test_bytes_in_files_that_no_manifest_names_come_back(store: MemoryStore, tmp_path: Path, place: str) -> None:
    lose(store, "a.txt", 1)
    store.write(place, FILES["a.txt"])
    lose(store, "b.bin", 2)
    store.write(f"{place}.part", b"the end")
    assert repair(store, scratch=tmp_path).count()["returned"] == 2
    work(store, tmp_path)
    assert problems(store) == []


def test_a_job_that_waits_for_its_data_is_told_and_not_called_lost(store: MemoryStore, tmp_path: Path) -> None:
    lose(store, "a.txt", 1)
    bench = Bench(tmp_path, store)
    bench.submit("file", FILES["a.txt"], base="a.txt", chunk_size=CHUNK)
    bench.close()
    (data,) = [path for path in store.files if path.endswith("data.bin")]
    store.delete(data)
    (finding,) = repair(store, scratch=tmp_path).findings
    assert (finding.fate, "waits for its data" in finding.message) == (Fate.WAITING, True)


def test_a_receipt_of_a_job_that_goes_back_goes(tmp_path: Path) -> None:
    store = MemoryStore()
    folder = fail_job(store, tmp_path, "new.txt", b"words " * 200)
    receipt = folder.replace("failed/", "done/") + ".json"
    store.write(receipt, b'{"bases": ["new.txt"], "chunks": 3}')
    repair(store, scratch=tmp_path)
    assert receipt not in store.files


@pytest.mark.parametrize("way", ["the inbox", "a failed job", "another commit"])
def test_a_good_chunk_of_another_file_makes_way_for_the_right_one(store: MemoryStore, tmp_path: Path, way: str) -> None:
    for name in ("recipe.json", "compressed.bin"):
        store.write(f"{ONE}/{name}", good()[f"compressed_chunks/deep/c (1).txt/chunk_0001/{name}"])
    method = "no_such_method_v1" if way == "a failed job" else "auto"
    bench = Bench(tmp_path, store, method=method)
    bench.submit("file", FILES["a.txt"], base="copy" if way == "another commit" else "a.txt", chunk_size=CHUNK)
    if way != "the inbox":
        bench.run()
    bench.close()
    fate = Fate.WAITING if way == "the inbox" else Fate.RETURNED
    (finding,) = repair(store, scratch=tmp_path).findings
    assert (finding.path, finding.fate) == (ONE, fate)
    work(store, tmp_path)
    assert problems(store) == []
    assert good()["compressed_chunks/deep/c (1).txt/chunk_0001/compressed.bin"] == store.read(
        f"{ONE}/compressed (1).bin"
    )


@pytest.mark.parametrize("field", ["original_hash", "payload_hash", "chunk_id", "base"])
def test_a_payload_with_a_damaged_recipe_is_done_again_from_its_bytes(
    store: MemoryStore, tmp_path: Path, field: str
) -> None:
    change(store, f"{ONE}/recipe.json", **{field: {"chunk_id": 9, "base": "other"}.get(field, "0" * 64)})
    repair(store, scratch=tmp_path)
    work(store, tmp_path)
    assert (problems(store), restored(store, "a.txt", tmp_path)) == ([], FILES["a.txt"])
