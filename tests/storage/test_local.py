"""Files of a local folder: what a write, a read or a call of the system that fails leaves and means."""

import errno
import os
from pathlib import Path

import pytest
from fakes.local_scene import failing, names, root, store

from panini_daemon.storage import local
from panini_daemon.storage.errors import NotFound, StoreFull, StoreReadOnly, StoreUnavailable, UnsafeName
from panini_daemon.storage.local import LocalStore
from panini_daemon.storage.os_errors import storage_error

__all__ = ["root", "store"]


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOENT, NotFound),
        (errno.ENOTCONN, StoreUnavailable),
        (errno.EIO, StoreUnavailable),
        (errno.ESTALE, StoreUnavailable),
        (errno.ETIMEDOUT, StoreUnavailable),
        (errno.EHOSTDOWN, StoreUnavailable),
        (errno.ENODEV, StoreUnavailable),
        (errno.ENOSPC, StoreFull),
        (errno.EDQUOT, StoreFull),
        (errno.EROFS, StoreReadOnly),
        (errno.EACCES, StoreReadOnly),
        (errno.EPERM, StoreReadOnly),
        (errno.ELOOP, UnsafeName),
        (errno.ENAMETOOLONG, UnsafeName),
        (errno.EMFILE, StoreUnavailable),
        (None, StoreUnavailable),
    ],
)
def test_each_system_error_has_one_meaning(number: int | None, kind: type[Exception]) -> None:
    error = storage_error(OSError(number, "words") if number else OSError("words"), "a/b")
    assert type(error) is kind
    assert "a/b" in str(error)
    assert ";" in str(error)


@pytest.mark.parametrize("step", ["write", "fsync", "rename", "close"])
def test_a_write_that_fails_leaves_the_old_file_and_no_temporary(
    store: LocalStore, root: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    store.write("a/f", b"old")
    close = os.close
    with monkeypatch.context() as patch:
        fail = failing(errno.ENOSPC)
        if step == "close":

            def fail(descriptor: int) -> None:
                close(descriptor)
                raise OSError(errno.ENOSPC, "full")

        patch.setattr(local.os, step, fail)
        with pytest.raises(StoreFull):
            store.write("a/f", b"new")
    assert names(root / "a") == ["f"]
    assert store.read("a/f") == b"old"


def test_a_put_that_fails_halfway_leaves_no_temporary(
    store: LocalStore, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"x" * (3 << 20))
    write = os.write
    calls: list[int] = []

    def second_fails(descriptor: int, data: bytes) -> int:
        calls.append(len(data))
        if len(calls) == 2:
            raise OSError(errno.EIO, "gone")
        return write(descriptor, data)

    with monkeypatch.context() as patch:
        patch.setattr(local.os, "write", second_fails)
        with pytest.raises(StoreUnavailable):
            store.put("a/f", source)
    assert names(root / "a") == []


def test_short_writes_are_completed(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(local.os, "write", lambda descriptor, data: write(descriptor, bytes(data[:7])))
    store.write("f", bytes(range(100)))
    store.append("f", b"and a longer end")
    assert store.read("f") == bytes(range(100)) + b"and a longer end"


def test_only_a_durable_write_is_synced(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(local.os, "fsync", synced.append)
    store.write("a/f", b"1", durable=False)
    assert synced == []
    store.write("a/f", b"1")
    assert len(synced) == 2


def test_a_folder_that_cannot_be_synced_is_no_error(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    fsync = os.fsync
    calls: list[int] = []

    def only_files(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) % 2 == 0:
            raise OSError(errno.EINVAL, "not for folders")
        fsync(descriptor)

    monkeypatch.setattr(local.os, "fsync", only_files)
    store.write("a/f", b"1")
    assert store.read("a/f") == b"1"


def test_an_unfinished_write_is_not_listed(store: LocalStore, root: Path) -> None:
    store.write("a/f", b"")
    (root / "a" / ".panini-new-123-4.tmp").write_bytes(b"half")
    assert [entry.name for entry in store.list("a")] == ["f"]


def test_a_folder_removed_between_check_and_write_is_made_again(
    store: LocalStore, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write("a/f", b"1")
    opened = os.open
    once: list[str] = []

    def remove_first(path: str, flags: int, mode: int = 0o777) -> int:
        if not once:
            once.append(path)
            (root / "a" / "f").unlink()
            (root / "a").rmdir()
        return opened(path, flags, mode)

    monkeypatch.setattr(local.os, "open", remove_first)
    store.write("a/f", b"2")
    assert store.read("a/f") == b"2"


def test_reads_that_fail_on_an_open_file_are_storage_errors(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.write("f", b"1" * 200_000)
    with store.open("f") as file:
        file.read(10)
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, file.fileno())
        os.close(null)
        with pytest.raises(StoreUnavailable):
            file.read()
        with pytest.raises(StoreUnavailable):
            file.read(70_000)


def test_closing_that_fails_is_a_storage_error(store: LocalStore) -> None:
    store.write("f", b"1")
    file = store.open("f")
    os.close(file.fileno())
    with pytest.raises(StoreUnavailable):
        file.close()


def test_what_vanishes_while_it_is_written_is_an_outage_and_no_absence(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(descriptor: int) -> None:
        for path in store.root.rglob("*.tmp"):
            path.unlink()

    monkeypatch.setattr(os, "fsync", lose)
    with pytest.raises(StoreUnavailable, match="being written"):
        store.write("a/f", b"1")


@pytest.mark.parametrize("durable", [True, False])
def test_a_consumed_source_is_moved_and_reads_back(store: LocalStore, tmp_path: Path, durable: bool) -> None:
    source = tmp_path / "payload"
    source.write_bytes(b"payload")
    store.put("a/b", source, durable=durable, consume=True)
    assert store.read("a/b") == b"payload"
    assert not source.exists()


def test_a_source_on_another_file_system_is_copied(
    store: LocalStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "payload"
    source.write_bytes(b"payload")
    rename = os.rename

    def refuse(old: str, new: str) -> None:
        if old == os.fspath(source):
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        rename(old, new)

    monkeypatch.setattr(os, "rename", refuse)
    store.put("a/b", source, consume=True)
    assert store.read("a/b") == b"payload"
