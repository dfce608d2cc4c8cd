from pathlib import Path

import pytest

from panini_daemon.storage.errors import StorageError
from panini_daemon.storage.mount_points import may_be_new


def test_an_empty_folder_is_taken_for_a_mount_point_without_its_mount(tmp_path: Path) -> None:
    assert not may_be_new(tmp_path / "PaniniFS", remote=False)
    assert not may_be_new(tmp_path, remote=False)
    assert not may_be_new(tmp_path / "absent" / "PaniniFS", remote=False)


def test_a_folder_that_holds_something_may_get_a_tree(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    assert may_be_new(tmp_path / "PaniniFS", remote=False)
    assert may_be_new(tmp_path, remote=False)


def test_a_mounted_folder_may_get_a_tree_though_it_is_empty() -> None:
    shared_memory = Path("/dev/shm")
    if not shared_memory.is_mount():
        pytest.skip("/dev/shm is no mount here")
    assert may_be_new(shared_memory / "PaniniFS", remote=False)


def test_an_empty_folder_of_a_drive_may_get_a_tree(tmp_path: Path) -> None:
    assert may_be_new(tmp_path / "PaniniFS", remote=True)
    assert not may_be_new(tmp_path / "absent" / "PaniniFS", remote=True)


def test_a_folder_that_cannot_be_looked_at_is_a_storage_error(tmp_path: Path) -> None:
    file = tmp_path / ("x" * 300)
    with pytest.raises(StorageError, match="ENAMETOOLONG"):
        may_be_new(file / "PaniniFS", remote=False)
