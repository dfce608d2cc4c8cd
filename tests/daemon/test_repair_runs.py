"""Runs that are gone or damaged: put back from a copy, else their chunks are treated as any damaged ones."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
from fakes.bench import Bench
from fakes.damaged_trees import problems, repair, restored
from fakes.memory_store import MemoryStore

from panini_daemon.repair.findings import Fate
from panini_daemon.storage.errors import StoreUnavailable

TEXT = "".join(f"{number} green bottles hanging on the wall\n" for number in range(60)).encode()
SIZE = 500
COUNT = -(-len(TEXT) // SIZE)
RUN_OF = "compressed_chunks/{}/run_"


def fill(folder: Path, *bases: str) -> MemoryStore:
    bench = Bench(folder, solid=True)
    for base in bases or ("song",):
        bench.submit("file", TEXT, base=base, chunk_size=SIZE)
    bench.run()
    bench.close()
    return bench.store


def run_of(store: MemoryStore, base: str = "song") -> str:
    (run,) = [path for path in store.files if path.startswith(RUN_OF.format(base)) and "(" not in path]
    return run


def damage(store: MemoryStore, how: str, base: str = "song") -> None:
    run = run_of(store, base)
    data = store.read(run)
    if how == "gone":
        store.delete(run)
    else:
        store.write(run, {"cut": data[:-1], "flipped": data[:-1] + b"!", "empty": b""}[how])


@pytest.mark.parametrize("how", ["gone", "cut", "flipped", "empty"])
@pytest.mark.parametrize("beside", [True, False])
def test_a_run_is_put_back_from_a_copy(tmp_path: Path, how: str, beside: bool) -> None:
    store = fill(tmp_path)
    run = run_of(store)
    whole = store.read(run)
    copy = run.replace(".bin", " (1).bin") if beside else run.replace("/song/", "/song (1)/")
    damage(store, how)
    store.write(copy, whole)
    result = repair(store, scratch=tmp_path)
    assert result.whole
    assert [finding.fate for finding in result.findings] == [Fate.MENDED] * COUNT
    assert copy in result.findings[0].message
    assert store.read(run) == whole
    assert problems(store) == []
    assert restored(store, "song", tmp_path) == TEXT


def test_the_same_run_of_another_file_is_as_good(tmp_path: Path) -> None:
    store = fill(tmp_path, "song", "another")
    damage(store, "gone")
    assert repair(store, scratch=tmp_path).whole
    assert problems(store) == []


def test_a_copy_that_is_damaged_itself_is_not_taken(tmp_path: Path) -> None:
    store = fill(tmp_path)
    run = run_of(store)
    store.write(run.replace(".bin", " (1).bin"), store.read(run)[:-1])
    damage(store, "gone")
    assert [finding.fate for finding in repair(store, scratch=tmp_path).findings] == [Fate.LOST] * COUNT
    assert run not in store.files


def test_a_dry_run_tells_and_changes_nothing(tmp_path: Path) -> None:
    store = fill(tmp_path, "song", "another")
    damage(store, "flipped")
    before = store.files
    result = repair(store, scratch=tmp_path, dry_run=True)
    assert {finding.fate for finding in result.findings} == {Fate.MENDED}
    assert store.files == before


def test_without_a_copy_the_chunks_come_back_from_their_originals(tmp_path: Path) -> None:
    store = fill(tmp_path)
    damage(store, "flipped")
    store.write("inbox/left-over.bin", TEXT)
    result = repair(store, scratch=tmp_path)
    assert [finding.fate for finding in result.findings] == [Fate.RETURNED] * COUNT
    bench = Bench(tmp_path, store, solid=True)
    bench.run()
    bench.close()
    assert problems(store) == []
    assert restored(store, "song", tmp_path) == TEXT


@pytest.mark.parametrize("name", ["compressed.bin", "recipe.json"])
def test_a_slice_whose_own_files_are_damaged_comes_back(tmp_path: Path, name: str) -> None:
    store = fill(tmp_path)
    path = f"compressed_chunks/song/chunk_0001/{name}"
    whole = store.read(path)
    store.write(path, b"damaged")
    store.write(path.replace(".", " (1)."), whole)
    repair(store, scratch=tmp_path)
    assert problems(store) == []


def test_a_folder_that_takes_no_run_is_told(tmp_path: Path) -> None:
    store = fill(tmp_path, "song", "another")
    run = run_of(store)
    damage(store, "gone")
    write = store.write

    def forget(path: str, data: bytes, **options: Any) -> None:
        write(path, b"" if path == run else data, **options)

    store.write = forget  # type: ignore[method-assign]
    with pytest.raises(StoreUnavailable, match="failing"):
        repair(store, scratch=tmp_path)


def test_two_files_of_the_same_bytes_have_runs_of_one_name(tmp_path: Path) -> None:
    store = fill(tmp_path, "song", "another")
    names = [run_of(store, base).rpartition("/")[2] for base in ("song", "another")]
    assert names[0] == names[1] == f"run_{hashlib.sha256(store.read(run_of(store))).hexdigest()}.bin"
