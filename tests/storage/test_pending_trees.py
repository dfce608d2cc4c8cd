"""Reading the chunk trees of a checkout: what waits, and what is wrong with it."""

from typing import Any

import pytest
from fakes.clock import FakeClock
from fakes.deliveries import CHUNKS, metadata, tree_manifest, write_json, write_tree
from fakes.memory_store import MemoryStore

from panini_daemon.storage.pending_trees import PendingTree, read_trees

FOLDER = "pending_compression"
TREE = f"{FOLDER}/a/photo.png"
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 31\n"


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    write_tree(store, TREE)
    return store


def read(store: MemoryStore, *statuses: str) -> list[PendingTree]:
    options: dict[str, Any] = {"statuses": frozenset(statuses)} if statuses else {}
    return read_trees(store, FOLDER, clock=FakeClock(), **options)


def one(store: MemoryStore, *statuses: str) -> PendingTree:
    (tree,) = read(store, *statuses)
    return tree


def mark(store: MemoryStore, number: int, **others: object) -> None:
    write_json(store, f"{TREE}/chunk_{number:04d}/metadata.json", metadata(number, **others))


def test_a_tree_is_told_with_its_chunks_and_hashes(store: MemoryStore) -> None:
    tree = one(store)
    assert (tree.base, tree.folder, tree.problem, tree.size) == ("a/photo.png", TREE, None, 39)
    assert [chunk.chunk_id for chunk in tree.chunks] == [0, 1, 2]
    assert tree.noted == {0, 1, 2}
    assert dict(tree.hashes) == {chunk.chunk_id: chunk.original_hash for chunk in tree.chunks}


def test_nothing_waits_in_a_repository_without_the_folder() -> None:
    assert read(MemoryStore()) == []


def test_only_chunks_of_the_statuses_wait(store: MemoryStore) -> None:
    mark(store, 0, status="completed")
    mark(store, 1, status="queued")
    assert [chunk.chunk_id for chunk in one(store).chunks] == [1, 2]
    assert [chunk.chunk_id for chunk in one(store, "pending").chunks] == [2]
    assert set(one(store).hashes) == {0, 1, 2}
    mark(store, 2, status="failed")
    assert read(store, "pending") == []


@pytest.mark.parametrize("status", [None, "", 7, "pending"])
def test_a_chunk_without_a_status_waits(store: MemoryStore, status: object) -> None:
    mark(store, 1, status=status)
    assert len(one(store, "pending").chunks) == 3


def test_a_chunk_that_is_over_needs_no_data(store: MemoryStore) -> None:
    mark(store, 1, status="completed")
    store.delete(f"{TREE}/chunk_0001/data.bin")
    tree = one(store)
    assert tree.problem is None
    assert set(tree.hashes) == {0, 2}
    assert tree.job is not None
    assert len(tree.job.chunks) == 3


def test_a_chunk_that_is_over_may_have_other_data(store: MemoryStore) -> None:
    mark(store, 1, status="completed")
    store.write(f"{TREE}/chunk_0001/data.bin", b"x" * len(CHUNKS[1]))
    assert (one(store).problem, set(one(store).hashes)) == (None, {0, 2})


def test_a_tree_without_metadata_or_without_a_manifest_waits(store: MemoryStore) -> None:
    for number in range(3):
        store.delete(f"{TREE}/chunk_{number:04d}/metadata.json")
    assert (one(store).noted, len(one(store).chunks)) == (frozenset(), 3)
    other = MemoryStore()
    write_tree(other, TREE)
    other.delete(f"{TREE}/manifest.json")
    assert (one(other).problem, len(one(other).chunks)) == (None, 3)


@pytest.mark.parametrize(
    ("path", "data", "said"),
    [
        ("chunk_0001/data.bin", b"short", "found 5 bytes"),
        ("chunk_0001/data.bin", CHUNKS[1] + b"!", "has 32 bytes"),
        ("chunk_0001/data.bin", b"x" * len(CHUNKS[1]), "SHA-256"),
        ("chunk_0001/metadata.json", b"{", "no JSON"),
        ("chunk_0001/metadata.json", b'{"chunk_id": 7}', "chunk_id 7"),
        ("chunk_0001/metadata.json", b'{"size": 7}', "size 7"),
        ("manifest.json", b"", "is empty"),
        ("manifest.json", b"[]", "expected an object"),
    ],
)
def test_what_is_wrong_is_the_trees_problem(store: MemoryStore, path: str, data: bytes, said: str) -> None:
    write_tree(store, f"{FOLDER}/sound.txt")
    store.write(f"{TREE}/{path}", data)
    wrong, sound = read(store)
    assert (wrong.base, wrong.folder) == ("a/photo.png", TREE)
    assert said in str(wrong.problem)
    assert sound.problem is None


def test_missing_data_is_a_problem(store: MemoryStore) -> None:
    store.delete(f"{TREE}/chunk_0001/data.bin")
    assert "no data.bin" in str(one(store).problem)


def test_several_wrong_chunks_are_counted(store: MemoryStore) -> None:
    for number in (0, 1):
        store.write(f"{TREE}/chunk_{number:04d}/data.bin", b"x" * len(CHUNKS[number]))
    assert "2 chunks are wrong" in str(one(store).problem)


@pytest.mark.parametrize("path", ["chunk_0001/data.bin", "chunk_0001/metadata.json", "manifest.json"])
@pytest.mark.parametrize("hashed", [True, False])
def test_a_pointer_of_git_lfs_is_told_as_what_it_is(store: MemoryStore, path: str, hashed: bool) -> None:
    if not hashed:
        manifest = tree_manifest()
        for entry in manifest["chunks"]:
            del entry["hash"]
        write_json(store, f"{TREE}/manifest.json", manifest)
        mark(store, 1, original_hash=None)
    store.write(f"{TREE}/{path}", POINTER)
    assert f"{TREE}/{path} is a Git LFS pointer" in str(one(store).problem)
    assert "lfs: true" in str(one(store).problem)


def test_bases_that_some_systems_cannot_tell_apart_are_a_problem(store: MemoryStore) -> None:
    write_tree(store, f"{FOLDER}/a/Photo.png")
    first, second = read(store)
    assert (first.base, first.problem) == ("a/Photo.png", None)
    assert "letter case" in str(second.problem)


def test_a_tree_in_the_folder_itself_is_a_problem() -> None:
    store = MemoryStore()
    write_tree(store, FOLDER)
    assert "folder of their own" in str(one(store).problem)
    store.delete(f"{FOLDER}/manifest.json")
    assert "folder of their own" in str(one(store).problem)
