import hashlib
import io
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fakes import bad_plugins
from fakes.clock import FakeClock

from panini_daemon.compressors.errors import DeviceUnavailable, PluginFailed, UnknownMethod
from panini_daemon.compute import Compressed, Compute, Order, Proof
from panini_daemon.compute_pool import ComputeLimits, ProcessPool
from panini_daemon.errors import (
    ComputeDied,
    ComputeOutOfMemory,
    ComputeStopped,
    ComputeTimeout,
    VerificationFailed,
)
from panini_daemon.logs import make_logger
from panini_daemon.slow_work import SlowWork

pytestmark = pytest.mark.slow

TEXT = b"The quick brown fox jumps over the lazy dog. " * 200
Start = Callable[..., Compute]


@pytest.fixture
def stop() -> threading.Event:
    return threading.Event()


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: threading.Event) -> Iterator[Start]:
    """Start a compute with these plugins installed beside the built-in ones."""
    made: list[Compute] = []

    def make(*plugins: type, seconds: float = 60.0, memory: int = 0, workers: int = 1) -> Compute:
        folder = bad_plugins.install(tmp_path / "site", *plugins)
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]))
        made.append(Compute("cpu", workers, ComputeLimits(seconds, 0.0, memory), stop))
        return made[-1]

    yield make
    for compute in made:
        compute.close()


def order(folder: Path, request: str = "auto", data: bytes = TEXT, **more: object) -> Order:
    (folder / "in").write_bytes(data)
    return Order(folder / "in", folder / "out", len(data), request, "fast", **more)  # type: ignore[arg-type]


def proof(encoded: Compressed, folder: Path, original: bytes = TEXT) -> Proof:
    recipe = json.dumps(
        {
            "version": "1.1",
            "chunk_id": 0,
            "original_hash": hashlib.sha256(original).hexdigest(),
            "compression_method": encoded.method,
            "reconstruction": {"method": encoded.reconstruction, "parameters": encoded.parameters},
            "assembly_info": {"size": len(original)},
            "payload_hash": encoded.payload_hash,
        }
    ).encode()
    return Proof(recipe, folder / "out", len(original), encoded.method)


class Racing(FakeClock):
    """A clock on which every look takes a minute."""

    def monotonic(self) -> float:
        self.advance(60)
        return super().monotonic()


def test_what_a_slow_codec_tells_reaches_the_log(start: Start, tmp_path: Path) -> None:
    compute, log = start(bad_plugins.Telling), io.StringIO()
    compute.slow = SlowWork(Racing(), make_logger(clock=FakeClock(), level="info", tree=None, screen=log))
    compute.compress([order(tmp_path, "bad_telling_v1", chunk="a.txt #0")])
    assert "chunk_progress" in log.getvalue()
    assert "chunk=a.txt #0" in log.getvalue().replace("'", "")
    assert "done=4500 total=9000" in log.getvalue()
    assert compute.slow.now() == []


def test_a_chunk_is_compressed_and_verified_in_another_process(start: Start, tmp_path: Path) -> None:
    compute = start()
    encoded = compute.compress([order(tmp_path)])[0]
    assert encoded.payload_size == (tmp_path / "out").stat().st_size < len(TEXT) / 10
    assert encoded.device.startswith("cpu (")
    assert compute.device_name == encoded.device
    decoded = compute.verify([proof(encoded, tmp_path)])
    assert decoded == [hashlib.sha256(TEXT).hexdigest()]


def test_a_payload_of_other_bytes_does_not_verify(start: Start, tmp_path: Path) -> None:
    compute = start()
    encoded = compute.compress([order(tmp_path)])[0]
    with pytest.raises(VerificationFailed):
        compute.verify([proof(encoded, tmp_path, TEXT[::-1])])


@pytest.mark.parametrize(
    "plugin",
    [bad_plugins.Raises, bad_plugins.ReturnsNothing, bad_plugins.ReturnsNoJson, bad_plugins.Lies],
)
def test_a_plugin_that_fails_or_returns_garbage_is_told_when_asked_for(
    start: Start, tmp_path: Path, plugin: type[bad_plugins.Deflate]
) -> None:
    compute = start(plugin)

    def compress_and_verify() -> None:
        encoded = compute.compress([order(tmp_path, plugin.method)])[0]
        compute.verify([proof(encoded, tmp_path)])

    with pytest.raises((PluginFailed, VerificationFailed)) as caught:
        compress_and_verify()
    assert str(caught.value)
    assert compute.compress([order(tmp_path, "generic_zstd_v1")])[0].method == "generic_zstd_v1"


