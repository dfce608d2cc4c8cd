"""Connections that break while something is downloaded: what is resumed, begun anew or given up."""

import hashlib
import socket
import threading

import pytest
from fakes.clock import FakeClock
from fakes.download_scene import BLOB, BLOBS, DATA, POINTER, WHOLE, Scene, both, scene
from fakes.github.exchange import Answer
from fakes.github.faults import Action, CloseBeforeAnswer, CutBody, Hang, Line, SlowBody, Status

from panini_daemon.storage.github.download import Downloaded
from panini_daemon.storage.github.errors import GithubUnavailable
from panini_daemon.storage.github.lfs import Pointer
from panini_daemon.storage.github.transport import Broken, Pace

__all__ = ["scene"]


@both
@pytest.mark.parametrize("ranges", [True, False])
def test_a_cut_download_is_resumed_else_begun_anew(scene: Scene, kind: str, glob: str, ranges: bool) -> None:
    scene.serve_ranges(ranges)
    scene.hub.faults.add(glob, CutBody(1000))
    assert scene.fetch(kind) == WHOLE
    assert scene.is_whole()
    assert scene.ranges() == [None, "bytes=1000-"]
    counts = {kind: 1, f"{kind} (resumed)": 1}
    assert scene.requests.counts() == (counts if kind == "blob" else {**counts, "lfs batch": 2})


@pytest.mark.parametrize("headers", [{}, {"transfer-encoding": "chunked"}])
def test_a_cut_blob_of_untold_size_is_resumed(scene: Scene, headers: dict[str, str]) -> None:
    scene.serve_ranges(True)
    cut = Status(200, headers, body=b"%x\r\n%s\r\n100\r\n" % (1000, DATA[:1000])) if headers else CutBody(1000)

    class Cut(Action):
        applied = False
        stand_in = cut.stand_in

        def send(self, line: Line, answer: Answer) -> None:
            line.send(answer)
            line.drop()

    scene.hub.faults.add(BLOBS, Cut() if headers else cut)
    assert scene.blob() == WHOLE
    assert scene.is_whole()
    assert scene.ranges() == [None, "bytes=1000-"]


@both
def test_a_download_that_hangs_is_resumed(scene: Scene, kind: str, glob: str) -> None:
    scene.serve_ranges(True)
    scene.downloader = scene.make(timeout=0.05)
    scene.hub.faults.add(glob, SlowBody(1000, threading.Event()))
    assert scene.fetch(kind) == WHOLE
    assert scene.ranges() == [None, "bytes=1000-"]


@both
def test_a_download_that_drips_is_resumed(scene: Scene, kind: str, glob: str) -> None:
    scene.serve_ranges(True)
    clock = LateClock(looks=2 if kind == "blob" else 3)
    scene.downloader = scene.make(clock=clock)
    scene.hub.faults.add(glob, SlowBody(1000, clock.looked_at))
    assert scene.fetch(kind) == WHOLE
    assert scene.is_whole()
    assert scene.ranges() == [None, "bytes=1000-"]


class LateClock(FakeClock):
    """A minute passes before each of the first `looks` at it, and somebody may wait for the last of these."""

    def __init__(self, looks: int) -> None:
        super().__init__()
        self.looked_at, self._looks = threading.Event(), looks

    def monotonic(self) -> float:
        self._looks -= 1
        if self._looks >= 0:
            self.advance(61)
        if self._looks == 0:
            self.looked_at.set()
        return super().monotonic()


def test_what_came_whole_may_have_been_slow(scene: Scene) -> None:
    small = hashlib.sha256(b"x").hexdigest()
    scene.hub.lfs[small] = b"x"
    scene.downloader = scene.make(clock=LateClock(looks=99))
    assert scene.lfs(Pointer(small, 1)) == Downloaded(small, 1)


def test_what_crawls_for_less_than_a_minute_is_let_be() -> None:
    clock = FakeClock()
    pace = Pace(clock)
    for _ in range(59):
        clock.advance(1)
        pace.add(1)
    clock.advance(1)
    pace.add(60 * 1024)
    clock.advance(60)
    with pytest.raises(Broken, match="61439 bytes in 60 s"):
        pace.add(60 * 1024 - 1)


