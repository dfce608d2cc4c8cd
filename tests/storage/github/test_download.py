import errno
import gzip
import hashlib
import io
import logging
import os
import random
import shutil
import socket
import subprocess
import threading
import time
import traceback
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes.clock import FakeClock
from fakes.github.exchange import Answer
from fakes.github.faults import (
    Action,
    CloseBeforeAnswer,
    CutBody,
    Hang,
    Line,
    Redirect,
    SecondaryLimit,
    SlowBody,
    Status,
    WrongBody,
)
from fakes.github.objects import object_name
from fakes.github.server import FakeGithub

from panini_daemon.storage.errors import StoreFull
from panini_daemon.storage.github.download import Downloaded, Downloader
from panini_daemon.storage.github.errors import (
    GithubDenied,
    GithubError,
    GithubMissing,
    GithubRefused,
    GithubUnavailable,
)
from panini_daemon.storage.github.gate import Gate
from panini_daemon.storage.github.lfs import Pointer
from panini_daemon.storage.github.repository import Repository
from panini_daemon.storage.github.requests_made import RequestsMade
from panini_daemon.storage.github.transport import Broken, Pace

DATA = bytes(range(256)) * 40
BLOB = object_name("blob", DATA)
WHOLE = Downloaded(hashlib.sha256(DATA).hexdigest(), len(DATA))
POINTER = Pointer(WHOLE.sha256, WHOLE.size)
ABSENT = Pointer("0" * 64, 5)
BLOBS, LINKS, OBJECTS = "GET */git/blobs/*", "POST */objects/batch", "GET /lfs-store/*"
BIG = 100_000_000


class Scene:
    """A hub, a downloader of its repository, and what they share."""

    def __init__(self, hub: FakeGithub, target: Path) -> None:
        self.hub, self.target = hub, target
        self.clock, self.requests = FakeClock(), RequestsMade()
        self.gate = Gate(self.clock, jitter=random.Random(1), sleep=time.sleep, between_writes=0.0)
        self.downloaders: list[Downloader] = []
        self.downloader = self.make()

    def make(self, **options: Any) -> Downloader:
        url, token = options.pop("url", self.hub.url), options.pop("token", self.hub.token)
        settings = {"gate": self.gate, "requests": self.requests, "clock": self.clock, "timeout": 5.0, **options}
        made = Downloader(Repository("someone", "archive", url), token, **settings)
        self.downloaders.append(made)
        return made

    def blob(self, **options: Any) -> Downloaded:
        return self.downloader.blob(BLOB, self.target, **options)

    def lfs(self, pointer: Pointer = POINTER) -> Downloaded:
        return self.downloader.lfs(pointer, self.target)

    def fetch(self, kind: str) -> Downloaded:
        """Download the same bytes one way or the other."""
        return self.blob(size=len(DATA)) if kind == "blob" else self.lfs()

    def is_whole(self) -> bool:
        return self.target.read_bytes() == DATA

    def ranges(self) -> list[str | None]:
        """What was asked of hosts that serve bytes."""
        return [each.headers.get("Range") for each in self.hub.requests if each.kind in {"blob", "lfs-object"}]

    def serve_ranges(self, serve: bool) -> None:
        self.hub.blob_ranges = self.hub.lfs_ranges = serve


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with FakeGithub(tmp_path / "hub") as hub:
        hub.commit({"data.bin": DATA, "empty": b""})
        hub.lfs[POINTER.oid] = DATA
        scene = Scene(hub, tmp_path / "data.bin")
        yield scene
        for downloader in scene.downloaders:
            downloader.close()


both = pytest.mark.parametrize(("kind", "glob"), [("blob", BLOBS), ("lfs", OBJECTS)])


# What arrives whole.


@pytest.mark.parametrize("size", [None, len(DATA)])
def test_a_blob_arrives_with_its_hash_and_size(scene: Scene, size: int | None) -> None:
    assert scene.blob(size=size) == WHOLE
    assert scene.is_whole()
    assert scene.requests.counts() == {"blob": 1}
    assert scene.gate.remaining == 4999


def test_a_git_lfs_object_arrives_with_its_hash_and_size(scene: Scene) -> None:
    assert scene.lfs() == WHOLE
    assert scene.is_whole()
    assert scene.requests.counts() == {"lfs batch": 1, "lfs": 1}


@pytest.mark.parametrize("size", [None, 0])
def test_an_empty_blob_arrives(scene: Scene, size: int | None) -> None:
    sha = object_name("blob", b"")
    assert scene.downloader.blob(sha, scene.target, size=size) == Downloaded(hashlib.sha256().hexdigest(), 0)
    assert scene.target.read_bytes() == b""
    assert scene.downloader.read(sha, limit=0) == b""


