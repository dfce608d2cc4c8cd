"""Repair: manifests that are missing, damaged or of another file."""

import json
from pathlib import Path

import pytest
from fakes.bench import Bench
from fakes.damaged_trees import CHUNK, FILES, A, change, good, load, problems, repair, restored, work
from fakes.memory_store import MemoryStore

from panini_daemon.repair.findings import Fate


@pytest.fixture
def store() -> MemoryStore:
    return load(good())


@pytest.mark.parametrize("damage", ["gone", "cut", "no manifest", "a chunk unlisted", "another hash", "another file"])
def test_a_manifest_is_rebuilt_from_the_recipes(store: MemoryStore, tmp_path: Path, damage: str) -> None:
    path = f"{A}/manifest.json"
    told = json.loads(store.read(path))
    match damage:
        case "gone":
            store.delete(path)
        case "cut":
            store.write(path, store.read(path)[:100])
        case "no manifest":
            store.write(path, b'{"some": "thing"}')
        case "a chunk unlisted":
            change(store, path, chunks=told["chunks"][:-1])
        case "another hash":
            change(store, path, chunks=[{**told["chunks"][0], "hash": "0" * 64}, *told["chunks"][1:]])
        case _:
            store.write(path, good()["compressed_chunks/b.bin/manifest.json"])
    (finding,) = repair(store, scratch=tmp_path).findings
    assert (finding.path, finding.fate) == (path, Fate.MENDED)
    assert problems(store) == []
    assert restored(store, "a.txt", tmp_path) == FILES["a.txt"]
    assert json.loads(store.read(path))["chunks"] == told["chunks"]
    assert repair(store, scratch=tmp_path).findings == []


def test_a_wrong_hash_of_the_whole_file_is_corrected_by_a_deep_repair(store: MemoryStore, tmp_path: Path) -> None:
    change(store, f"{A}/manifest.json", original_hash="0" * 64)
    assert repair(store, scratch=tmp_path, deep=False).findings == []
    assert repair(store, scratch=tmp_path).whole
    assert json.loads(store.read(f"{A}/manifest.json")) == json.loads(good()[f"{A}/manifest.json"])


def test_a_duplicate_of_a_manifest_takes_its_place_and_tells_what_is_missing(
    store: MemoryStore, tmp_path: Path
) -> None:
    store.move(f"{A}/manifest.json", f"{A}/manifest (1).json")
    store.delete(f"{A}/chunk_0003")
    result = repair(store, scratch=tmp_path)
    assert {finding.path: finding.fate for finding in result.findings} == {
        f"{A}/chunk_0003": Fate.RETURNED,  # its bytes are in b.bin, too
        f"{A}/manifest.json": Fate.MENDED,
    }
    assert json.loads(store.read(f"{A}/manifest.json")) == json.loads(good()[f"{A}/manifest.json"])
    assert f"{A}/manifest (1).json" not in store.files


def test_a_manifest_that_nothing_tells_is_lost_and_stays(store: MemoryStore, tmp_path: Path) -> None:
    for number in range(4):
        recipe = f"{A}/chunk_{number:04d}/recipe.json"
        place = json.loads(store.read(recipe))["assembly_info"]
        change(store, recipe, assembly_info={**place, "total_chunks": 3 + number % 2})
    store.write(f"{A}/manifest.json", b"{")
    (finding,) = repair(store, scratch=tmp_path).findings
    assert (finding.fate, store.read(f"{A}/manifest.json")) == (Fate.LOST, b"{")


def test_two_files_under_one_base_are_not_mixed(store: MemoryStore, tmp_path: Path) -> None:
    recipe = f"{A}/chunk_0000/recipe.json"
    change(store, recipe, source={"job_id": "another"})
    told = json.loads(store.read(f"{A}/manifest.json"))
    change(store, f"{A}/manifest.json", chunks=[{**told["chunks"][0], "hash": "0" * 64}, *told["chunks"][1:]])
    before = store.files
    (finding,) = repair(store, scratch=tmp_path).findings
    assert (finding.path, finding.fate) == (f"{A}/chunk_0000", Fate.LOST)
    assert store.files == before


def test_a_manifest_that_a_job_in_the_inbox_brings_is_waited_for(store: MemoryStore, tmp_path: Path) -> None:
    store.delete(f"{A}/manifest.json")
    bench = Bench(tmp_path, store)
    bench.submit("file", FILES["a.txt"], base="a.txt", chunk_size=CHUNK)
    assert repair(store, scratch=tmp_path).findings == []
    bench.run()
    bench.close()
    assert f"{A}/manifest.json" in store.files


@pytest.mark.parametrize("job", ["the same", "another"])
def test_bytes_that_a_recipe_names_speak_against_a_damaged_hash_in_the_manifest(
    store: MemoryStore, tmp_path: Path, job: str
) -> None:
    told = json.loads(store.read(f"{A}/manifest.json"))
    change(store, f"{A}/manifest.json", chunks=[*told["chunks"][:3], {**told["chunks"][3], "hash": "0" * 64}])
    store.delete(f"{A}/chunk_0003/compressed.bin")  # b.bin has a chunk of the same bytes
    if job == "another":
        change(store, f"{A}/chunk_0003/recipe.json", source={"job_id": "of another file"})
    fate = Fate.RETURNED if job == "the same" else Fate.LOST
    assert [finding.fate for finding in repair(store, scratch=tmp_path).findings] == [fate]
    work(store, tmp_path)
    assert problems(store) == ([] if job == "the same" else [f"{A}/chunk_0003"])
