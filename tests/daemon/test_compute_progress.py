"""Slow codecs that get on are not taken for hanging; and who is sent to a GPU."""

import json
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from panini_daemon.compressors import Registry
from panini_daemon.compute import Compute, Order
from panini_daemon.compute_pipe import ComputeProcess, Message
from panini_daemon.compute_process import _describe
from panini_daemon.spool import Place
from panini_daemon.storage.jobs import Chunk


class Scripted(ComputeProcess):
    """A process whose lines come one at each wait; each wait's deadline is kept."""

    def __init__(self, lines: list[Message]) -> None:
        self._buffer, self._ended, self.lines = b"", False, lines
        self.deadlines: list[float] = []

    def _wait_readable(self, started: float, deadline: float, stop: threading.Event, trial: Message) -> None:
        self.deadlines.append(deadline)
        self._buffer += json.dumps(self.lines.pop(0)).encode() + b"\n"


def test_each_sign_of_progress_gives_the_whole_time_again() -> None:
    told = {"progress": "text_lm_v1", "done": 1, "total": 9}
    process, trial = Scripted([{"trial": "text_lm_v1"}, told, told, {"results": []}]), {}
    assert process._receive(60, threading.Event(), trial) == {"results": []}
    first, second, third, last = process.deadlines
    assert first == second < third < last
    assert trial == {"trial": "text_lm_v1"}


def test_signs_of_progress_are_passed_on() -> None:
    process = Scripted([{"progress": "m", "done": 1, "total": 9}, {"progress": "m", "done": 5, "total": 9}, {}])
    heard: list[tuple[str, int, int]] = []
    process._receive(60, threading.Event(), {}, lambda *told: heard.append(told))
    assert heard == [("m", 1, 9), ("m", 5, 9)]


def test_an_order_carries_the_name_that_a_person_knows(tmp_path: Path) -> None:
    chunk = Chunk("a/b.txt", 3, 0, "a/b.txt", 10)
    order = Order.of(chunk, Place(tmp_path / "in", tmp_path / "out"), "auto", "fast", ())
    assert order.chunk == chunk.name == "a/b.txt/chunk_0003"


def compute() -> Compute:
    made = Compute.__new__(Compute)
    made._cpu = SimpleNamespace(hello=lambda: _describe(Registry()))  # type: ignore[assignment]
    return made


@pytest.mark.parametrize(
    ("request_", "level", "data", "wanted"),
    [
        ("auto", "max", b"It was the best of times, it was the worst of times. " * 9, True),
        ("auto", "best", b"It was the best of times, it was the worst of times. " * 9, False),
        ("auto", "max", bytes(range(256)) * 20, False),
        ("text_lm_v1", "fast", b"\0\1", True),
        ("language", "fast", b"\0\1", True),
        ("text", "max", b"words", False),
    ],
)
def test_only_what_a_gpu_codec_will_be_tried_on_goes_to_the_gpu(
    tmp_path: Path, request_: str, level: str, data: bytes, wanted: bool
) -> None:
    (tmp_path / "in").write_bytes(data)
    assert compute()._wants_gpu([Order(tmp_path / "in", tmp_path / "out", len(data), request_, level)]) is wanted