def test_what_stood_in_the_target_is_replaced(scene: Scene) -> None:
    scene.target.write_bytes(b"x" * 2 * len(DATA))
    scene.blob()
    assert scene.is_whole()


@pytest.mark.parametrize("size", [None, len(DATA)])
@pytest.mark.parametrize("packed", [False, True])
def test_a_blob_of_untold_length_arrives(scene: Scene, size: int | None, packed: bool) -> None:
    body = gzip.compress(DATA) if packed else DATA
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:100], body[100:])) + b"0\r\n\r\n"
    headers = {"transfer-encoding": "chunked", **({"content-encoding": "gzip"} if packed else {})}
    scene.hub.faults.add(BLOBS, Status(200, headers, body=chunks))
    assert scene.blob(size=size) == WHOLE
    assert scene.is_whole()


def test_a_blob_is_hashed_right_however_large(scene: Scene) -> None:
    data = os.urandom(9_000_001)
    scene.hub.commit({"large": data})
    found = scene.downloader.blob(object_name("blob", data), scene.target)
    assert found == Downloaded(hashlib.sha256(data).hexdigest(), len(data))
    assert scene.target.read_bytes() == data


def test_a_small_blob_is_read_into_memory(scene: Scene) -> None:
    assert scene.downloader.read(BLOB, limit=len(DATA)) == DATA
    assert scene.requests.counts() == {"blob": 1}


@pytest.mark.parametrize("headers", [{}, {"transfer-encoding": "chunked"}])
def test_no_more_is_read_than_the_limit(scene: Scene, headers: dict[str, str]) -> None:
    if headers:
        scene.hub.faults.add(BLOBS, Status(200, headers, body=b"%x\r\n%s\r\n0\r\n\r\n" % (len(DATA), DATA)))
    with pytest.raises(GithubRefused, match=f"{len(DATA) - 1} bytes|expected at most {len(DATA) - 1}"):
        scene.downloader.read(BLOB, limit=len(DATA) - 1)
    scene.gate.check()


def test_a_name_that_is_none_is_not_asked_for(scene: Scene) -> None:
    for sha in ("", "../../../user", BLOB[:-1], BLOB.upper(), "z" * 40):
        with pytest.raises(GithubRefused, match="no name of a git blob"):
            scene.downloader.read(sha, limit=10)
    assert scene.hub.count() == 0


def test_downloads_share_connections(scene: Scene) -> None:
    for _ in range(3):
        scene.blob()
    assert len(scene.hub._listener._connections) == 1


# Connections that break.


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


# Bytes that are wrong.


WRONG = [DATA[:-1] + b"?", DATA + b"?", DATA[:-1], b""]


@both
@pytest.mark.parametrize("body", WRONG)
def test_damaged_bytes_are_fetched_once_more(scene: Scene, kind: str, glob: str, body: bytes) -> None:
    scene.hub.faults.add(glob, WrongBody(body))
    assert scene.fetch(kind) == WHOLE
    assert scene.is_whole()
    assert scene.ranges() == [None, None]


@both
@pytest.mark.parametrize("body", WRONG)
def test_bytes_that_stay_damaged_are_refused(scene: Scene, kind: str, glob: str, body: bytes) -> None:
    scene.hub.faults.add(glob, WrongBody(body), times=None)
    with pytest.raises(GithubRefused, match=r"damaged twice.*proxy"):
        scene.fetch(kind)
    assert len(scene.ranges()) == 2
    scene.gate.check()


@both
@pytest.mark.parametrize("code", [201, 204, 206])
def test_a_status_that_makes_no_sense_is_refused(scene: Scene, kind: str, glob: str, code: int) -> None:
    scene.hub.faults.add(glob, Status(code, {"content-range": "bytes 0-1/2"}, body=b"xx"[: 2 * (code != 204)]), None)
    with pytest.raises(GithubRefused, match=str(code)):
        scene.fetch(kind)
    assert len(scene.ranges()) == 2


def test_damage_of_untold_size_is_found(scene: Scene) -> None:
    scene.hub.faults.add(BLOBS, WrongBody(DATA[:-1]), times=None)
    with pytest.raises(GithubRefused, match="damaged twice"):
        scene.blob()
    with pytest.raises(GithubRefused, match="damaged twice"):
        scene.downloader.read(BLOB, limit=len(DATA))


