"""Repair: chunks that a repository offers again, and those that are lost."""

import json
from pathlib import Path

import pytest
from fakes.damaged_trees import ONE, A, change, good, load, lose, problems, repair
from fakes.memory_store import MemoryStore

from panini_daemon.repair.findings import Fate


@pytest.fixture
def store() -> MemoryStore:
    return load(good())


def make_of_repository(store: MemoryStore, base: str) -> str:
    """Let a file have come from a repository; return its receipt's path."""
    source = {"repository": "o/r", "commit": "c" * 40, "ref": "refs/heads/main"}
    (receipt,) = [path for path in store.files if path.startswith(f"done/{base}")]
    change(store, receipt, source=source, manifest_path=f"github:o/r@{'c' * 40}:p/{base}/manifest.json")
    for path in [path for path in store.files if path.startswith(f"compressed_chunks/{base}/chunk_")]:
        if path.endswith("recipe.json"):
            told = json.loads(store.read(path))["source"]
            manifest_path = f"github:o/r@{'c' * 40}:p/{base}/manifest.json"
            change(store, path, source={**told, **source, "manifest_path": manifest_path})
    return receipt


@pytest.mark.parametrize("left", ["its recipe", "the others", "nothing"])
def test_a_chunk_of_a_repository_is_offered_again_without_its_receipt(
    store: MemoryStore, tmp_path: Path, left: str
) -> None:
    receipt = make_of_repository(store, "a.txt")
    if left == "its recipe":
        store.write(f"{ONE}/compressed.bin", b"damaged")
    else:
        store.delete(ONE if left == "the others" else A)
    (finding,) = repair(store, scratch=tmp_path).findings
    assert (finding.path, finding.fate) == (A if left == "nothing" else ONE, Fate.OFFERED)
    assert "o/r" in finding.message
    assert receipt not in store.files
    before = store.files
    assert repair(store, scratch=tmp_path).count()["offered"] == (0 if left == "nothing" else 1)
    assert store.files == before


def test_a_job_of_a_repository_that_failed_is_not_offered_again(store: MemoryStore, tmp_path: Path) -> None:
    receipt = make_of_repository(store, "a.txt")
    job_id = receipt.removeprefix("done/").removesuffix(".json")
    store.delete(receipt)
    store.write(f"failed/{job_id}/error.json", b"{}")
    lose(store, "a.txt", 1)
    (finding,) = repair(store, scratch=tmp_path).findings
    assert (finding.fate, f"failed/{job_id}" in finding.message) == (Fate.LOST, True)


def test_what_is_lost_is_told_and_its_damaged_files_stay(store: MemoryStore, tmp_path: Path) -> None:
    store.write(f"{ONE}/compressed.bin", b"damaged")
    lose(store, "b.bin", 0)
    before = store.files
    result = repair(store, scratch=tmp_path)
    assert {finding.path: finding.fate for finding in result.findings} == {
        ONE: Fate.LOST,
        "compressed_chunks/b.bin/chunk_0000": Fate.LOST,
    }
    assert all("submit the file again" in finding.message for finding in result.findings)
    assert not result.whole
    assert store.files == before


def test_a_receipt_of_a_file_of_which_nothing_is_there_is_told(store: MemoryStore, tmp_path: Path) -> None:
    store.delete(A)
    (finding,) = repair(store, scratch=tmp_path).findings
    assert (finding.path, finding.fate) == (A, Fate.LOST)
    assert "done/a.txt-" in finding.message
    assert repair(store, "compressed_chunks/b.bin", scratch=tmp_path).findings == []


def test_only_the_asked_part_is_repaired(store: MemoryStore, tmp_path: Path) -> None:
    for base in ("a.txt", "b.bin"):
        folder = f"compressed_chunks/{base}/chunk_0000"
        store.move(f"{folder}/compressed.bin", f"{folder}/compressed (1).bin")
    assert repair(store, "compressed_chunks/b.bin", scratch=tmp_path).count()["mended"] == 1
    assert problems(store) == [f"{A}/chunk_0000"]


@pytest.mark.parametrize("base", ["../a.txt", "/a.txt", "a//b", "a\0b", "chunk_0000", "a" * 2000])
def test_a_receipt_of_what_can_be_no_base_is_of_no_file(store: MemoryStore, tmp_path: Path, base: str) -> None:
    store.write("done/other.json", json.dumps({"bases": [base, "gone"], "chunks": 1}).encode())
    (finding,) = repair(store, scratch=tmp_path).findings
    assert (finding.path, finding.fate) == ("compressed_chunks/gone", Fate.LOST)


@pytest.mark.parametrize("job_id", ["../a", "a/b", "a\0b", "a" * 2000, ["a"], {"a": 1}])
def test_a_recipe_whose_job_can_be_none_stops_no_repair(store: MemoryStore, tmp_path: Path, job_id: object) -> None:
    make_of_repository(store, "a.txt")
    for number in range(4):
        path = f"{A}/chunk_{number:04d}/recipe.json"
        if path in store.files:
            told = json.loads(store.read(path))["source"]
            change(store, path, source={**told, "job_id": job_id})
    store.write("done/a/b.json", b"{}")
    store.write(f"{ONE}/compressed.bin", b"damaged")
    (finding,) = repair(store, scratch=tmp_path).findings
    assert finding.path == ONE
    assert "done/a/b.json" in store.files
