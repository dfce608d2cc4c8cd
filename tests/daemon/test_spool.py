from pathlib import Path

import pytest

from panini_daemon.errors import SpoolUnavailable
from panini_daemon.spool import Spool


def test_files_of_a_place_take_no_room_afterwards_and_are_used_again(tmp_path: Path) -> None:
    with Spool(tmp_path) as spool:
        with spool.place() as place:
            place.original.write_bytes(b"x")
            place.payload.write_bytes(b"y")
        assert place.original.stat().st_size == place.payload.stat().st_size == 0
        with spool.place() as again:
            assert again == place


def test_two_places_never_share_a_file(tmp_path: Path) -> None:
    with Spool(tmp_path) as spool, spool.place() as one, spool.place() as two:
        assert len({one.original, one.payload, two.original, two.payload}) == 4


def test_the_folder_is_gone_after_the_end(tmp_path: Path) -> None:
    with Spool(tmp_path):
        assert len(list(tmp_path.iterdir())) == 1
    assert list(tmp_path.iterdir()) == []


def test_what_a_dead_process_left_is_removed_and_a_living_one_is_left_alone(tmp_path: Path) -> None:
    dead = tmp_path / "worker-dead"
    dead.mkdir()
    (dead / "lock").write_bytes(b"")
    (dead / "0.in").write_bytes(b"left over")
    with Spool(tmp_path) as living, living.place() as place:
        place.original.write_bytes(b"x")
        with Spool(tmp_path):
            assert place.original.exists()
    assert not dead.exists()


def test_a_folder_that_cannot_be_made_is_told_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(SpoolUnavailable, match="spool"):
        Spool(tmp_path / "file" / "spool")