def test_a_damaged_beginning_is_not_kept(scene: Scene) -> None:
    scene.serve_ranges(True)

    class CutWrong(Action):
        def send(self, line: Line, answer: Answer) -> None:
            line.send_head(answer)
            line.send_piece(b"?" * 1000)
            line.drop()

    scene.hub.faults.add(BLOBS, CutWrong())
    assert scene.blob() == WHOLE
    assert scene.ranges() == [None, "bytes=1000-", None]


# Refusals.


def test_a_refused_token_closes_the_gate(scene: Scene) -> None:
    scene.hub.revoke()
    with pytest.raises(GithubUnavailable, match="set a valid GITHUB_TOKEN") as caught:
        scene.blob()
    assert caught.value.retry_in >= 30
    scene.clock.advance(3600)
    with pytest.raises(GithubUnavailable, match="set a valid GITHUB_TOKEN"):
        scene.lfs()


@pytest.mark.parametrize(("kind", "glob"), [("blob", BLOBS), ("lfs", LINKS)])
@pytest.mark.parametrize(
    ("fault", "meaning", "stays_open"),
    [
        (Status(403), GithubDenied, True),
        (Status(404), GithubMissing, True),
        (Status(422), GithubRefused, True),
        (Status(304), GithubRefused, True),
        (Status(500), GithubUnavailable, False),
        (Status(503, {"retry-after": "40"}), GithubUnavailable, False),
        (Status(502, body=b"\xff" * 100_000), GithubUnavailable, False),
        (SecondaryLimit(30), GithubUnavailable, False),
        (SecondaryLimit(None, 429), GithubUnavailable, False),
    ],
)
def test_a_refusal_by_github_means_what_it_means_to_the_client(
    scene: Scene, kind: str, glob: str, fault: Action, meaning: type[GithubError], stays_open: bool
) -> None:
    scene.hub.faults.add(glob, fault)
    with pytest.raises(GithubError) as caught:
        scene.fetch(kind)
    assert type(caught.value) is meaning
    assert (scene.gate.closed() is None) is stays_open


def test_a_missing_blob_is_missing(scene: Scene) -> None:
    with pytest.raises(GithubMissing, match="blob 0000000000000000000000000000000000000000: GitHub says 404"):
        scene.downloader.blob("0" * 40, scene.target)


def test_a_blob_that_the_api_does_not_serve_points_to_git_lfs(scene: Scene) -> None:
    scene.hub.blob_limit = 10
    with pytest.raises(GithubRefused, match="Git LFS"):
        scene.blob()


def test_a_git_lfs_object_that_was_not_pushed_is_missing(scene: Scene) -> None:
    with pytest.raises(GithubMissing, match="push it with `git lfs push`"):
        scene.lfs(ABSENT)
    scene.gate.check()


def test_an_extended_pointer_is_refused_unasked(scene: Scene) -> None:
    with pytest.raises(GithubRefused, match="extensions"):
        scene.lfs(Pointer(POINTER.oid, POINTER.size, extended=True))
    assert scene.hub.count() == 0


@pytest.mark.parametrize("code", [400, 401, 403, 404])
def test_a_link_that_does_not_serve_is_asked_for_anew_once(scene: Scene, code: int) -> None:
    scene.hub.faults.add(OBJECTS, Status(code, body=b"<Error>?X-Amz-Signature=abc</Error>"))
    assert scene.lfs() == WHOLE
    assert scene.hub.count("lfs") == 2
    scene.hub.faults.add(OBJECTS, Status(code, body=b"<Error>?X-Amz-Signature=abc</Error>"), times=None)
    with pytest.raises(GithubMissing if code == 404 else GithubRefused, match=f"says {code} to fresh links") as caught:
        scene.lfs()
    assert "abc" not in str(caught.value)
    assert scene.hub.count("lfs") == 4
    scene.gate.check()


@pytest.mark.parametrize("code", [429, 500, 503])
def test_a_store_that_is_down_closes_the_gate(scene: Scene, code: int) -> None:
    scene.hub.faults.add(OBJECTS, Status(code))
    with pytest.raises(GithubUnavailable, match=f"the host that stores it says {code}"):
        scene.lfs()


@pytest.mark.parametrize("body", [b"", b"{}", b"\xff", b"x" * 2_000_000])
def test_a_batch_answer_that_makes_no_sense_is_refused(scene: Scene, body: bytes) -> None:
    scene.hub.faults.add(LINKS, WrongBody(body))
    with pytest.raises(GithubRefused):
        scene.lfs()


def test_an_error_of_the_lfs_server_itself_is_an_outage(scene: Scene) -> None:
    error = {"objects": [{"oid": POINTER.oid, "size": 1, "error": {"code": 503, "message": "x"}}]}
    scene.hub.faults.add(LINKS, Status(200, body=error))
    with pytest.raises(GithubUnavailable, match="error 503 of the Git LFS server"):
        scene.lfs()


