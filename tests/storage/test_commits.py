import hashlib
import json
from pathlib import Path

import pytest
from fakes.memory_store import MemoryStore

from panini_daemon.storage.commits import already_committed, find_commit, write_commit
from panini_daemon.storage.errors import BaseConflict, LeaseLost, NotCommitted, StoreUnavailable
from panini_daemon.storage.local import LocalStore
from panini_daemon.storage.recipe import format_recipe

PAYLOAD = b"payload"


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def recipe(original: bytes = b"original", payload: bytes = PAYLOAD) -> bytes:
    return format_recipe(
        {
            "version": "1.1",
            "chunk_id": 0,
            "original_hash": sha(original),
            "compression_method": "x_v1",
            "reconstruction": {"method": "x"},
            "payload_hash": sha(payload),
        }
    )


@pytest.fixture
def payload(tmp_path: Path) -> Path:
    path = tmp_path / "payload"
    path.write_bytes(PAYLOAD)
    return path


def test_a_commit_reads_back(payload: Path) -> None:
    store = MemoryStore()
    write_commit(store, "f", recipe(), payload, sha(PAYLOAD))
    commit = find_commit(store, "f")
    assert (commit.payload_size, commit.payload_hash, store.read("f/compressed.bin")) == (7, sha(PAYLOAD), PAYLOAD)


@pytest.mark.parametrize("missing", ["compressed.bin", "recipe.json"])
def test_one_file_alone_is_not_a_commit(payload: Path, missing: str) -> None:
    store = MemoryStore()
    write_commit(store, "f", recipe(), payload, sha(PAYLOAD))
    store.delete(f"f/{missing}")
    with pytest.raises(NotCommitted):
        find_commit(store, "f")


def test_files_of_two_commits_are_not_a_commit_and_are_overwritten(payload: Path) -> None:
    store = MemoryStore()
    store.write("f/recipe.json", recipe(payload=b"of another attempt"))
    store.write("f/compressed.bin", PAYLOAD)
    with pytest.raises(NotCommitted, match=sha(PAYLOAD)):
        find_commit(store, "f")
    assert already_committed(store, "f", sha(b"original")) is None
    write_commit(store, "f", recipe(), payload, sha(PAYLOAD))
    assert find_commit(store, "f").payload_hash == sha(PAYLOAD)


def test_a_good_commit_of_the_same_bytes_is_found(payload: Path) -> None:
    store = MemoryStore()
    write_commit(store, "f", recipe(), payload, sha(PAYLOAD))
    found = already_committed(store, "f", sha(b"original"))
    assert found is not None
    assert found.payload_path == "f/compressed.bin"


def test_a_good_commit_of_other_bytes_is_never_overwritten(payload: Path) -> None:
    store = MemoryStore()
    write_commit(store, "f", recipe(), payload, sha(PAYLOAD))
    with pytest.raises(BaseConflict, match="another base"):
        already_committed(store, "f", sha(b"other"))


def test_a_damaged_commit_of_other_bytes_is_in_nobodys_way(payload: Path) -> None:
    store = MemoryStore()
    write_commit(store, "f", recipe(), payload, sha(PAYLOAD))
    store.write("f/compressed.bin", b"damaged")
    assert already_committed(store, "f", sha(b"other")) is None


def test_without_the_lease_nothing_is_written(payload: Path) -> None:
    store = MemoryStore()

    def allowed() -> None:
        raise LeaseLost("gone")

    with pytest.raises(LeaseLost):
        write_commit(store, "f", recipe(), payload, sha(PAYLOAD), allowed=allowed)
    assert store.files == {}


@pytest.mark.parametrize("late", ["f/compressed.bin", "f/recipe.json"])
def test_a_worker_that_was_held_up_leaves_a_whole_commit_though_another_committed_otherwise(
    tmp_path: Path, payload: Path, late: str
) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"another payload")
    theirs = recipe(payload=b"another payload")

    class HeldUp(LocalStore):
        busy = False

        def overtake(self, path: str) -> None:
            if path == late and not self.busy:
                self.busy = True
                write_commit(self, "f", theirs, other, sha(b"another payload"))

        def put(self, path: str, source: Path, *, durable: bool = True, consume: bool = False) -> None:
            self.overtake(path)
            super().put(path, source, durable=durable, consume=consume)

        def write(self, path: str, data: bytes, *, durable: bool = True) -> None:
            self.overtake(path)
            super().write(path, data, durable=durable)

    store = HeldUp(tmp_path / "root")
    write_commit(store, "f", recipe(), payload, sha(PAYLOAD))
    assert find_commit(store, "f").recipe.original_hash == sha(b"original")
    assert [path.name for path in tmp_path.iterdir() if "spare" in path.name] == []


def test_a_reference_whose_worker_was_held_up_is_not_left_beside_another_ones_payload(tmp_path: Path) -> None:
    other, empty = tmp_path / "other", tmp_path / "empty"
    other.write_bytes(PAYLOAD)
    empty.write_bytes(b"")
    place = {"reference_path": "compressed_chunks/f/chunk_0001"}
    told = json.loads(recipe(payload=b"")) | {"compression_method": "dedup_reference_v1"}
    mine = format_recipe(told | {"reconstruction": {"method": "dedup_resolve", "parameters": place}})

    class HeldUp(MemoryStore):
        busy = False

        def write(self, path: str, data: bytes, *, durable: bool = True) -> None:
            if path == "f/recipe.json" and not self.busy:
                self.busy = True
                write_commit(self, "f", recipe(), other, sha(PAYLOAD), consume=False)
            super().write(path, data, durable=durable)

    store = HeldUp()
    write_commit(store, "f", mine, empty, sha(b""), consume=False)
    assert (store.read("f/recipe.json"), store.read("f/compressed.bin")) == (mine, b"")


def test_another_good_commit_of_the_same_bytes_is_as_good(payload: Path) -> None:
    class Overtaken(MemoryStore):
        def read(self, path: str) -> bytes:
            self.write("f/compressed.bin", b"another payload")
            self.write("f/recipe.json", recipe(payload=b"another payload"))
            return super().read(path)

    store = Overtaken()
    write_commit(store, "f", recipe(), payload, sha(PAYLOAD))
    assert store.count("put") == 1


def test_a_folder_that_reads_back_otherwise_is_told(payload: Path) -> None:
    class Forgetful(MemoryStore):
        def put(self, path: str, source: Path, *, durable: bool = True, consume: bool = False) -> None:
            self.write(path, b"")

    with pytest.raises(StoreUnavailable, match="read back"):
        write_commit(Forgetful(), "f", recipe(), payload, sha(PAYLOAD))


def test_a_huge_recipe_is_not_read(payload: Path) -> None:
    store = MemoryStore()
    write_commit(store, "f", recipe(), payload, sha(PAYLOAD))
    store.write("f/recipe.json", json.dumps({"x": "y" * (16 << 20)}).encode())
    with pytest.raises(NotCommitted, match="bytes"):
        find_commit(store, "f")
