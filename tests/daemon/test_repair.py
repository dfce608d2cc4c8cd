import json
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from fakes.bench import Bench
from fakes.damaged_trees import CHUNK, FILES, fill, load, problems, repair, restored, work
from fakes.memory_store import MemoryStore

from panini_daemon.repair.findings import Fate
from panini_daemon.storage.errors import RootLost, StoreUnavailable

A = "compressed_chunks/a.txt"
ONE = f"{A}/chunk_0001"


@cache
def good() -> dict[str, bytes]:
    with TemporaryDirectory() as folder:
        return fill(Path(folder))


@pytest.fixture
def store() -> MemoryStore:
    return load(good())


def lose(store: MemoryStore, base: str, number: int) -> None:
    store.delete(f"compressed_chunks/{base}/chunk_{number:04d}")


def change(store: MemoryStore, path: str, **fields: Any) -> None:
    store.write(path, json.dumps({**json.loads(store.read(path)), **fields}).encode())


# --- Copies


@pytest.mark.parametrize(
    ("files", "places"),
    [
        (("compressed.bin",), ("chunk_0001/compressed (1).bin",)),
        (("recipe.json",), ("chunk_0001/recipe (2).json",)),
        (("recipe.json", "compressed.bin"), ("chunk_0001/recipe(1).json", "chunk_0001/compressed (3).bin")),
        (("compressed.bin",), ("chunk_0001 (1)/compressed.bin",)),
        (("recipe.json", "compressed.bin"), ("chunk_0001 (1)/recipe.json", "chunk_0001/compressed (1).bin")),
        (("recipe.json", "compressed.bin"), ("../a (1).txt/chunk_0001/recipe.json", "chunk_0001 (1)/compressed.bin")),
        (("compressed.bin",), ("chunk_0002/compressed (1).bin",)),
    ],
)
@pytest.mark.parametrize("left", ["nothing", "cut", "other"])
def test_files_that_fit_are_put_in_place_and_their_copies_go(
    store: MemoryStore, tmp_path: Path, files: tuple[str, ...], places: tuple[str, ...], left: str
) -> None:
    for name, place in zip(files, places, strict=True):
        store.move(f"{ONE}/{name}", f"{A}/{place}".replace("a.txt/../", ""))
        if left != "nothing":
            store.write(f"{ONE}/{name}", good()[f"{ONE}/{name}"][:20] if left == "cut" else b"another file's")
    result = repair(store, scratch=tmp_path)
    assert [(finding.path, finding.fate) for finding in result.findings] == [(ONE, Fate.MENDED)]
    assert result.whole
    strangers = {path: data for path, data in store.files.items() if path not in good()}
    assert set(strangers.values()) == ({b"another file's"} if left == "other" else set())
    assert {path: store.files[path] for path in good()} == good()


def test_a_file_in_a_second_folder_of_its_name_becomes_one_again(store: MemoryStore, tmp_path: Path) -> None:
    for number in (1, 3):
        store.move(f"{A}/chunk_{number:04d}", f"compressed_chunks/a (1).txt/chunk_{number:04d}")
    store.move(f"{A}/manifest.json", "compressed_chunks/a (1).txt/manifest.json")
    assert repair(store, scratch=tmp_path).whole
    assert store.files == good()


def test_identical_duplicates_go_and_others_stay(store: MemoryStore, tmp_path: Path) -> None:
    store.write(f"{ONE}/compressed (1).bin", good()[f"{ONE}/compressed.bin"])
    store.write(f"{ONE}/recipe (1).json", good()[f"{ONE}/recipe.json"])
    change(store, f"{ONE}/recipe (1).json", worker="w2", uploaded_at="2030-01-01T00:00:00Z")
    store.write(f"{ONE}/compressed (2).bin", b"of another attempt")
    store.write(f"{ONE} (1)/recipe.json", good()[f"{ONE}/recipe.json"])
    result = repair(store, scratch=tmp_path)
    assert len(result.removed) == 3
    assert store.files == {**good(), f"{ONE}/compressed (2).bin": b"of another attempt"}


def test_a_base_that_is_called_like_a_duplicate_is_left_alone(store: MemoryStore, tmp_path: Path) -> None:
    bench = Bench(tmp_path, store)
    bench.submit("file", FILES["a.txt"], base="a (1).txt", chunk_size=CHUNK)
    bench.run()
    bench.close()
    before = store.files
    assert repair(store, scratch=tmp_path).findings == []
    assert store.files == before


