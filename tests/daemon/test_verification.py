import json

import pytest
from fakes.memory_store import MemoryStore
from fakes.trees import commit, commit_file, describe

from panini_daemon.compressors import Device, Registry
from panini_daemon.reader import Reader
from panini_daemon.storage.errors import StoreUnavailable
from panini_daemon.verification import Verified, verify_tree


def verify(store: MemoryStore, *, deep: bool = True, folder: str = "compressed_chunks") -> Verified:
    return verify_tree(Reader(store, Registry(), Device()), folder, deep=deep)


def test_a_good_tree_has_no_problems_and_is_counted() -> None:
    store = MemoryStore()
    commit_file(store, "a", [b"one", b"two"])
    commit_file(store, "deep/er/b", [b"three"])
    found = verify(store)
    assert (found.files, found.chunks, found.original_size, found.problems) == (2, 3, 11, [])


def test_an_empty_tree_is_no_problem() -> None:
    assert verify(MemoryStore()) == Verified()


@pytest.mark.parametrize("deep", [True, False])
def test_a_flipped_payload_is_found(deep: bool) -> None:
    store = MemoryStore()
    commit_file(store, "a", [b"one", b"two"])
    store.write("compressed_chunks/a/chunk_0001/compressed.bin", b"x")
    (problem,) = verify(store, deep=deep).problems
    assert (problem.path, problem.error) == ("compressed_chunks/a/chunk_0001", "NotCommitted")


def test_only_deep_finds_a_payload_that_decodes_to_other_bytes() -> None:
    store = MemoryStore()
    commit(store, "compressed_chunks/a/chunk_0000", b"data", chunk_id=0, offset=0, original_hash="0" * 64)
    assert verify(store, deep=False).problems == []
    assert [problem.error for problem in verify(store).problems] == ["ReconstructionFailed"]


def test_a_good_chunk_in_another_ones_place_is_found() -> None:
    store = MemoryStore()
    commit_file(store, "a", [b"one", b"two"])
    first, second = (f"compressed_chunks/a/chunk_{number:04d}" for number in range(2))
    for name in ("recipe.json", "compressed.bin"):
        mine, other = store.read(f"{first}/{name}"), store.read(f"{second}/{name}")
        store.write(f"{first}/{name}", other)
        store.write(f"{second}/{name}", mine)
    found = verify(store, deep=False).problems
    assert [(problem.path, problem.error) for problem in found] == [(first, "NotCommitted"), (second, "NotCommitted")]
    assert "holds chunk 1" in found[0].message


@pytest.mark.parametrize("deep", [True, False])
def test_a_chunk_of_another_file_than_its_manifests_is_found(deep: bool) -> None:
    store = MemoryStore()
    commit_file(store, "a", [b"one", b"two"])
    told = describe("a", [b"one", b"two"])
    told["chunks"] = [{"chunk_id": 0, "hash": "SHA256:" + "A" * 64}, {"chunk_id": 1, "hash": ""}]
    store.write("compressed_chunks/a/manifest.json", json.dumps(told).encode())
    (problem,) = verify(store, deep=deep).problems
    assert (problem.path, problem.error) == ("compressed_chunks/a/chunk_0000", "HashMismatch")


@pytest.mark.parametrize("change", [{"original_hash": "0" * 64}, {"total_size": 7}])
def test_only_deep_finds_a_manifest_that_tells_another_file(change: dict[str, object]) -> None:
    store = MemoryStore()
    commit_file(store, "a", [b"one", b"two"])
    store.write("compressed_chunks/a/manifest.json", json.dumps({**describe("a", [b"one", b"two"]), **change}).encode())
    assert verify(store, deep=False).problems == []
    (problem,) = verify(store).problems
    assert (problem.path, problem.error) == ("compressed_chunks/a/manifest.json", "HashMismatch")


def test_an_end_that_no_manifest_lists_is_missed_where_the_recipes_tell_of_it() -> None:
    store = MemoryStore()
    commit_file(store, "a", [b"one", b"two"], manifest=False)
    assert verify(store).problems == []
    place = {"offset": 3, "size": 3, "total_chunks": 3}
    commit(store, "compressed_chunks/a/chunk_0001", b"two", chunk_id=1, offset=3, assembly_info=place)
    (problem,) = verify(store).problems
    assert (problem.path, problem.error) == ("compressed_chunks/a", "Incomplete")


def test_a_manifest_that_leaves_out_a_chunk_is_found() -> None:
    store = MemoryStore()
    commit_file(store, "a", [b"one", b"two"])
    place = {"offset": 3, "size": 3, "total_chunks": 2}
    commit(store, "compressed_chunks/a/chunk_0001", b"two", chunk_id=1, offset=3, assembly_info=place)
    store.write("compressed_chunks/a/manifest.json", json.dumps(describe("a", [b"one"])).encode())
    (problem,) = verify(store, deep=False).problems
    assert (problem.path, problem.error) == ("compressed_chunks/a/manifest.json", "Incomplete")


def test_a_chunk_that_the_manifest_lists_and_the_tree_lacks_is_found() -> None:
    store = MemoryStore()
    commit_file(store, "a", [b"one", b"two"])
    store.delete("compressed_chunks/a/chunk_0001")
    assert [problem.path for problem in verify(store).problems] == ["compressed_chunks/a/chunk_0001"]


def test_only_the_asked_part_is_looked_at() -> None:
    store = MemoryStore()
    commit_file(store, "a", [b"one"])
    commit_file(store, "b", [b"two"])
    store.delete("compressed_chunks/b/chunk_0000/compressed.bin")
    assert verify(store, folder="compressed_chunks/a").problems == []


def test_a_folder_that_goes_away_is_no_verdict() -> None:
    store = MemoryStore()
    commit_file(store, "a", [b"one"])
    store.fail(StoreUnavailable("away"), "open", times=None)
    with pytest.raises(StoreUnavailable):
        verify(store)
