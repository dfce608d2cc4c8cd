"""The memory that a large download takes, and its speed."""

import hashlib
import random
import shutil
import subprocess
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes.download_scene import BIG, BLOBS, Scene, scene
from fakes.github.exchange import Answer
from fakes.github.faults import Action, Line
from fakes.github.objects import object_name

from panini_daemon.storage.github.lfs import Pointer

__all__ = ["scene"]


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
