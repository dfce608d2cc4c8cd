import random
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from fakes.clock import FakeClock

from panini_daemon.storage.github.errors import GithubUnavailable
from panini_daemon.storage.github.gate import Closed, Gate


class Scene:
    """A gate, its clock, and what it told."""

    def __init__(self, **options: float) -> None:
        self.clock = FakeClock()
        self.told: list[Closed | None] = []
        self.slept: list[float] = []
        self.gate = Gate(
            self.clock, jitter=random.Random(1), sleep=self.slept.append, changed=self.told.append, **options
        )

    def wait(self) -> float:
        """How long the gate is closed."""
        closed = self.gate.closed()
        return closed.seconds if closed else 0.0

    def pass_wait(self) -> float:
        """Let the wait pass and return how long it was."""
        seconds = self.wait()
        self.clock.advance(seconds)
        return seconds


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_is_open_at_first(scene: Scene) -> None:
    scene.gate.check()
    assert scene.gate.closed() is None
    assert scene.gate.remaining is None


def test_closes_for_as_long_as_retry_after_says(scene: Scene) -> None:
    error = scene.gate.limited(403, {"retry-after": "37"})
    assert 37 <= error.retry_in <= 40
    scene.clock.advance(36.9)
    with pytest.raises(GithubUnavailable, match="Retry-After 37") as caught:
        scene.gate.check()
    assert 0 < caught.value.retry_in < 3
    scene.clock.advance(3)
    scene.gate.check()


def test_retry_after_goes_before_the_reset_time(scene: Scene) -> None:
    scene.gate.limited(429, {"retry-after": "5", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "99999999999"})
    assert scene.wait() < 10


@pytest.mark.parametrize("text", ["", "soon", "-5", "\u00b2", "9" * 5000, "1.5", "Mon, 06 May 2024 08:00:00 GMT"])
def test_a_retry_after_that_is_no_number_counts_as_none(scene: Scene, text: str) -> None:
    scene.gate.limited(429, {"retry-after": text})
    assert scene.wait() == 60


def test_no_header_closes_for_longer_than_a_day(scene: Scene) -> None:
    scene.gate.limited(429, {"retry-after": "999999999"})
    assert scene.wait() <= 24 * 3600 + 2


def test_closes_until_the_reset_time_where_nothing_remains(scene: Scene) -> None:
    reset = int(scene.clock.now().timestamp()) + 1200
    scene.gate.limited(403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(reset)})
    assert 1200 <= scene.wait() <= 1203
    assert scene.gate.remaining == 0


@pytest.mark.parametrize("hours", [-5, 5])
def test_the_reset_time_is_measured_on_githubs_clock(scene: Scene, hours: int) -> None:
    theirs = scene.clock.now() + timedelta(hours=hours)
    headers = {
        "x-ratelimit-remaining": "0",
        "x-ratelimit-reset": str(int(theirs.timestamp()) + 600),
        "date": format_datetime(theirs, usegmt=True),
    }
    scene.gate.limited(403, headers)
    assert 600 <= scene.wait() <= 603


def test_an_odd_date_header_leaves_this_machines_clock(scene: Scene) -> None:
    reset = int(scene.clock.now().timestamp()) + 600
    scene.gate.limited(403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(reset), "date": "yesterday"})
    assert 600 <= scene.wait() <= 603


