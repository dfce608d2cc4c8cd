"""What slow codecs tell of themselves: how fast they get on, and how often the log hears of it."""

import json
from pathlib import Path

import pytest
from fakes.clock import FakeClock

from panini_daemon.commands import common
from panini_daemon.heartbeat import format_status
from panini_daemon.progress import Tally
from panini_daemon.slow_work import LOG_EVERY, Ongoing, SlowWork
from panini_daemon.weights import surroundings


class Lines:
    """A logger that keeps its lines."""

    def __init__(self) -> None:
        self.lines: list[dict[str, object]] = []

    def info(self, event: str, **fields: object) -> None:
        self.lines.append({"event": event, **fields})


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def test_the_rate_is_that_since_the_first_sign_of_progress(clock: FakeClock) -> None:
    slow = SlowWork(clock)
    with slow.follow(["a #0"], "compress") as told:
        clock.advance(30)  # loading a model is no progress
        told("m", 0, 1000)
        assert slow.now() == [Ongoing("a #0", "compress", "m", 0, 1000, 0.0)]
        clock.advance(4)
        told("m", 200, 1000)
        (one,) = slow.now()
        assert (one.bytes_per_second, one.seconds_left) == (50.0, 16.0)
        told("m", 0, 600)  # a second batch of the same chunk
        clock.advance(2)
        told("m", 40, 600)
        assert slow.now()[0].bytes_per_second == 20.0
    assert slow.now() == []


def test_a_call_that_failed_is_forgotten(clock: FakeClock) -> None:
    slow = SlowWork(clock)

    def fail() -> None:
        with slow.follow(["a"], "verify") as told:
            told("m", 1, 2)
            assert len(slow.now()) == 1
            raise InterruptedError

    with pytest.raises(InterruptedError):
        fail()
    assert slow.now() == []


def test_calls_at_the_same_time_are_told_apart(clock: FakeClock) -> None:
    slow = SlowWork(clock)
    with slow.follow(["a", "b", "c"], "compress") as first, slow.follow(["d"], "verify") as second:
        second("m", 1, 2)
        first("m", 3, 4)
        assert {(one.chunk, one.done) for one in slow.now()} == {("a and 2 more", 3), ("d", 1)}


def test_the_log_hears_of_a_long_call_once_a_minute_and_never_of_a_short_one(clock: FakeClock) -> None:
    log = Lines()
    slow = SlowWork(clock, log)  # type: ignore[arg-type]
    with slow.follow(["short"], "compress") as told:
        for done in range(int(LOG_EVERY)):
            told("m", done, 100)
            clock.advance(1)
    assert log.lines == []
    with slow.follow(["long"], "compress") as told:
        for second in range(200):
            told("m", 10 * second, 4000)
            clock.advance(1)
    assert [line["done"] for line in log.lines] == [600, 1200, 1800]
    assert log.lines[1] == {
        "event": "chunk_progress",
        "chunk": "long",
        "task": "compress",
        "method": "m",
        "done": 1200,
        "total": 4000,
        "bytes_per_second": 10.0,
        "seconds_left": 280,
    }


def test_the_heartbeat_has_what_is_under_way(clock: FakeClock) -> None:
    one = Ongoing("a #0", "verify", "m", 5, 10, 2.5)
    status = format_status(
        worker="w",
        phase="working",
        device="cpu",
        started=clock.now(),
        now=clock.now(),
        interval=10.0,
        queue={},
        ongoing=[one],
        totals=Tally().totals(0),
    )
    assert json.loads(status)["progress"] == [
        {"chunk": "a #0", "task": "verify", "method": "m", "done": 5, "total": 10, "bytes_per_second": 2.5}
    ]


def test_commands_that_decode_write_a_line_a_minute_to_standard_error(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, clock: FakeClock
) -> None:
    monkeypatch.setattr(common, "SystemClock", lambda: clock)
    tell = surroundings(tmp_path, told=common.watch_decoding("notes.txt")).progress
    tell("m", 0, 4000)
    clock.advance(59)
    tell("m", 590, 4000)
    assert capsys.readouterr().err == ""
    clock.advance(1)
    tell("m", 600, 4000)
    line = capsys.readouterr().err
    assert "chunk_progress" in line
    assert "chunk=notes.txt task=decode method=m done=600 total=4000" in line
