"""What GitHub, its Git LFS server or the local disk refuse of a download, and what each refusal means."""

import errno
import io
import threading
from pathlib import Path
from typing import Any

import pytest
from fakes.download_scene import ABSENT, BLOB, BLOBS, LINKS, OBJECTS, POINTER, WHOLE, Scene, scene
from fakes.github.faults import Action, SecondaryLimit, Status, WrongBody
from fakes.github.objects import object_name

from panini_daemon.storage.errors import StoreFull
from panini_daemon.storage.github.errors import (
    GithubDenied,
    GithubError,
    GithubMissing,
    GithubRefused,
    GithubUnavailable,
)
from panini_daemon.storage.github.lfs import Pointer

__all__ = ["scene"]


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
