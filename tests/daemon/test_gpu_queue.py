"""The queue in front of a GPU's process, here with a process on the CPU behind it."""

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fakes import bad_plugins
from fakes.clock import FakeClock

from panini_daemon.compute import GpuQueue, Message, Order
from panini_daemon.compute_pool import ComputeLimits
from panini_daemon.errors import ComputeDied, ComputeStopped
from panini_daemon.slow_work import SlowWork, Told

pytestmark = pytest.mark.slow

Start = Callable[..., GpuQueue]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    folder = bad_plugins.install(tmp_path / "site", bad_plugins.Crashes)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]))
    made: list[GpuQueue] = []

    def make(stop: threading.Event | None = None) -> GpuQueue:
        slow = SlowWork(FakeClock())
        made.append(GpuQueue("cpu", ComputeLimits(), stop or threading.Event(), batch=4, slow=slow))
        return made[-1]

    yield make
    for queue in made:
        queue.close()


def order(folder: Path, number: int, request: str = "generic_zstd_v1") -> Order:
    source = folder / f"{number}.in"
    source.write_bytes(bytes([number]) * 1000)
    return Order(source, folder / f"{number}.out", 1000, request, "fast")


def test_chunks_that_wait_together_go_together_and_each_gets_its_own_result(start: Start, tmp_path: Path) -> None:
    queue, sizes = start(), []
    call = queue.pool.call

    def count(request: dict[str, list[Message]], size: int, told: Told) -> Message:
        sizes.append(len(request["items"]))
        return call(request, size, told)

    queue.pool.call = count  # type: ignore[method-assign, assignment]
    with ThreadPoolExecutor(3) as threads:
        groups = [[order(tmp_path, 10 * thread + number) for number in range(4)] for thread in range(3)]
        replies = [reply for group in threads.map(queue.compress, groups) for reply in group]
    assert len({reply["payload_hash"] for reply in replies}) == 12
    assert sum(sizes) == 12
    assert 1 < max(sizes) <= 4


def test_one_chunk_that_crashes_the_process_does_not_spoil_its_batch(start: Start, tmp_path: Path) -> None:
    queue = start()
    good, bad = order(tmp_path, 1), order(tmp_path, 2, "bad_crashes_v1")
    with ThreadPoolExecutor(2) as threads:
        first, second = threads.submit(queue.compress, [good]), threads.submit(queue.compress, [bad])
        assert first.result(60)[0]["method"] == "generic_zstd_v1"
        with pytest.raises(ComputeDied):
            second.result(60)


def test_a_stop_reaches_every_chunk_that_waits(start: Start, tmp_path: Path) -> None:
    stop = threading.Event()
    queue = start(stop)
    assert queue.device_name.startswith("cpu")
    stop.set()
    with pytest.raises(ComputeStopped):
        queue.compress([order(tmp_path, 1), order(tmp_path, 2)])
