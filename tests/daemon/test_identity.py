from pathlib import Path

import pytest

from panini_daemon.errors import SpoolUnavailable
from panini_daemon.identity import default_worker


def test_a_process_that_follows_another_takes_up_its_id(tmp_path: Path) -> None:
    with default_worker(tmp_path) as first:
        pass
    with default_worker(tmp_path) as second:
        assert second == first


def test_two_living_processes_never_share_an_id(tmp_path: Path) -> None:
    with default_worker(tmp_path) as first, default_worker(tmp_path) as second:
        assert first != second


def test_two_machines_never_share_an_id(tmp_path: Path) -> None:
    with default_worker(tmp_path / "a") as first:
        pass
    with default_worker(tmp_path / "b") as second:
        assert first != second


def test_a_damaged_id_is_made_anew(tmp_path: Path) -> None:
    with default_worker(tmp_path) as first:
        pass
    (tmp_path / "ids" / "1.id").write_text("../escape")
    with default_worker(tmp_path) as second:
        assert second != first
        assert "/" not in second


def test_a_spool_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(SpoolUnavailable), default_worker(tmp_path / "file" / "spool"):
        pass
