import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from fakes.command_line import isolate

from panini_daemon import notebook
from panini_daemon.notebook import mount_drive, read_secrets, run_worker
from panini_daemon.storage.clock import SystemClock
from panini_daemon.storage.local import LocalStore
from panini_daemon.storage.root import open_root

COLAB = str(Path(__file__).parents[1] / "fakes/colab")


class FakeWorker:
    """Ends by itself after `looks` looks, or when it is interrupted `needs` times."""

    def __init__(self, looks: int = 3, *, stubborn: bool = False) -> None:
        self.looks, self.stubborn, self.calls = looks, stubborn, list[str]()
        self.code: int | None = None

    def __call__(self, flags: Sequence[str]) -> "FakeWorker":
        self.calls.append("start " + " ".join(flags))
        return self

    def poll(self) -> int | None:
        self.looks -= 1
        if self.looks < 0 and self.code is None:
            self.code = 0
        return self.code

    def interrupt(self) -> None:
        self.calls.append("interrupt")
        self.code = None if self.stubborn else 0

    def wait(self, timeout: float) -> int:
        if self.code is None:
            raise TimeoutError
        return self.code

    def kill(self) -> None:
        self.calls.append("kill")
        self.code = -9

    def last_lines(self) -> list[str]:
        return ["<last> line"]


class Cell:
    """What the cell shows; time goes on by its sleeping."""

    def __init__(self, interrupted_at: int | None = None) -> None:
        self.pages, self.now, self.mounts = list[str](), 0.0, list[float]()
        self._interrupted_at = interrupted_at

    def run(self, worker: FakeWorker) -> int:
        return run_worker(
            "--level", "max", start=worker, show=self.pages.append, mount=self.mount, sleep=self.sleep,
            monotonic=lambda: self.now,
        )  # fmt: skip

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        if self._interrupted_at is not None and self.now >= self._interrupted_at:
            self._interrupted_at = None
            raise KeyboardInterrupt

    def mount(self) -> None:
        self.mounts.append(self.now)


@pytest.fixture
def colab(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(COLAB)
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith("google"):
            del sys.modules[name]


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    isolate(tmp_path, monkeypatch)
    (tmp_path / "PaniniFS").mkdir()
    open_root(LocalStore(tmp_path / "PaniniFS"), create=True, clock=SystemClock())
    return tmp_path / "PaniniFS"


def test_the_dashboard_is_shown_until_the_worker_ends() -> None:
    worker, cell = FakeWorker(looks=3), Cell()
    assert cell.run(worker) == 0
    assert worker.calls == ["start --level max"]
    assert len(cell.pages) == 4
    assert all("No worker has run here yet" in page and "&lt;last&gt; line" in page for page in cell.pages)


def test_an_interrupt_ends_the_worker_cleanly_and_once() -> None:
    worker, cell = FakeWorker(looks=99), Cell(interrupted_at=10)
    assert cell.run(worker) == 0
    assert worker.calls[1:] == ["interrupt"]
    assert "No worker" in cell.pages[-1]


def test_a_worker_that_does_not_end_is_killed() -> None:
    worker = FakeWorker(looks=99, stubborn=True)
    assert Cell(interrupted_at=10).run(worker) == -9
    assert worker.calls[1:] == ["interrupt", "kill"]


def test_a_drive_that_stays_away_is_mounted_anew_and_the_worker_goes_on(root: Path) -> None:
    away = root.with_name("away")
    root.rename(away)
    worker, cell = FakeWorker(looks=40), Cell()
    assert cell.run(worker) == 0
    assert cell.mounts == [60.0]
    assert "waiting for the folder" in cell.pages[0]
    assert worker.calls == ["start --level max"]


def test_a_drive_that_comes_back_by_itself_is_not_mounted_anew(root: Path) -> None:
    away = root.with_name("away")
    root.rename(away)
    cell = Cell()
    sleep = cell.sleep

    def come_back(seconds: float) -> None:
        sleep(seconds)
        if cell.now == 50.0:
            away.rename(root)

    cell.sleep = come_back  # type: ignore[method-assign]
    assert cell.run(FakeWorker(looks=40)) == 0
    assert cell.mounts == []
    assert "No worker has run here yet" in cell.pages[-1]


@pytest.mark.usefixtures("colab")
def test_secrets_reach_the_environment_and_missing_ones_do_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_SECRETS", '{"GITHUB_TOKEN": null, "GITHUB_REPO": "someone/archive"}')
    environ: dict[str, str] = {}
    assert read_secrets(environ) == ["GITHUB_REPO"]
    assert environ == {"GITHUB_REPO": "someone/archive"}


def test_outside_colab_nothing_is_mounted_and_the_environment_counts() -> None:
    assert mount_drive() is False
    assert read_secrets({"GITHUB_TOKEN": "ghp_x"}) == ["GITHUB_TOKEN"]


@pytest.mark.slow
def test_the_real_worker_is_interrupted_cleanly(root: Path) -> None:
    cell = Cell()
    polls: list[int] = []

    def sleep(seconds: float) -> None:
        import time

        time.sleep(0.2)
        polls.append(1)
        if any(path.suffix == ".json" for path in (root / "status").iterdir()):
            raise KeyboardInterrupt
        assert len(polls) < 300

    assert run_worker(show=cell.pages.append, sleep=sleep) == 0
    assert "stopped" in cell.pages[-1]


def test_importing_it_needs_no_notebook() -> None:
    assert "IPython" not in vars(notebook)
