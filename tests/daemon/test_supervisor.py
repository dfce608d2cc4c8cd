import io
import signal

import pytest
from fakes.clock import FakeClock

from panini_daemon.exit_codes import ExitCode
from panini_daemon.logs import make_logger
from panini_daemon.shares import Share
from panini_daemon.supervisor import DEATHS, GRACE, HEALTHY, Supervisor, describe_end

KILLED = -signal.SIGKILL


class FakeWorker:
    """A worker that ends when the test says so."""

    def __init__(self, share: Share, left: float) -> None:
        self.share, self.left = share, left
        self.status: int | None = None
        self.told: list[str] = []

    def poll(self) -> int | None:
        return self.status

    def drain(self) -> None:
        self.told.append("drain")

    def kill(self) -> None:
        self.told.append("kill")
        self.status = KILLED


class Scene:
    """A supervisor over fake workers, with a clock that the test moves."""

    def __init__(self, count: int = 2, *, once: bool = False, runtime_limit: float = 0.0) -> None:
        self.clock, self.screen = FakeClock(), io.StringIO()
        self.started: list[FakeWorker] = []
        self.supervisor = Supervisor(
            [Share(f"w-{number + 1}", "cpu", 1, 2**26) for number in range(count)],
            self._start,
            clock=self.clock,
            log=make_logger(clock=self.clock, level="info", tree=None, screen=self.screen),
            once=once,
            runtime_limit=runtime_limit,
            drain_time=10.0,
        )
        self.supervisor.step()

    def _start(self, share: Share, left: float) -> FakeWorker:
        self.started.append(FakeWorker(share, left))
        return self.started[-1]

    def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.supervisor.step()

    def let_die(self, status: int = KILLED) -> None:
        """Let the worker that was started last die after a second, and wait until it is started again."""
        self.started[-1].status = status
        self.pass_time(1.0)
        self.pass_time(60.0 if not self.supervisor.finished else 0.0)


def test_one_worker_is_started_for_each_share() -> None:
    assert [worker.share.worker for worker in Scene(3).started] == ["w-1", "w-2", "w-3"]


@pytest.mark.parametrize("status", [KILLED, ExitCode.ERROR, 77])
def test_a_worker_that_dies_is_told_of_and_started_again_after_a_pause(status: int) -> None:
    scene = Scene()
    scene.started[1].status = status
    scene.supervisor.step()
    assert "worker_died" in scene.screen.getvalue()
    assert "w-2" in scene.screen.getvalue()
    assert len(scene.started) == 2
    scene.pass_time(1.0)
    assert [worker.share.worker for worker in scene.started] == ["w-1", "w-2", "w-2"]


def test_the_pause_grows_while_a_worker_dies_again_and_again() -> None:
    scene = Scene(1)
    for pause in (1.0, 2.0, 4.0, 8.0):
        count = len(scene.started)
        scene.started[-1].status = KILLED
        scene.supervisor.step()
        scene.pass_time(pause - 0.1)
        assert len(scene.started) == count
        scene.pass_time(0.1)
        assert len(scene.started) == count + 1


def test_a_worker_that_died_too_often_is_given_up_and_the_others_go_on() -> None:
    scene = Scene()
    for _ in range(DEATHS):
        scene.let_die()
    assert len(scene.started) == 1 + DEATHS
    assert "worker_given_up" in scene.screen.getvalue()
    assert not scene.supervisor.finished
    scene.started[0].status = ExitCode.OK
    scene.supervisor.step()
    assert scene.supervisor.finished
    assert scene.supervisor.code is ExitCode.ERROR


def test_deaths_far_apart_never_add_up() -> None:
    scene = Scene(1)
    for _ in range(3 * DEATHS):
        scene.clock.advance(HEALTHY)
        scene.let_die()
    assert len(scene.started) == 1 + 3 * DEATHS


@pytest.mark.parametrize("status", [ExitCode.OK, ExitCode.DAMAGE, ExitCode.USAGE, ExitCode.KILLED])
def test_a_worker_that_ended_by_itself_is_not_started_again(status: ExitCode) -> None:
    scene = Scene(1)
    scene.let_die(status)
    assert scene.supervisor.finished
    assert len(scene.started) == 1
    assert scene.supervisor.code is status


def test_with_once_an_error_ends_a_worker_and_a_death_does_not() -> None:
    scene = Scene(once=True)
    scene.started[0].status = ExitCode.ERROR
    scene.let_die()
    assert [worker.share.worker for worker in scene.started] == ["w-1", "w-2", "w-2"]
    scene.started[2].status = ExitCode.OK
    scene.supervisor.step()
    assert (scene.supervisor.finished, scene.supervisor.code) == (True, ExitCode.ERROR)


@pytest.mark.parametrize(
    ("codes", "worst"),
    [((0, 0), 0), ((0, 3), 3), ((3, 1), 1), ((2, 1), 2), ((130, 2), 130)],
)
def test_the_exit_code_is_the_worst_of_all(codes: tuple[int, int], worst: int) -> None:
    scene = Scene(once=True)
    for worker, code in zip(scene.started, codes, strict=True):
        worker.status = code
    scene.supervisor.step()
    assert scene.supervisor.code == worst


def test_draining_tells_every_worker_once_and_starts_none_again() -> None:
    scene = Scene(3)
    scene.started[2].status = KILLED
    scene.supervisor.step()
    scene.supervisor.drain()
    assert [worker.told for worker in scene.started] == [["drain"], ["drain"], []]
    for worker in scene.started:
        worker.status = ExitCode.OK
    scene.pass_time(5.0)
    assert len(scene.started) == 3
    assert (scene.supervisor.finished, scene.supervisor.code) == (True, ExitCode.OK)


def test_a_worker_that_does_not_end_in_time_is_killed_and_counts_as_an_error() -> None:
    scene = Scene(1)
    scene.supervisor.drain()
    scene.pass_time(10.0 + GRACE - 0.1)
    assert scene.started[0].told == ["drain"]
    scene.pass_time(0.1)
    assert scene.started[0].told == ["drain", "kill"]
    scene.supervisor.step()
    assert (scene.supervisor.finished, scene.supervisor.code) == (True, ExitCode.ERROR)


def test_a_worker_started_later_has_only_what_is_left_of_the_time() -> None:
    scene = Scene(1, runtime_limit=100.0)
    assert scene.started[0].left == 100.0
    scene.pass_time(70.0)
    scene.started[0].status = KILLED
    scene.supervisor.step()
    scene.pass_time(1.0)
    assert scene.started[1].left == 29.0
    scene.started[1].status = KILLED
    scene.supervisor.step()
    scene.pass_time(19.0)
    assert len(scene.started) == 2
    assert scene.supervisor.finished


def test_how_a_process_ended_is_told_in_words() -> None:
    assert (describe_end(KILLED), describe_end(7), describe_end(-200)) == ("SIGKILL", "exit status 7", "signal 200")
