"""Repair: chunks whose files are somewhere beside."""

from pathlib import Path

import pytest
from fakes.bench import Bench
from fakes.damaged_trees import CHUNK, FILES, ONE, A, change, good, load, problems, repair, restored
from fakes.memory_store import MemoryStore

from panini_daemon.repair.findings import Fate


@pytest.fixture
def store() -> MemoryStore:
    return load(good())


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
