import html.parser
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fakes.busy_tree import write_busy_tree, write_status
from fakes.clock import FakeClock
from fakes.memory_store import MemoryStore
from rich.console import Console

from panini_daemon.commands import status as status_command
from panini_daemon.dashboard.page import format_body, format_page
from panini_daemon.dashboard.publishing import PAGE, Publisher
from panini_daemon.dashboard.reading import DashboardReader
from panini_daemon.dashboard.terminal import draw, sparkline
from panini_daemon.dashboard.view import Dashboard, Jobs, build
from panini_daemon.exit_codes import ExitCode
from panini_daemon.gpu_use import GpuUse, read_gpus

NOW = FakeClock().now()


def busy() -> Dashboard:
    store = MemoryStore()
    write_busy_tree(store, NOW, chunks=3)
    return DashboardReader(store, "the root", FakeClock()).read()


def text_of(view: Dashboard, width: int, *, fancy: bool = True) -> str:
    console = Console(file=io.StringIO(), width=width, highlight=False, markup=False)
    console.print(draw(view, width, fancy=fancy))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [80, 100, 120, 200])
def test_the_terminal_shows_all_within_its_width(width: int) -> None:
    text = text_of(busy(), width)
    assert max(map(len, text.splitlines())) <= width
    for word in (
        "colab-7f3a",
        "dead",
        "stopped",
        "text_lm_v1",
        "HashMismatch",
        "NVIDIA L4: 93 %",
        "text_lm_v1 compresses letters/1872.txt #5: 1.2 MB of 4.0 MB",
        "1.2 TB of 2.0 TB free",
    ):
        assert word in text, word


def test_a_terminal_without_unicode_gets_none() -> None:
    assert text_of(busy(), 80, fancy=False).isascii()


def test_a_sparkline_rises_with_its_values() -> None:
    assert sparkline([0, 1, 4, 8]) == " ▂▅█"
    assert sparkline([0.0, 0.0]) == "  "


class _Tags(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value or "" for name, value in attrs if name in {"src", "href", "srcset"}]
        if tag not in {"meta", "br", "line", "rect", "polygon", "polyline"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_and_loads_nothing() -> None:
    tags = _Tags()
    tags.feed(format_page(busy()))
    tags.close()
    assert (tags.open, tags.links) == ([], [])


def test_names_from_outside_cannot_become_markup() -> None:
    evil = "<script>alert(1)</script>\"'"
    fields: dict[str, Any] = {
        "worker": evil, "state": evil, "device": evil, "last_error": evil, "updated_at": NOW.isoformat(),
        "github": {"state": "ok", "repository": evil}, "gpus": [{"name": evil}],
        "totals": {"methods": {evil: {"chunks": 1, "bytes_in": 9, "bytes_out": 3}}},
        "failures": [{"at": evil, "chunk": evil, "error": evil, "message": evil}],
    }  # fmt: skip
    page = format_page(build(evil, NOW, [fields], Jobs()))
    assert "<script>alert" not in page
    assert page.count("&lt;script&gt;alert") >= 8


def test_the_page_of_a_new_tree_says_that_no_worker_has_run() -> None:
    body = format_body(build("root", NOW, [], Jobs()))
    assert "No worker has run here yet" in body
    assert "<svg" not in body


@pytest.mark.parametrize(("worker", "writes"), [("colab-0000", True), ("colab-7f3a", True), ("shed-9", False)])
def test_the_first_of_the_living_writes_the_page(worker: str, *, writes: bool) -> None:
    store = MemoryStore()
    write_busy_tree(store, NOW)
    Publisher(store, DashboardReader(store, "root", FakeClock()), worker).publish()
    assert (PAGE in {entry.name for entry in store.list("")}) is writes


def test_watching_draws_until_it_is_interrupted(capsys: pytest.CaptureFixture[str]) -> None:
    store, waits = MemoryStore(), []
    write_status(store, "w", datetime.now(UTC) - timedelta(seconds=1))

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            raise KeyboardInterrupt

    assert status_command._watch(DashboardReader(store, "root", FakeClock()), 2.5, sleep) == ExitCode.OK
    assert waits == [2.5] * 3
    assert "worker" in capsys.readouterr().out


def test_gpus_are_read_from_the_driver_s_own_words() -> None:
    words = "0, NVIDIA L4, 93, 9216, 23034, 580.1\n1, NVIDIA L4, [N/A], 0, 23034, 580.1\nFailed to initialize NVML\n"
    assert read_gpus(lambda command: words) == [
        GpuUse(0, "NVIDIA L4", 93, 9216 << 20, 23034 << 20, "580.1"),
        GpuUse(1, "NVIDIA L4", None, 0, 23034 << 20, "580.1"),
    ]


def test_a_driver_that_fails_is_no_gpu(tmp_path: Path) -> None:
    def fail(command: object) -> str:
        raise OSError("no such file")

    assert read_gpus(fail) == []
