"""Leases settle for as long as the shared folder was measured to take."""

import json
from typing import Any

import pytest
from fakes.clock import FakeClock
from fakes.memory_store import MemoryStore

from panini_daemon.logs import make_logger
from panini_daemon.settling import Settling
from panini_daemon.storage.errors import StoreUnavailable
from panini_daemon.storage.propagation import Propagation
from panini_daemon.storage.root import MARKER


class Measured(Propagation):
    """Finds what it is told to."""

    found: float | None = None

    def longest(self) -> float | None:
        return self.found


class Scene:
    def __init__(self, *, longest_allowed: float = 400.0) -> None:
        self.store, clock = MemoryStore(), FakeClock()
        self.store.write(MARKER, b"{}")
        self.asked: list[float] = []
        self.propagation = Measured(self.store, "w1", clock=clock, nonce="n")
        log = make_logger(clock=clock, level="info", tree=self, screen=None)  # type: ignore[arg-type]
        self.lines: list[dict[str, Any]] = []
        self.limit = longest_allowed
        self.settling = Settling(self.propagation, self._adapt, 60.0, log)

    def add(self, line: str) -> None:
        self.lines.append(json.loads(line))

    def _adapt(self, seconds: float) -> float:
        self.asked.append(seconds)
        return min(seconds, self.limit)

    def beat(self, found: float | None) -> float:
        self.propagation.found = found
        self.settling.beat()
        return self.settling.seconds


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_a_slow_folder_makes_claims_settle_longer_and_a_faster_one_shorter_again(scene: Scene) -> None:
    assert [scene.beat(found) for found in (None, 20.0, 150.0, 155.0, 90.0, 5.0)] == [60, 60, 150, 150, 90, 60]
    assert scene.asked == [150.0, 90.0, 60.0]


def test_more_than_the_other_times_leave_room_for_is_told(scene: Scene) -> None:
    assert scene.beat(900.0) == 400.0
    assert scene.beat(900.0) == 400.0
    assert scene.asked == [900.0]
    assert [line["event"] for line in scene.lines] == ["folder_slow"]


def test_a_folder_that_is_away_is_the_callers_to_know(scene: Scene) -> None:
    scene.store.fail(StoreUnavailable("away"), "list")
    with pytest.raises(StoreUnavailable):
        scene.beat(None)


def test_the_end_leaves_no_probe(scene: Scene) -> None:
    scene.beat(None)
    assert [path for path in scene.store.files if path.startswith("leases/")] == ["leases/probe-w1.json"]
    scene.settling.close()
    assert not [path for path in scene.store.files if path.startswith("leases/")]