def test_on_a_shared_root_nothing_goes_for_the_sake_of_what_was_just_written(
    store: MemoryStore, tmp_path: Path
) -> None:
    store.move(f"{ONE}/compressed.bin", f"{ONE}/compressed (1).bin")
    store.write(f"{A}/chunk_0002/compressed (1).bin", good()[f"{A}/chunk_0002/compressed.bin"])
    result = repair(store, scratch=tmp_path, shared=True)
    assert result.removed == [f"{A}/chunk_0002/compressed (1).bin"]
    assert f"{ONE}/compressed (1).bin" in store.files
    assert repair(store, scratch=tmp_path, shared=True).removed == [f"{ONE}/compressed (1).bin"]


def test_a_chunk_in_the_place_of_another_goes_where_it_belongs(store: MemoryStore, tmp_path: Path) -> None:
    store.move(ONE, "compressed_chunks/kept")
    store.move(f"{A}/chunk_0000", ONE)
    store.move("compressed_chunks/kept", f"{A}/chunk_0000")
    assert repair(store, scratch=tmp_path).count()["mended"] == 2
    assert problems(store) == []
    assert restored(store, "a.txt", tmp_path) == FILES["a.txt"]


# --- Jobs


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


# --- Repositories, losses


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


# --- Manifests


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


# --- While the tree changes, or goes away


def test_what_arrives_meanwhile_is_not_called_missing(store: MemoryStore, tmp_path: Path) -> None:
    lose(store, "a.txt", 1)
    lose(store, "b.bin", 0)

    def arrive() -> None:
        for path, data in good().items():
            if path not in store.files:
                store.write(path, data)

    assert repair(store, scratch=tmp_path, on_chunk=arrive).findings == []
    assert store.files == good()


def damage_in_every_way(store: MemoryStore) -> None:
    store.move(f"{ONE}/compressed.bin", f"{ONE}/compressed (1).bin")
    store.write(f"{ONE}/compressed.bin", b"another file's")
    store.delete(f"{A}/chunk_0003")
    store.move("compressed_chunks/b.bin/manifest.json", "compressed_chunks/b.bin/manifest (1).json")
    store.write("compressed_chunks/empty/chunk_0000/recipe (1).json", b"")
    store.write("compressed_chunks/b.bin/chunk_0002/compressed.bin", b"lost")


def test_a_dry_run_tells_the_same_and_changes_nothing(store: MemoryStore, tmp_path: Path) -> None:
    damage_in_every_way(store)
    before = store.files
    told = repair(store, scratch=tmp_path, dry_run=True)
    assert store.files == before
    assert not told.whole
    done = repair(store, scratch=tmp_path)
    assert [(one.path, one.fate) for one in told.findings] == [(one.path, one.fate) for one in done.findings]
    assert set(told.count().values()) == {0, 1, 2}


@pytest.mark.parametrize("error", [StoreUnavailable("away"), RootLost("away")])
@pytest.mark.parametrize("operation", ["list", "read", "open", "stat"])
def test_a_folder_that_cannot_be_read_ends_the_repair_before_anything_is_changed(
    store: MemoryStore, tmp_path: Path, error: StoreUnavailable, operation: str
) -> None:
    damage_in_every_way(store)
    before, skip = store.files, 0
    while True:
        fault = store.fail(error, operation, skip=skip)
        try:
            repair(store, scratch=tmp_path, dry_run=True)
        except StoreUnavailable:
            assert store.files == before
            skip += 7
            continue
        fault.clear()
        break
    assert skip > 7


@pytest.mark.parametrize("operation", ["write", "put", "delete"])
def test_a_repair_that_was_broken_off_is_ended_by_the_next(store: MemoryStore, tmp_path: Path, operation: str) -> None:
    damage_in_every_way(store)
    damaged = store.files
    reference = load(damaged)
    repair(reference, scratch=tmp_path)
    for skip in range(20):
        store = load(damaged)
        fault = store.fail(StoreUnavailable("away"), operation, skip=skip)
        try:
            repair(store, scratch=tmp_path)
        except StoreUnavailable:
            repair(store, scratch=tmp_path)
        else:
            break
        finally:
            fault.clear()
        work(store, tmp_path)
        assert problems(store) == ["compressed_chunks/b.bin/chunk_0002"]
    assert skip > 0
