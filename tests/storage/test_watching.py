import threading
from pathlib import Path

import pytest

from panini_daemon.storage.watching import Backoff, Watcher


def test_a_wait_that_nothing_ends_is_false() -> None:
    assert Watcher().wait(0) is False


def test_a_wake_ends_one_wait() -> None:
    watcher = Watcher()
    watcher.wake()
    assert watcher.wait(10) is True
    assert watcher.wait(0) is False


def test_a_wake_from_another_thread_ends_a_wait() -> None:
    watcher = Watcher()
    thread = threading.Thread(target=watcher.wake)
    thread.start()
    assert watcher.wait(10) is True
    thread.join()


def test_a_file_that_appears_ends_a_wait(tmp_path: Path) -> None:
    with Watcher() as watcher:
        assert watcher.start(tmp_path) is True
        assert watcher.problem is None
        (tmp_path / "job.json").write_text("{}")
        assert watcher.wait(10) is True


def test_reading_a_file_does_not_end_a_wait(tmp_path: Path) -> None:
    (tmp_path / "job.json").write_text("{}")
    with Watcher() as watcher:
        watcher.start(tmp_path)
        (tmp_path / "job.json").read_text()
        list(tmp_path.iterdir())
        assert watcher.wait(0.03) is False


def test_a_folder_that_cannot_be_watched_is_reported_and_not_fatal(tmp_path: Path) -> None:
    with Watcher() as watcher:
        assert watcher.start(tmp_path / "gone") is False
        assert watcher.problem is not None
        assert "gone" in watcher.problem
        assert watcher.wait(0) is False


def test_closing_ends_a_wait_and_the_watch(tmp_path: Path) -> None:
    watcher = Watcher()
    watcher.start(tmp_path)
    watcher.close()
    assert watcher.wait(10) is True
    left = {type(thread).__name__ for thread in threading.enumerate()}
    assert not {name for name in left if name.endswith(("Emitter", "Observer"))}
    watcher.close()


def test_the_delay_grows_to_its_maximum_and_starts_again() -> None:
    backoff = Backoff(minimum=0.25, maximum=2.0, factor=3.0)
    assert [backoff.next() for _ in range(4)] == [0.25, 0.75, 2.0, 2.0]
    backoff.reset()
    assert backoff.next() == 0.25


@pytest.mark.parametrize(("minimum", "maximum", "factor"), [(2, 1, 2), (-1, 1, 2), (1, 2, 0.5)])
def test_a_delay_that_makes_no_sense_is_refused(minimum: float, maximum: float, factor: float) -> None:
    with pytest.raises(ValueError):
        Backoff(minimum, maximum, factor)
