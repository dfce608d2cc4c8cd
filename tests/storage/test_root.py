import json
from pathlib import Path

import pytest
from fakes.clock import FakeClock
from fakes.memory_store import MemoryStore

from panini_daemon.storage.errors import RootLost, RootUnsupported, StoreFull, UnsafeName
from panini_daemon.storage.local import LocalStore
from panini_daemon.storage.root import (
    FOLDERS,
    MARKER,
    chunk_folder,
    log_path,
    open_root,
    status_path,
)
from panini_daemon.storage.store import Store


@pytest.fixture(params=["local", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return LocalStore(tmp_path / "new" / "root") if request.param == "local" else MemoryStore()


def test_a_new_root_gets_its_folders_and_a_marker(store: Store) -> None:
    root = open_root(store, create=True, clock=FakeClock(), new_id=lambda: "id-1")
    assert {entry.name for entry in store.list("") if entry.kind == "folder"} == set(FOLDERS)
    assert all(store.list(folder) == [] for folder in FOLDERS)
    assert json.loads(store.read(MARKER)) == {
        "format": 1,
        "root_id": "id-1",
        "created_at": "2024-05-06T07:08:09.000Z",
    }
    assert root.root_id == "id-1"


def test_a_root_keeps_its_identity(store: Store) -> None:
    first = open_root(store, create=True, clock=FakeClock())
    assert open_root(store, create=True, clock=FakeClock(monotonic=5.0)) == first
    assert open_root(store, create=False, clock=FakeClock()) == first


def test_a_root_without_marker_is_lost_unless_it_may_be_made(store: Store) -> None:
    with pytest.raises(RootLost, match="Mount the folder"):
        open_root(store, create=False, clock=FakeClock())
    with pytest.raises(RootLost):
        store.check_root()


def test_the_marker_comes_last(store: Store) -> None:
    memory = MemoryStore()
    memory.fail(StoreFull("full"), "write", MARKER)
    with pytest.raises(StoreFull):
        open_root(memory, create=True, clock=FakeClock())
    with pytest.raises(RootLost):
        open_root(memory, create=False, clock=FakeClock())


@pytest.mark.parametrize("marker", [b"", b"{", b"[]", b'{"format": 1}', b'{"format": 1, "root_id": 3}', b"[" * 9999])
def test_a_marker_that_cannot_be_read_may_still_be_arriving(store: Store, marker: bytes) -> None:
    store.write(MARKER, marker)
    with pytest.raises(RootLost, match="arriving"):
        open_root(store, create=True, clock=FakeClock())
    assert store.read(MARKER) == marker


def test_a_marker_of_a_later_format_is_refused(store: Store) -> None:
    store.write(MARKER, b'{"format": 2, "root_id": "x"}')
    with pytest.raises(RootUnsupported, match="format 2"):
        open_root(store, create=True, clock=FakeClock())


def test_an_opened_local_root_that_goes_away_is_noticed(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "root")
    open_root(store, create=True, clock=FakeClock())
    (tmp_path / "root" / MARKER).unlink()
    with pytest.raises(RootLost):
        store.check_root()


def test_paths_are_the_contracts() -> None:
    assert chunk_folder("a/b", 7) == "compressed_chunks/a/b/chunk_0007"
    assert log_path("w1") == "logs/w1.jsonl"
    assert status_path("w1") == "status/w1.json"
    with pytest.raises(UnsafeName):
        log_path("../w")
