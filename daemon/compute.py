"""Compressing and verifying in processes apart: a few for the CPU, one with a queue for each GPU.

Processes start when the first chunk needs them and are replaced when a plugin hangs in them or crashes them.
"""

import queue
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from panini_daemon.compressors.errors import CompressorError
from panini_daemon.compute_pipe import ComputeProcess, Message, error_from
from panini_daemon.errors import ComputeFailed, DaemonError

_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class ComputeLimits:
    """What one call may cost: seconds for a chunk, bytes of memory for a process (0: no limit)."""

    seconds: float = 300.0
    seconds_per_mib: float = 60.0
    memory: int = 0

    def timeout(self, size: int) -> float:
        """Return the seconds that a chunk of `size` bytes may take."""
        return self.seconds + self.seconds_per_mib * size / _MIB


@dataclass(frozen=True, slots=True)
class Order:
    """One chunk to compress: local files in and out, and what is asked for."""

    source: Path
    target: Path
    size: int
    request: str = "auto"
    level: str = "balanced"
    pattern_type: str | None = None
    grammar_id: str | None = None
    exclude: tuple[str, ...] = ()

    def message(self) -> Message:
        """Return the order as the compute process reads it."""
        return {
            "input": str(self.source),
            "output": str(self.target),
            "request": self.request,
            "level": self.level,
            "pattern_type": self.pattern_type,
            "grammar_id": self.grammar_id,
            "exclude": list(self.exclude),
        }


@dataclass(frozen=True, slots=True)
class Compressed:
    """What came of an order: `seconds` at work; `trials` are (method, size, error) in the order tried."""

    method: str
    reconstruction: str
    parameters: Mapping[str, Any]
    kind: str
    seconds: float
    payload_size: int
    payload_hash: str
    trials: tuple[tuple[str, int | None, str | None], ...]
    device: str


class ProcessPool:
    """At most `workers` processes for one device, started lazily; callers wait for a free one."""

    def __init__(self, device: str, workers: int, limits: ComputeLimits, stop: threading.Event) -> None:
        """Start nothing yet. `stop` ends every call with ComputeStopped once set."""
        self._device, self._limits, self._stop = device, limits, stop
        self._idle: queue.LifoQueue[ComputeProcess | None] = queue.LifoQueue()
        for _ in range(workers):
            self._idle.put(None)
        self._running: set[ComputeProcess] = set()
        self._hello: Message | None = None
        self._lock = threading.Lock()

    def call(self, request: Mapping[str, Any], size: int) -> Message:
        """Run one request in a free process. Raises what ComputeProcess.call raises."""
        with self._process() as process:
            return process.call(request, timeout=self._limits.timeout(size), stop=self._stop)

    def hello(self) -> Message:
        """Return what a process of this pool says of itself: device name, GPU methods, problems."""
        if self._hello is None:
            with self._process() as process:
                self._hello = process.hello
        return self._hello

    @property
    def known_hello(self) -> Message | None:
        """What a process said of itself, None where none has started."""
        return self._hello

    def close(self) -> None:
        """Kill every process."""
        with self._lock:
            processes, self._running = self._running, set()
        for process in processes:
            process.end()

    @contextmanager
    def _process(self) -> Iterator[ComputeProcess]:
        process = self._idle.get()
        try:
            if process is None or not process.alive:
                process = self._start(process)
            yield process
        finally:
            self._idle.put(process if process is not None and process.alive else None)

    def _start(self, dead: ComputeProcess | None) -> ComputeProcess:
        process = ComputeProcess(self._device, self._limits.memory)
        with self._lock:
            self._hello = self._hello or process.hello
            self._running.add(process)
            if dead is not None:
                self._running.discard(dead)
        return process


