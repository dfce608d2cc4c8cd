"""Downloads that arrive whole, alone and many at once."""

import gzip
import hashlib
import os
import threading

import pytest
from fakes.download_scene import BIG, BLOB, BLOBS, DATA, WHOLE, Scene, scene
from fakes.github.exchange import Answer
from fakes.github.faults import Action, Line, SlowBody, Status
from fakes.github.objects import object_name

from panini_daemon.storage.github.download import Downloaded
from panini_daemon.storage.github.errors import GithubRefused

__all__ = ["scene"]


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