def test_a_hanging_plugin_is_ended_and_named_and_the_next_chunk_runs(start: Start, tmp_path: Path) -> None:
    compute = start(bad_plugins.Hangs, seconds=1.0)
    with pytest.raises(ComputeTimeout, match="chunk_timeout") as caught:
        compute.compress([order(tmp_path)])[0]
    assert caught.value.method == "bad_hangs_v1"
    assert compute.compress([order(tmp_path, exclude=("bad_hangs_v1",))])[0].method != "bad_hangs_v1"


def test_a_crashing_plugin_does_not_take_the_daemon_with_it(start: Start, tmp_path: Path) -> None:
    compute = start(bad_plugins.Crashes)
    with pytest.raises(ComputeDied) as caught:
        compute.compress([order(tmp_path)])[0]
    assert caught.value.method == "bad_crashes_v1"
    assert compute.compress([order(tmp_path, exclude=("bad_crashes_v1",))])[0].method != "bad_crashes_v1"


def test_a_plugin_that_eats_memory_is_stopped_and_named(start: Start, tmp_path: Path) -> None:
    compute = start(bad_plugins.EatsMemory, memory=1 << 30)
    with pytest.raises((ComputeOutOfMemory, PluginFailed)) as caught:
        compute.compress([order(tmp_path, "bad_eats_v1")])
    assert "bad_eats_v1" in str(caught.value)


def test_what_a_plugin_prints_does_not_disturb_the_pipe(start: Start, tmp_path: Path) -> None:
    assert start(bad_plugins.Prints).compress([order(tmp_path, "bad_prints_v1")])[0].method == "bad_prints_v1"


def test_an_unknown_method_is_the_callers_error(start: Start, tmp_path: Path) -> None:
    with pytest.raises(UnknownMethod, match="no_such_v1"):
        start().compress([order(tmp_path, "no_such_v1")])


def test_a_stop_ends_a_call_within_a_second(start: Start, tmp_path: Path, stop: threading.Event) -> None:
    compute = start(bad_plugins.Hangs)
    compute._cpu.hello()
    threading.Timer(0.2, stop.set).start()
    begin = time.monotonic()
    with pytest.raises(ComputeStopped):
        compute.compress([order(tmp_path, "bad_hangs_v1")])
    assert time.monotonic() - begin < 5


def test_processes_leave_when_the_daemon_is_gone(start: Start, tmp_path: Path) -> None:
    import subprocess
    import sys

    program = (
        "import threading, time, sys\n"
        "from panini_daemon.compute import Compute\n"
        "from panini_daemon.compute_pool import ComputeLimits\n"
        "compute = Compute('cpu', 1, ComputeLimits(), threading.Event())\n"
        "compute._cpu.hello()\n"
        "print(next(iter(compute._cpu._running))._process.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as daemon:
        assert daemon.stdout is not None
        child = int(daemon.stdout.readline())
        daemon.kill()
    deadline = time.monotonic() + 10
    while Path(f"/proc/{child}").exists() and time.monotonic() < deadline:
        status = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0]
        if status == "Z":
            return
        time.sleep(0.05)
    assert not Path(f"/proc/{child}").exists()


def test_a_device_that_is_not_there_is_told_at_the_first_call(stop: threading.Event, tmp_path: Path) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device here")
    with pytest.raises(DeviceUnavailable, match="cuda:0"):
        ProcessPool("cuda:0", 1, ComputeLimits(), stop).hello()


def test_a_plugin_that_cannot_be_loaded_is_told_once_and_the_others_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: threading.Event
) -> None:
    folder = bad_plugins.install(tmp_path / "site", bad_plugins.Prints)
    (folder / "bad_plugins.py").write_text("raise ImportError('half installed')\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]))
    told: list[str] = []
    pool = ProcessPool("cpu", 2, ComputeLimits(), stop, told.append)
    try:
        request = {"task": "compress", "items": [order(tmp_path).message()]}
        with pool._process(), pool._process():
            pass
        assert pool.call(request, 1)["results"][0]["method"]
    finally:
        pool.close()
    assert len(told) == 1
    assert "bad_prints_v1" in told[0]
    assert "half installed" in told[0]


def test_a_process_whose_daemon_died_before_the_answer_ends_without_a_word() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "panini_daemon.compute_process", "cpu", "0"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with process.stdin, process.stderr:
        assert b"hello" in process.stdout.readline()
        process.stdout.close()
        process.stdin.write(json.dumps({"task": "verify", "items": []}).encode() + b"\n")
        process.stdin.flush()
        assert process.wait(30) == 0
        assert process.stderr.read() == b""
