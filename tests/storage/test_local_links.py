"""Links, pipes and names that do not stay inside a local folder."""

import os
from pathlib import Path

import pytest
from fakes.local_scene import names, outside, root, store

from panini_daemon.storage.errors import UnsafeName
from panini_daemon.storage.local import LocalStore

__all__ = ["outside", "root", "store"]


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