@both
def test_five_tries_are_made_where_each_brings_something(scene: Scene, kind: str, glob: str) -> None:
    scene.serve_ranges(True)
    scene.hub.faults.add(glob, CutBody(1000), times=4)
    assert scene.fetch(kind) == WHOLE
    assert scene.ranges()[-1] == "bytes=4000-"
    scene.hub.requests.clear()
    scene.hub.faults.add(glob, CutBody(1000), times=None)
    with pytest.raises(GithubUnavailable, match="after 5000 bytes") as caught:
        scene.fetch(kind)
    assert len(scene.ranges()) == 5
    assert 1 <= caught.value.retry_in <= 2


@both
@pytest.mark.parametrize("fault", [CutBody(0), CloseBeforeAnswer(), Hang()])
def test_a_try_that_brings_nothing_closes_the_gate(scene: Scene, kind: str, glob: str, fault: Action) -> None:
    scene.downloader = scene.make(timeout=0.05 if isinstance(fault, Hang) else 5.0)
    scene.hub.faults.add(glob, fault)
    with pytest.raises(GithubUnavailable, match="after 0 bytes"):
        scene.fetch(kind)
    asked = scene.hub.count()
    with pytest.raises(GithubUnavailable):
        scene.fetch(kind)
    assert scene.hub.count() == asked


def test_a_gate_that_closes_meanwhile_lets_a_download_end(scene: Scene) -> None:
    scene.hub.faults.add(BLOBS, SlowBody(1000, lambda: scene.gate.failed("meanwhile")))
    assert scene.blob() == WHOLE


def test_a_gate_that_closes_meanwhile_stops_the_tries(scene: Scene) -> None:
    class CutThenClose(CutBody):
        def send(self, line: Line, answer: Answer) -> None:
            scene.gate.failed("meanwhile")
            super().send(line, answer)

    scene.hub.faults.add(BLOBS, CutThenClose(1000))
    with pytest.raises(GithubUnavailable, match="meanwhile"):
        scene.blob()
    assert scene.hub.count("blob") == 1


def test_a_refused_connection_and_an_unknown_host_are_outages(scene: Scene) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    for url, name in ((f"http://127.0.0.1:{port}", "ConnectionRefusedError"), ("http://name.invalid", "gaierror")):
        downloader = scene.make(url=url)
        for fetch in (downloader.blob, downloader.lfs):
            with pytest.raises(GithubUnavailable, match=name):
                fetch(BLOB if fetch == downloader.blob else POINTER, scene.target)  # type: ignore[operator]
            scene.clock.advance(3600)
    assert scene.requests.counts() == {"blob (failed)": 2, "lfs batch (failed)": 2}


def test_success_after_an_outage_opens_the_gate(scene: Scene) -> None:
    told: list[object] = []
    scene.gate._changed = told.append
    scene.hub.faults.add(BLOBS, CloseBeforeAnswer())
    with pytest.raises(GithubUnavailable):
        scene.blob()
    scene.clock.advance(2)
    scene.blob()
    assert told[-1] is None


@both
@pytest.mark.parametrize(
    "headers",
    [
        {"content-range": f"bytes 0-{len(DATA) - 1}/{len(DATA)}"},
        {"content-range": f"bytes 1000-{len(DATA) - 2}/{len(DATA)}"},
        {"content-range": "bytes 1000-/*"},
        {},
    ],
)
def test_a_range_that_was_not_asked_for_is_not_used(
    scene: Scene, kind: str, glob: str, headers: dict[str, str]
) -> None:
    scene.hub.faults.add(glob, CutBody(1000))
    scene.hub.faults.add(glob, Status(206, headers, body=b"?" * (len(DATA) - 1000)))
    assert scene.fetch(kind) == WHOLE
    assert scene.is_whole()
    assert scene.ranges() == [None, "bytes=1000-", None]


@both
def test_a_range_without_a_total_is_used(scene: Scene, kind: str, glob: str) -> None:
    scene.hub.faults.add(glob, CutBody(1000))
    headers = {"content-range": f"bytes 1000-{len(DATA) - 1}/*"}
    scene.hub.faults.add(glob, Status(206, headers, body=DATA[1000:]))
    assert scene.fetch(kind) == WHOLE
    assert scene.is_whole()


@both
def test_a_refused_range_is_begun_anew(scene: Scene, kind: str, glob: str) -> None:
    scene.hub.faults.add(glob, CutBody(1000))
    scene.hub.faults.add(glob, Status(416, {"content-range": f"bytes */{len(DATA)}"}, body=b""))
    assert scene.fetch(kind) == WHOLE
    assert scene.ranges() == [None, "bytes=1000-", None]
