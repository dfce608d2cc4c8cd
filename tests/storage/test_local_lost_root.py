"""A local folder whose mount goes away."""

import errno
from pathlib import Path

import pytest
from fakes.local_scene import failing, names, root, store

from panini_daemon.storage import local
from panini_daemon.storage.errors import NotFound, RootLost
from panini_daemon.storage.local import LocalStore
from panini_daemon.storage.root import MARKER

__all__ = ["root", "store"]


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
