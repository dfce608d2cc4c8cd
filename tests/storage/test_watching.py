import threading
from pathlib import Path

import pytest

from panini_daemon.storage.watching import Backoff, Watcher


def test_a_file_that_appears_is_told(tmp_path: Path) -> None:
    changed = threading.Event()
    with Watcher(changed.set) as watcher:
        assert watcher.start(tmp_path) is True
        assert watcher.problem is None
        (tmp_path / "job.json").write_text("{}")
        assert changed.wait(10)


def test_reading_a_file_is_no_change(tmp_path: Path) -> None:
    changed = threading.Event()
    (tmp_path / "job.json").write_text("{}")
    with Watcher(changed.set) as watcher:
        watcher.start(tmp_path)
        (tmp_path / "job.json").read_text()
        list(tmp_path.iterdir())
        assert not changed.wait(0.03)


def test_a_folder_that_cannot_be_watched_is_reported_and_not_fatal(tmp_path: Path) -> None:
    with Watcher(lambda: None) as watcher:
        assert watcher.start(tmp_path / "gone") is False
        assert watcher.problem is not None
        assert "gone" in watcher.problem


def test_closing_ends_the_watch_and_may_be_repeated(tmp_path: Path) -> None:
    watcher = Watcher(lambda: None)
    watcher.start(tmp_path)
    watcher.close()
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
