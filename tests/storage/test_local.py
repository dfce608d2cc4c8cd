import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from panini_daemon.storage import local
from panini_daemon.storage.errors import (
    NotFound,
    RootLost,
    StoreFull,
    StoreReadOnly,
    StoreUnavailable,
    UnsafeName,
)
from panini_daemon.storage.local import LocalStore
from panini_daemon.storage.os_errors import storage_error
from panini_daemon.storage.root import MARKER


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "root"


@pytest.fixture
def store(root: Path) -> LocalStore:
    return LocalStore(root)


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret").write_bytes(b"secret")
    return folder


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


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


def failing(number: int) -> Callable[..., None]:
    def fail(*_args: object, **_kwargs: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


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


@pytest.mark.parametrize("place", ["link/secret", "plain/link/secret"])
def test_a_link_among_the_folders_is_refused_everywhere(
    store: LocalStore, root: Path, outside: Path, place: str
) -> None:
    store.write("plain/f", b"inside")
    folder = root / place.rpartition("/")[0]
    folder.symlink_to(outside)
    for call in (
        lambda: store.read(place),
        lambda: store.open(place),
        lambda: store.stat(place),
        lambda: store.write(place, b"overwritten"),
        lambda: store.append(place, b"appended"),
        lambda: store.delete(place),
        lambda: store.move(place, "stolen"),
        lambda: store.move("plain/f", place),
        lambda: store.list(place.rpartition("/")[0]),
    ):
        with pytest.raises(UnsafeName):
            call()
    assert (outside / "secret").read_bytes() == b"secret"
    assert names(outside) == ["secret"]


def test_a_link_in_the_place_of_a_file_is_refused_and_told_as_other(
    store: LocalStore, root: Path, outside: Path
) -> None:
    store.write("f", b"inside")
    (root / "link").symlink_to(outside / "secret")
    for call in (
        lambda: store.read("link"),
        lambda: store.write("link", b"x"),
        lambda: store.append("link", b"x"),
        lambda: store.move("f", "link"),
    ):
        with pytest.raises(UnsafeName):
            call()
    assert store.stat("link").kind == "other"
    assert {entry.name: entry.kind for entry in store.list("")} == {"f": "file", "link": "other"}
    assert (outside / "secret").read_bytes() == b"secret"


def test_deleting_never_follows_a_link(store: LocalStore, root: Path, outside: Path) -> None:
    store.write("a/b/f", b"")
    (root / "a" / "b" / "folder").symlink_to(outside)
    (root / "a" / "file").symlink_to(outside / "secret")
    store.delete("a")
    assert not (root / "a").exists()
    assert (outside / "secret").read_bytes() == b"secret"


def test_the_root_itself_may_be_a_link(tmp_path: Path, outside: Path) -> None:
    (tmp_path / "link").symlink_to(outside)
    assert LocalStore(tmp_path / "link").read("secret") == b"secret"


def test_a_pipe_is_refused_without_waiting_for_a_writer(store: LocalStore, root: Path) -> None:
    store.write("f", b"")
    os.mkfifo(root / "pipe")
    with pytest.raises(UnsafeName):
        store.read("pipe")


def test_an_overlong_name_is_unsafe(store: LocalStore) -> None:
    with pytest.raises(UnsafeName):
        store.write("x" * 256, b"")
    with pytest.raises(UnsafeName):
        store.read("x" * 300)


def test_a_lone_surrogate_that_is_no_file_name_is_unsafe(store: LocalStore) -> None:
    with pytest.raises(UnsafeName):
        store.write("\ud800", b"")


def test_a_file_where_a_folder_is_needed_is_unsafe(store: LocalStore) -> None:
    store.write("a", b"")
    with pytest.raises(UnsafeName):
        store.write("a/b", b"")


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


def test_absence_is_absence_before_a_marker_was_seen(store: LocalStore) -> None:
    with pytest.raises(NotFound):
        store.read("a")
    with pytest.raises(RootLost):
        store.check_root()


@pytest.fixture
def mount(store: LocalStore, root: Path) -> Path:
    """A tree whose marker was seen, and which then turned into an empty folder."""
    store.write(MARKER, b"{}")
    store.write("a/f", b"1")
    store.check_root()
    root.rename(root.with_name("elsewhere"))
    root.mkdir()
    return root


def test_nothing_is_concluded_from_absence_on_a_lost_mount(store: LocalStore, mount: Path) -> None:
    for call in (
        lambda: store.read("a/f"),
        lambda: store.open("a/f"),
        lambda: store.stat("a/f"),
        lambda: store.list("a"),
        lambda: store.list(""),
        lambda: store.delete("a/f"),
        lambda: store.move("a/f", "a/g"),
        store.check_root,
    ):
        with pytest.raises(RootLost):
            call()


def test_nothing_is_written_into_what_a_lost_mount_left_behind(store: LocalStore, mount: Path) -> None:
    with pytest.raises(RootLost):
        store.write("a/g", b"1")
    with pytest.raises(RootLost):
        store.append("logs/w", b"1")
    assert names(mount) == []


def test_a_mount_that_comes_back_works_again(store: LocalStore, mount: Path) -> None:
    with pytest.raises(RootLost):
        store.read("a/f")
    mount.rmdir()
    mount.with_name("elsewhere").rename(mount)
    assert store.read("a/f") == b"1"


def test_a_disconnected_mount_has_lost_its_root(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.write(MARKER, b"{}")
    monkeypatch.setattr(local.os, "lstat", failing(errno.ENOTCONN))
    with pytest.raises(RootLost, match="Mount"):
        store.check_root()


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