class Compute:
    """The machine's compute: `compress` and `verify` block until a process has done it."""

    def __init__(
        self, device: str, workers: int, limits: ComputeLimits, stop: threading.Event, batch: int = 16
    ) -> None:
        """Use `workers` CPU processes, and one more for `device` where that is a GPU."""
        self._cpu = ProcessPool("cpu", workers, limits, stop)
        self._gpu = GpuQueue(device, limits, stop, batch) if device != "cpu" else None

    def compress(self, order: Order) -> Compressed:
        """Compress one chunk into `order.target`.

        Raises ComputeFailed, ComputeStopped, SpoolUnavailable and CompressorError.
        """
        if self._gpu and self._wants_gpu(order.request):
            reply, device = self._gpu.compress(order), self._gpu.device_name
        else:
            reply = self._cpu.call({"task": "compress", "items": [order.message()]}, order.size)["results"][0]
            device = str(self._cpu.hello()["hello"])
        if "error" in reply:
            raise error_from(reply)
        trials = tuple((method, size, error) for method, size, error in reply.pop("trials"))
        return Compressed(**reply, trials=trials, device=device)

    def verify(self, recipe: bytes, payload: Path, size: int, method: str) -> str:
        """Decode a payload as a reader would and return the SHA-256 of what came out."""
        request = {"task": "verify", "recipe": recipe.decode(), "payload": str(payload)}
        pool = self._gpu.pool if self._gpu and method in self._gpu_methods() else self._cpu
        reply = pool.call(request, size)["results"][0]
        if "error" in reply:
            raise error_from(reply)
        return str(reply["hash"])

    @property
    def device_name(self) -> str | None:
        """The device's full name, None before the first process has reported it."""
        hello = (self._gpu.pool if self._gpu else self._cpu).known_hello
        return str(hello["hello"]) if hello else None

    def problems(self) -> list[str]:
        """Return what is wrong with the installed plugins."""
        return list(self._cpu.hello()["problems"])

    def close(self) -> None:
        """Kill every process."""
        self._cpu.close()
        if self._gpu:
            self._gpu.close()

    def _gpu_methods(self) -> dict[str, str]:
        """Return the methods that run on a GPU, and their families."""
        return dict(self._cpu.hello()["gpu_methods"])

    def _wants_gpu(self, request: str) -> bool:
        methods = self._gpu_methods()
        return bool(methods) if request == "auto" else request in {*methods, *methods.values()}


class GpuQueue:
    """One process for one GPU; chunks that wait at the same time go to it together, as one batch."""

    def __init__(self, device: str, limits: ComputeLimits, stop: threading.Event, batch: int) -> None:
        """Start the thread that forms batches of at most `batch` chunks."""
        self.pool = ProcessPool(device, 1, limits, stop)
        self._batch = batch
        self._waiting: queue.SimpleQueue[tuple[Order, Future[Message]] | None] = queue.SimpleQueue()
        threading.Thread(target=self._serve, name=f"gpu-{device}", daemon=True).start()

    @property
    def device_name(self) -> str:
        """The device with its product name, as the GPU process reports it."""
        return str(self.pool.hello()["hello"])

    def compress(self, order: Order) -> Message:
        """Queue one chunk and wait for its result."""
        done: Future[Message] = Future()
        self._waiting.put((order, done))
        return done.result()

    def close(self) -> None:
        """End the thread and the process."""
        self._waiting.put(None)
        self.pool.close()

    def _serve(self) -> None:
        while (first := self._waiting.get()) is not None:
            batch = [first]
            while len(batch) < self._batch and not self._waiting.empty():
                if (more := self._waiting.get()) is None:
                    self._waiting.put(None)
                    break
                batch.append(more)
            self._run(batch)

    def _run(self, batch: Sequence[tuple[Order, Future[Message]]]) -> None:
        request = {"task": "compress", "items": [order.message() for order, _ in batch]}
        try:
            results = self.pool.call(request, sum(order.size for order, _ in batch))["results"]
        except (ComputeFailed, CompressorError) as error:
            if len(batch) == 1:
                batch[0][1].set_exception(error)
                return
            for one in batch:  # alone, each shows whether it was the one
                self._run([one])
        except DaemonError as error:
            for _, done in batch:
                done.set_exception(error)
        else:
            for (_, done), result in zip(batch, results, strict=True):
                done.set_result(result)
