"""Compute processes for one device, started when the first chunk needs them, and what a call may cost."""

import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from panini_daemon.compute_pipe import ComputeProcess, Message
from panini_daemon.config import Settings
from panini_daemon.slow_work import Told

_MIB = 1 << 20
_PROCESS_ITSELF = 1 << 30
"""Bytes that Python, its libraries and their threads may take in a process before any chunk does."""


@dataclass(frozen=True, slots=True)
class ComputeLimits:
    """What one call may cost: seconds for a chunk, bytes of memory for a process (0: no limit)."""

    seconds: float = 300.0
    seconds_per_mib: float = 60.0
    memory: int = 0

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return what the settings allow; a process has some memory beside the budget that chunks share."""
        memory = settings.memory_budget + _PROCESS_ITSELF
        return cls(settings.chunk_timeout, settings.chunk_timeout_per_mib, memory)

    def timeout(self, size: int) -> float:
        """Return the seconds that a chunk of `size` bytes may take."""
        return self.seconds + self.seconds_per_mib * size / _MIB


class ProcessPool:
    """At most `workers` processes for one device, started lazily; callers wait for a free one."""

    def __init__(
        self,
        device: str,
        workers: int,
        limits: ComputeLimits,
        stop: threading.Event,
        tell: Callable[[str], None] = lambda _: None,
        models: Sequence[Path] = (),
    ) -> None:
        """Start nothing yet. `stop` ends every call with ComputeStopped once set.

        `tell` is told, once, each thing that is wrong with the installed plugins; `models` may hold weights.
        """
        self._models = models
        self._device, self._limits, self._stop, self._tell = device, limits, stop, tell
        self._idle: queue.LifoQueue[ComputeProcess | None] = queue.LifoQueue()
        for _ in range(workers):
            self._idle.put(None)
        self._running: set[ComputeProcess] = set()
        self._hello: Message | None = None
        self._lock = threading.Lock()

    def call(self, request: Mapping[str, Any], size: int, told: Told = lambda _method, _done, _total: None) -> Message:
        """Run one request in a free process. Raises what ComputeProcess.call raises."""
        with self._process() as process:
            return process.call(request, timeout=self._limits.timeout(size), stop=self._stop, told=told)

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
        process = ComputeProcess(self._device, self._limits.memory, self._models)
        with self._lock:
            first, self._hello = self._hello is None, self._hello or process.hello
            self._running.add(process)
            if dead is not None:
                self._running.discard(dead)
        for problem in process.hello["problems"] if first else ():
            self._tell(problem)
        return process
