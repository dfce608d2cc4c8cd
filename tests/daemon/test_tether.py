import os
import signal
from collections.abc import Iterator

import pytest

from panini_daemon.ending_signals import catching_signals
from panini_daemon.exit_codes import ExitCode
from panini_daemon.tether import DRAIN, Tether


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    os.close(reading)


@pytest.mark.parametrize("word", [DRAIN, b""])
def test_the_word_and_the_pipes_end_both_stop_the_work(pipe: tuple[int, int], word: bytes) -> None:
    reading, writing = pipe
    stopped: list[str] = []
    tether = Tether(reading, 60.0, leave=lambda code: stopped.append(f"left with {code}"))
    tether.attach(lambda: stopped.append("well"))
    os.write(writing, word)
    os.close(writing)
    tether.listen()
    assert stopped == ["well"]


def test_a_worker_that_has_not_begun_just_leaves(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    left: list[int] = []
    tether = Tether(reading, 60.0, leave=left.append)
    os.close(writing)
    tether.listen()
    assert left == [ExitCode.OK]
    tether.attach(lambda: left.append(99))
    assert left == [ExitCode.OK, 99], "a word that came before the work began is not lost"


def test_signals_are_taken_in_and_told_when_asked_for() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with catching_signals() as signals:
        assert signals.wait(0.0) == []
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGCHLD)
        assert sorted(signals.wait(60.0)) == [signal.SIGINT, signal.SIGTERM]
    assert signal.getsignal(signal.SIGTERM) == before
