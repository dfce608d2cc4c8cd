"""What every store does, whatever it is made of."""

from pathlib import Path
from random import Random

import pytest
from fakes.delayed_store import DelayedFolder
from fakes.memory_store import MemoryStore
from fakes.s3_server import BUCKET, S3Server

from panini_daemon.storage.errors import NotFound, UnsafeName
from panini_daemon.storage.local import LocalStore
from panini_daemon.storage.object_connection import connect
from panini_daemon.storage.object_store import ObjectStore
from panini_daemon.storage.store import Entry, Store

BAD_PATHS = ["/a", "a/../b", "..", "a//b", "a/", "./a", "a\0b"]


@pytest.fixture(
    params=[
        "local",
        "memory",
        "delayed",
        "objects in memory",
        "objects in files",
        pytest.param("objects on a server", marks=pytest.mark.slow),
    ]
)
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    match request.param:
        case "local":
            return LocalStore(tmp_path / "root")
        case "memory":
            return MemoryStore()
        case "delayed":
            return DelayedFolder(lambda: 0.0, Random(1), max_delay=9.0).view("only")
        case "objects in memory":
            return ObjectStore(connect("memory:///", {}), "memory")
        case "objects in files":
            return ObjectStore(connect((tmp_path / "root").as_uri(), {}), "files")
    server: S3Server = request.getfixturevalue("s3")
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    url = f"s3://{BUCKET}/{tmp_path.name}/tree"
    return ObjectStore(connect(url, server.environment), url)


def test_what_is_written_is_read(store: Store) -> None:
    store.write("a/b/c.bin", b"\x00\xff" * 1000)
    assert store.read("a/b/c.bin") == b"\x00\xff" * 1000


def test_an_empty_file_is_a_file(store: Store) -> None:
    store.write("a/empty", b"", durable=False)
    assert store.read("a/empty") == b""
    assert store.stat("a/empty").size == 0


def test_writing_replaces(store: Store) -> None:
    store.write("f", b"a long first content")
    store.write("f", b"short")
    assert store.read("f") == b"short"
    assert [entry for entry in store.list("") if entry.kind == "file"] == [Entry("f", "file")]


def test_a_folder_that_was_removed_is_made_again(store: Store) -> None:
    store.write("a/b/c", b"1")
    store.delete("a")
    store.write("a/b/c", b"2")
    assert store.read("a/b/c") == b"2"


def test_listing_tells_files_from_folders_and_does_not_descend(store: Store) -> None:
    store.write("a/file", b"1")
    store.write("a/folder/below", b"2")
    assert set(store.list("a")) == {Entry("file", "file"), Entry("folder", "folder")}
    assert store.list("") == [Entry("a", "folder")]


@pytest.mark.parametrize("operation", ["list", "stat", "read", "open"])
def test_what_is_not_there_is_not_found(store: Store, operation: str) -> None:
    store.write("a/b", b"")
    with pytest.raises(NotFound):
        getattr(store, operation)("a/c")


def test_reading_a_folder_finds_no_file(store: Store) -> None:
    store.write("a/b", b"")
    with pytest.raises(NotFound):
        store.read("a")


def test_writing_over_a_folder_is_refused(store: Store) -> None:
    store.write("a/b", b"kept")
    with pytest.raises(UnsafeName):
        store.write("a", b"x")
    assert store.read("a/b") == b"kept"


def test_stat_tells_kind_and_size(store: Store) -> None:
    store.write("a/b", b"12345")
    assert (store.stat("a/b").kind, store.stat("a/b").size) == ("file", 5)
    assert store.stat("a").kind == "folder"
    assert store.stat("").kind == "folder"


def test_a_file_opened_for_streaming_gives_its_bytes_in_pieces(store: Store) -> None:
    store.write("f", bytes(range(256)) * 1000)
    with store.open("f") as file:
        assert file.read(3) == b"\0\1\2"
        file.seek(256)
        assert file.read(2) == b"\0\1"
        assert len(file.read()) == 256_000 - 258


def test_put_copies_a_local_file(store: Store, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"payload" * 300_000)
    store.put("x/y", source)
    assert store.read("x/y") == b"payload" * 300_000
    assert source.exists()


def test_put_of_an_absent_file_leaves_nothing(store: Store, tmp_path: Path) -> None:
    store.write("x/kept", b"")
    with pytest.raises(FileNotFoundError):
        store.put("x/y", tmp_path / "absent")
    assert [entry.name for entry in store.list("x")] == ["kept"]


def test_appending_makes_the_file_and_then_extends_it(store: Store) -> None:
    store.append("logs/w.jsonl", b"one\n")
    store.append("logs/w.jsonl", b"two\n")
    assert store.read("logs/w.jsonl") == b"one\ntwo\n"


def test_moving_a_file_or_a_folder_takes_it_along(store: Store) -> None:
    store.write("a/f", b"1")
    store.write("a/g/h", b"2")
    store.move("a/f", "b/c/f")
    store.move("a/g", "b/g")
    assert (store.read("b/c/f"), store.read("b/g/h")) == (b"1", b"2")
    with pytest.raises(NotFound):
        store.read("a/f")
    with pytest.raises(NotFound):
        store.move("a/f", "b/x")


def test_deleting_removes_files_and_whole_folders_and_absence_is_no_error(store: Store) -> None:
    store.write("a/b/c", b"1")
    store.write("a/d", b"2")
    store.write("ab", b"3")
    store.delete("a/d")
    store.delete("a/d")
    store.delete("a")
    store.delete("never/was")
    assert [entry.name for entry in store.list("")] == ["ab"]


def test_the_root_itself_is_never_deleted(store: Store) -> None:
    store.write("a", b"")
    with pytest.raises(UnsafeName):
        store.delete("")
    assert store.read("a") == b""


@pytest.mark.parametrize("path", BAD_PATHS)
def test_no_path_leaves_the_root(store: Store, path: str) -> None:
    for call in (
        lambda: store.list(path),
        lambda: store.stat(path),
        lambda: store.read(path),
        lambda: store.write(path, b""),
        lambda: store.append(path, b""),
        lambda: store.delete(path),
        lambda: store.move(path, "x"),
    ):
        with pytest.raises(UnsafeName):
            call()


def test_a_changed_file_has_another_stamp(store: Store) -> None:
    store.write("f", b"1")
    before = store.stat("f")
    store.write("f", b"22")
    assert store.stat("f") != before
