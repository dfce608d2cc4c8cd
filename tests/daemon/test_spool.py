from pathlib import Path

import pytest

from panini_daemon.errors import SpoolUnavailable
from panini_daemon.spool import Spool


def test_large_files_take_no_room_afterwards_and_places_are_used_again(tmp_path: Path) -> None:
    with Spool(tmp_path) as spool:
        with spool.places(1) as (place,):
            place.original.write_bytes(bytes(2 << 20))
        assert place.original.stat().st_size == 0
        with spool.places(2) as again:
            assert place in again


def test_two_places_never_share_a_file(tmp_path: Path) -> None:
    with Spool(tmp_path) as spool, spool.places(2) as (one, two), spool.places(1) as (three,):
        assert len({path for place in (one, two, three) for path in (place.original, place.payload)}) == 6


def test_the_folder_is_gone_after_the_end(tmp_path: Path) -> None:
    with Spool(tmp_path):
        assert len(list(tmp_path.iterdir())) == 1
    assert list(tmp_path.iterdir()) == []


def test_what_a_dead_process_left_is_removed_and_a_living_one_is_left_alone(tmp_path: Path) -> None:
    dead = tmp_path / "worker-dead"
    dead.mkdir()
    (dead / "lock").write_bytes(b"")
    (dead / "0.in").write_bytes(b"left over")
    with Spool(tmp_path) as living, living.places(1) as (place,):
        place.original.write_bytes(b"x")
        with Spool(tmp_path):
            assert place.original.exists()
    assert not dead.exists()


def test_a_folder_that_cannot_be_made_is_told_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(SpoolUnavailable, match="spool"):
        Spool(tmp_path / "file" / "spool")