def test_no_room_is_told_as_such(scene: Scene) -> None:
    scene.hub.commit({"large": b"x" * 5_000_000})
    small = object_name("blob", b"x")
    scene.hub.git.objects.put("blob", b"x")
    for sha in (small, BLOB, object_name("blob", b"x" * 5_000_000)):
        with pytest.raises(StoreFull, match="free local disk space"):
            scene.downloader.blob(sha, FullDisk(scene.target))
    assert threading.active_count() < 20
    scene.gate.check()


class FullDisk(type(Path())):  # type: ignore[misc]
    """A path on a disk without room."""

    def open(self, *_: Any, **__: Any) -> Any:
        return Full(super().open("w+b"))


class Full(io.BufferedRandom):
    """A file of it, which takes what the buffer holds."""

    def __init__(self, file: Any) -> None:
        super().__init__(file.detach())
        self._written = 0

    def write(self, data: Any) -> int:
        self._written += len(data)
        if self._written > 4096:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(data)

    def flush(self) -> None:
        if self._written:
            raise OSError(errno.ENOSPC, "No space left on device")


# Where the token goes.


def test_the_token_goes_to_github_alone(scene: Scene) -> None:
    scene.lfs()
    batch, object_ = scene.hub.requests
    assert batch.headers["Authorization"].startswith("Basic ")
    assert batch.headers["Accept"] == batch.headers["Content-Type"] == "application/vnd.git-lfs+json"
    assert object_.headers["Host"].startswith("localhost:")
    assert "Authorization" not in object_.headers


def test_a_redirected_blob_comes_without_the_token(scene: Scene, tmp_path: Path) -> None:
    with FakeGithub(tmp_path / "other") as other:
        for origin in (other.origin, scene.hub.origin.replace("127.0.0.1", "localhost")):
            other.faults.add("GET *", Status(200, body=DATA))
            scene.hub.faults.add(BLOBS, Redirect(f"{origin}/elsewhere?signature=secret"))
            scene.hub.faults.add("GET /elsewhere*", Status(200, body=DATA))
            assert scene.blob() == WHOLE
        for request in (*other.requests, *(each for each in scene.hub.requests if each.path == "/elsewhere")):
            assert "Authorization" not in request.headers
            assert "secret" in request.query.values()
        assert other.count() == 1


def test_a_redirection_and_back_comes_without_the_token(scene: Scene, tmp_path: Path) -> None:
    with FakeGithub(tmp_path / "other") as other:
        scene.hub.faults.add(BLOBS, Redirect(f"{other.origin}/x"))
        other.faults.add("GET /x", Redirect(f"{scene.hub.repo_url}/git/blobs/{BLOB}"))
        with pytest.raises(GithubMissing):
            scene.blob()
    assert "Authorization" not in scene.hub.requests[-1].headers


def test_a_redirection_within_github_keeps_the_token(scene: Scene) -> None:
    for code in (301, 302, 303, 307, 308):
        scene.hub.faults.add(BLOBS, Redirect(f"{scene.hub.repo_url}/git/blobs/{BLOB}", code))
        assert scene.blob() == WHOLE


def test_a_redirected_batch_request_goes_nowhere_else(scene: Scene, tmp_path: Path) -> None:
    with FakeGithub(tmp_path / "other") as other:
        scene.hub.faults.add(LINKS, Redirect(f"{other.origin}/x", 307))
        with pytest.raises(GithubRefused, match="another host"):
            scene.lfs()
        assert other.count() == 0
    scene.hub.faults.add(LINKS, Redirect("/someone/archive.git/info/lfs/objects/batch", 307))
    assert scene.lfs() == WHOLE


def test_the_headers_of_an_action_are_used(scene: Scene) -> None:
    action = {"href": f"{scene.hub.origin}/x", "header": {"Authorization": "RemoteAuth abc", "X-Key": "1"}}
    body = {"objects": [{"oid": POINTER.oid, "size": 1, "actions": {"download": action}}]}
    scene.hub.faults.add(LINKS, Status(200, body=body))
    scene.hub.faults.add("GET /x", Status(200, body=DATA))
    assert scene.lfs() == WHOLE
    headers = scene.hub.requests[-1].headers
    assert (headers["Authorization"], headers["X-Key"]) == ("RemoteAuth abc", "1")


