"""The threads that bring chunks through the line, fed from the running jobs by priority."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Protocol

from panini_daemon.progress import JobProgress
from panini_daemon.storage.jobs import Chunk

Work = Callable[[JobProgress, Sequence[Chunk]], None]


class Pool(Protocol):
    """Calls a `Work` for each group of chunks of the jobs that are added, the most urgent first."""

    def add(self, progress: JobProgress) -> None:
        """Take a job's chunks in."""
        ...

    def close(self) -> None:
        """Hand out nothing more; what is in work goes on."""
        ...

    def join(self, seconds: float) -> bool:
        """Wait for what is in work, `seconds` at most; True where nothing is left. Ends the pool."""
        ...

    def wait(self, seconds: float) -> None:
        """Wait for what is in work now, `seconds` at most."""
        ...


@dataclass(order=True, slots=True)
class _Running:
    rank: tuple[int, int]
    progress: JobProgress = field(compare=False)
    groups: deque[list[Chunk]] = field(compare=False)


class WorkPool:
    """A Pool that calls `work` in `threads` threads. Thread-safe.

    Only as many groups as there are threads are handed to them at a time: an urgent job that starts later overtakes
    all that is not in work yet.
    """

    def __init__(self, threads: int, work: Work) -> None:
        """Start no thread yet."""
        self._threads, self._work = threads, work
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="chunk")
        self._running: list[_Running] = []
        self._busy: set[Future[None]] = set()
        self._open = True
        self._count = 0
        self._lock = threading.RLock()

    def add(self, progress: JobProgress) -> None:
        """Take a job's chunks in."""
        with self._lock:
            self._count += 1
            rank = (-progress.job.priority, self._count)
            self._running.append(_Running(rank, progress, deque(progress.groups())))
            self._running.sort()
            self._feed()

    def close(self) -> None:
        """Hand out nothing more; what is in work goes on."""
        with self._lock:
            self._open = False
            self._running.clear()

    def join(self, seconds: float) -> bool:
        """Wait for what is in work, `seconds` at most; True where nothing is left."""
        with self._lock:
            busy = set(self._busy)
        left = wait(busy, timeout=seconds).not_done
        self._pool.shutdown(wait=not left, cancel_futures=True)
        return not left

    def wait(self, seconds: float) -> None:
        """Wait for what is in work now, `seconds` at most."""
        with self._lock:
            busy = set(self._busy)
        wait(busy, timeout=seconds)

    def _feed(self) -> None:
        while self._open and self._running and len(self._busy) < self._threads:
            first = self._running[0]
            if not first.groups:
                self._running.pop(0)
                continue
            future = self._pool.submit(self._work, first.progress, first.groups.popleft())
            self._busy.add(future)
            future.add_done_callback(self._done)

    def _done(self, future: Future[None]) -> None:
        with self._lock:
            self._busy.discard(future)
            self._feed()
