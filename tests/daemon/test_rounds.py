"""Rounds of work with GitHub: what they do when one fails."""

import io
import json
import math
import threading

import pytest
from fakes.clock import FakeClock
from fakes.memory_store import MemoryStore

from panini_daemon.logs import Logger, TreeLog, make_logger
from panini_daemon.rounds import Rounds
from panini_daemon.storage.errors import StoreUnavailable
from panini_daemon.storage.github.errors import GithubDenied, GithubMissing, GithubUnavailable


class Scene:
    def __init__(self) -> None:
        self.store = MemoryStore()
        self._tree = TreeLog(self.store, "log", max_bytes=1 << 20, backups=0)
        self.log: Logger = make_logger(clock=FakeClock(), level="info", tree=self._tree, screen=io.StringIO())
        self.results: list[float | Exception] = []

    def rounds(self, *results: float | Exception) -> Rounds:
        self.results = list(results)
        return Rounds("poll", self._act, self.log)

    def events(self) -> list[str]:
        self._tree.flush()
        try:
            return [json.loads(line)["event"] for line in self.store.read("log").splitlines()]
        except Exception:  # noqa: BLE001  nothing was logged
            return []

    def _act(self) -> float:
        result = self.results.pop(0)
        if isinstance(result, Exception):
            raise result
        return result


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_a_round_that_works_says_when_the_next_is_due(scene: Scene) -> None:
    rounds = scene.rounds(30.0, math.inf)
    assert [rounds.step(), rounds.step()] == [30.0, math.inf]
    assert (rounds.problem, rounds.failures) == (None, 0)


def test_an_outage_lasts_as_long_as_it_says_and_is_told_by_the_gate_alone(scene: Scene) -> None:
    rounds = scene.rounds(GithubUnavailable("limit", 77.0), 5.0)
    assert rounds.step() == 77.0
    assert (rounds.problem, rounds.pause) == ("limit", 77.0)
    assert rounds.step() == 5.0
    assert rounds.problem is None
    assert scene.events() == []


def test_a_refusal_is_told_once_and_tried_less_and_less_often(scene: Scene) -> None:
    rounds = scene.rounds(*[GithubDenied("403")] * 8)
    assert [rounds.step() for _ in range(8)] == [30.0, 60.0, 120.0, 240.0, 480.0, 900.0, 900.0, 900.0]
    assert scene.events() == ["github_problem"]


def test_another_refusal_is_told_again(scene: Scene) -> None:
    rounds = scene.rounds(GithubDenied("403"), GithubMissing("404"))
    rounds.step()
    rounds.step()
    assert scene.events() == ["github_problem", "github_problem"]


def test_an_error_nobody_foresaw_ends_no_thread(scene: Scene) -> None:
    rounds = scene.rounds(ZeroDivisionError("oops"), 1.0)
    assert rounds.step() == 30.0
    assert rounds.step() == 1.0
    assert scene.events() == ["github_round_failed"]


def test_a_folder_that_is_away_is_left_to_those_who_work_on_it(scene: Scene) -> None:
    rounds = scene.rounds(StoreUnavailable("ENOTCONN"))
    assert rounds.step() == 15.0
    assert scene.events() == []


def test_the_thread_goes_on_when_woken_and_ends_when_told(scene: Scene) -> None:
    done = threading.Semaphore(0)

    def act() -> float:
        done.release()
        return math.inf

    rounds = Rounds("poll", act, scene.log)
    rounds.start()
    assert done.acquire(timeout=10)
    rounds.woken.set()
    assert done.acquire(timeout=10)
    rounds.stop(10)
    assert not done.acquire(blocking=False)


def test_a_wake_up_does_not_shorten_what_github_asked_for(scene: Scene) -> None:
    done = threading.Semaphore(0)

    def act() -> float:
        done.release()
        raise GithubUnavailable("limit", 3600.0)

    rounds = Rounds("poll", act, scene.log)
    rounds.start()
    assert done.acquire(timeout=10)
    for _ in range(3):
        rounds.woken.set()
    assert not done.acquire(timeout=0.05)
    rounds.stop(10)