def test_a_reset_time_in_the_past_closes_for_a_moment(scene: Scene) -> None:
    scene.gate.limited(403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"})
    assert 0 < scene.wait() <= 5


def test_limits_without_a_time_double_from_a_minute_to_a_quarter_of_an_hour(scene: Scene) -> None:
    waits = []
    for _ in range(7):
        scene.gate.limited(403, {})
        waits.append(scene.pass_wait())
    assert waits == [60, 120, 240, 480, 900, 900, 900]


def test_outages_grow_to_five_minutes_and_begin_anew_after_an_answer(scene: Scene) -> None:
    waits = []
    for _ in range(12):
        scene.gate.failed("down")
        waits.append(scene.pass_wait())
    for number, wait in enumerate(waits):
        full = min(300, 2 * 2**number)
        assert full / 2 <= wait <= full
    assert len(set(waits[8:])) > 1, "without jitter, all workers would come back at once"
    scene.gate.answered({})
    scene.gate.failed("down")
    assert scene.wait() <= 2


def test_a_server_error_with_retry_after_is_obeyed(scene: Scene) -> None:
    scene.gate.failed("503", {"retry-after": "90"})
    assert scene.wait() == 90


def test_a_refused_token_grows_to_a_quarter_of_an_hour(scene: Scene) -> None:
    waits = []
    for _ in range(8):
        scene.gate.refused("401")
        waits.append(scene.pass_wait())
    for number, wait in enumerate(waits):
        full = min(900, 60 * 2**number)
        assert full / 2 <= wait <= full


@pytest.mark.parametrize("fail", ["failed", "refused", "limited"])
@pytest.mark.parametrize("before", [0, 3, 9])
def test_parallel_failures_count_as_one(fail: str, before: int) -> None:
    def strike(gate: Gate) -> None:
        gate.limited(403, {}) if fail == "limited" else getattr(gate, fail)("down")

    alone, crowded = Scene(), Scene()
    for scene, others in ((alone, 0), (crowded, 7)):
        for _ in range(before):
            strike(scene.gate)
            scene.pass_wait()
        scene.told.clear()
        for _ in range(1 + others):
            strike(scene.gate)
            scene.clock.advance(0.01)
        assert len(scene.told) == 1
    assert crowded.wait() == pytest.approx(alone.wait(), abs=0.2)
    for scene in (alone, crowded):
        scene.pass_wait()
        strike(scene.gate)
    assert crowded.wait() <= 2 * alone.wait(), "the next wait is of the next size, not of eight sizes further"


def test_a_limit_that_comes_during_a_short_outage_is_obeyed(scene: Scene) -> None:
    scene.gate.failed("down")
    scene.gate.limited(403, {"retry-after": "30"})
    assert 30 <= scene.wait() <= 32
    assert scene.gate.closed().reason.startswith("GitHub limits")


def test_a_short_outage_does_not_shorten_a_limit(scene: Scene) -> None:
    scene.gate.limited(403, {"retry-after": "30"})
    error = scene.gate.failed("down")
    assert 30 <= scene.wait() <= 32
    assert error.retry_in == scene.wait()


def test_an_answer_to_what_was_under_way_does_not_end_the_wait(scene: Scene) -> None:
    scene.gate.limited(403, {"retry-after": "30"})
    scene.gate.answered({})
    assert scene.wait() >= 30
    assert None not in scene.told


def test_tells_of_each_change_once_and_of_recovery(scene: Scene) -> None:
    scene.gate.answered({})
    assert scene.told == []
    scene.gate.failed("down")
    scene.pass_wait()
    scene.gate.failed("still down")
    scene.pass_wait()
    scene.gate.answered({})
    scene.gate.answered({})
    assert [closed and closed.reason for closed in scene.told] == ["down", "still down", None]


def test_remembers_what_remains_of_the_rest_limit_alone(scene: Scene) -> None:
    scene.gate.answered({"x-ratelimit-remaining": "4321", "x-ratelimit-resource": "core"})
    scene.gate.answered({"x-ratelimit-remaining": "7", "x-ratelimit-resource": "graphql"})
    scene.gate.answered({"x-ratelimit-remaining": "many"})
    assert scene.gate.remaining == 4321


def test_writes_are_a_second_apart(scene: Scene) -> None:
    for _ in range(3):
        scene.gate.take_turn_to_write()
    assert scene.slept == [1.0, 2.0]
    scene.clock.advance(10)
    scene.gate.take_turn_to_write()
    assert len(scene.slept) == 2


def test_writes_of_many_threads_get_a_slot_each(scene: Scene) -> None:
    threads = [threading.Thread(target=scene.gate.take_turn_to_write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(scene.slept) == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]


def test_writes_need_not_be_apart_where_that_is_said() -> None:
    scene = Scene(between_writes=0.0)
    scene.gate.take_turn_to_write()
    scene.gate.take_turn_to_write()
    assert scene.slept == []


def test_a_jump_of_the_wall_clock_changes_no_wait(scene: Scene) -> None:
    scene.gate.limited(403, {"retry-after": "30"})
    scene.clock.set_wall(datetime(2031, 1, 1, tzinfo=UTC))
    assert 30 <= scene.wait() <= 32


def test_reads_go_out_at_once_until_the_minutes_points_are_short() -> None:
    scene = Scene()
    for _ in range(120):
        scene.gate.spend(1)
    assert scene.slept == []
    scene.gate.spend(1)
    assert scene.slept == [pytest.approx(1 / 13)]


def test_no_minute_takes_more_than_900_points() -> None:
    clock = FakeClock()
    gate = Gate(clock, jitter=random.Random(1), sleep=clock.advance)
    spent, start = 0, clock.monotonic()
    while clock.monotonic() - start < 60:
        gate.spend(5)
        spent += 5
    assert 850 <= spent <= 905


def test_writes_that_belong_together_take_one_turn_and_leave_room_behind_them() -> None:
    scene = Scene()
    scene.gate.take_turn_to_write(3)
    scene.gate.take_turn_to_write()
    assert scene.slept == [3.0]