def test_netrc_gives_no_login(scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login a password b\nmachine localhost login a password b\n")
    monkeypatch.setenv("NETRC", str(netrc))
    scene.blob()
    scene.lfs()
    blob, batch, object_ = (each.headers.get("Authorization") for each in scene.hub.requests)
    assert blob == f"token {scene.hub.token}"
    assert batch is not None
    assert object_ is None


def test_without_a_token_none_is_sent(scene: Scene) -> None:
    downloader = scene.make(token=None)
    with pytest.raises(GithubMissing):
        downloader.blob(BLOB, scene.target)
    assert "Authorization" not in scene.hub.requests[-1].headers


def test_secrets_are_in_no_message_and_no_log(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    token = scene.hub.token
    texts = []
    for kind, glob in (("blob", BLOBS), ("lfs", LINKS), ("lfs", OBJECTS)):
        said = {"message": f"Authorization: token {token} and more"}
        actions: list[Action] = [Status(code, body=said) for code in (401, 403, 404, 422, 429, 500)]
        actions += [CutBody(1), CloseBeforeAnswer(), WrongBody(b"no"), Redirect("ftp://x/?X-Amz-Signature=1")]
        for action in actions:
            scene.hub.faults.add(glob, action, times=None)
            with pytest.raises(GithubError) as caught:
                scene.fetch(kind)
            scene.hub.faults.clear()
            scene.clock.advance(3600)
            error = caught.value
            texts += [str(error), repr(error), "".join(traceback.format_exception(error))]
    assert token not in "".join(texts) + caplog.text
    assert "Signature" not in "".join(texts)
    assert "eC1hY2Nlc3MtdG9rZW" not in "".join(texts) + caplog.text


# Many at once.


def test_no_more_run_at_a_time_than_allowed(scene: Scene) -> None:
    downloader = scene.make(at_once=2)
    going, under_way, most = threading.Event(), [0], [0]
    lock = threading.Lock()

    class Counting(Action):
        def send(self, line: Line, answer: Answer) -> None:
            with lock:
                under_way[0] += 1
                most[0] = max(most[0], under_way[0])
                if under_way[0] == 2:
                    going.set()
            going.wait(5)
            with lock:
                under_way[0] -= 1
            line.send(answer)

    scene.hub.faults.add(BLOBS, Counting(), times=None)
    found: list[bytes] = []
    threads = [threading.Thread(target=lambda: found.append(downloader.read(BLOB, limit=BIG))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [DATA] * 8
    assert most == [2]
    assert len(downloader._idle) <= 2


def test_closing_lets_a_running_download_end(scene: Scene) -> None:
    scene.hub.faults.add(BLOBS, SlowBody(5000, scene.downloader.close))
    assert scene.blob() == WHOLE
    assert scene.downloader._idle == []


# Size and speed.


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["blob", "lfs"])
def test_a_hundred_megabytes_take_constant_memory(scene: Scene, kind: str) -> None:
    data = random.Random(1).randbytes(BIG)
    digest, sha = hashlib.sha256(data).hexdigest(), object_name("blob", data)
    scene.hub.git.objects.put("blob", data)
    scene.hub.lfs[digest] = data
    tracemalloc.start()
    try:
        if kind == "blob":
            scene.downloader.blob(sha, scene.target)
        else:
            scene.lfs(Pointer(digest, BIG))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 24_000_000
    assert scene.target.stat().st_size == BIG


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None, reason="compares with curl, which is not installed")
def test_a_gigabit_link_is_used_as_well_as_curl_uses_it(scene: Scene, tmp_path: Path) -> None:
    data = random.Random(1).randbytes(BIG)
    sha = object_name("blob", data)
    scene.hub.git.objects.put("blob", data)
    scene.hub.faults.add(BLOBS, Paced(125_000_000), times=None)
    url = f"{scene.hub.repo_url}/git/blobs/{sha}"
    head = ["-H", f"Authorization: token {scene.hub.token}", "-H", "Accept: application/vnd.github.raw+json"]
    curl = ["curl", "--fail", "-s", "-o", str(tmp_path / "curled"), *head, url]
    ours = _best(lambda: scene.downloader.blob(sha, scene.target, size=BIG))
    theirs = _best(lambda: subprocess.run(curl, check=True))
    assert ours <= theirs / 0.9


class Paced(Action):
    """A link that carries so many bytes a second."""

    def __init__(self, rate: float) -> None:
        self._rate = rate

    def send(self, line: Line, answer: Answer) -> None:
        line.send_head(answer)
        start, body = time.perf_counter(), memoryview(answer.body)
        for at in range(0, len(body), 1 << 18):
            time.sleep(max(0.0, at / self._rate - (time.perf_counter() - start)))
            line.send_piece(body[at : at + (1 << 18)])  # type: ignore[arg-type]


def _best(call: Callable[[], object]) -> float:
    times = []
    for _ in range(3):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)
