"""Threads as tasks: what the service starts and waits for, and its log."""

from collections import deque
from collections.abc import Callable
from typing import Any

from fakes.simulation.machine import Machine
from fakes.simulation.scheduler import Scheduler, Task

from panini_daemon.progress import JobProgress
from panini_daemon.storage.jobs import Chunk
from panini_daemon.work_pool import Work


class Signal:
    """Stands in for the service's wake-up event."""

    def __init__(self, scheduler: Scheduler) -> None:
        self.task: Task | None = None
        self._scheduler = scheduler
        self._is_set = False

    def set(self) -> None:
        self._is_set = True
        if self.task is not None:
            self._scheduler.wake(self.task)

    def is_set(self) -> bool:
        return self._is_set

    def wait(self, seconds: float) -> None:
        if not self._is_set:
            self._scheduler.sleep(max(seconds, 0.01))

    def clear(self) -> None:
        self._is_set = False


class Log:
    """Counts events; `tell` is told each of them with its fields."""

    def __init__(self, tell: Callable[[str, dict[str, Any]], None], fields: dict[str, Any] | None = None) -> None:
        self._tell = tell
        self._fields = fields or {}

    def bind(self, **fields: Any) -> "Log":
        return Log(self._tell, {**self._fields, **fields})

    def debug(self, event: str, **fields: Any) -> None:
        self._tell(event, {**self._fields, **fields})

    info = warning = error = debug


class TaskPool:
    """A pool whose threads are tasks."""

    def __init__(self, threads: int, work: Work, scheduler: Scheduler, machine: Machine) -> None:
        self._threads, self._work = threads, work
        self._scheduler, self._machine = scheduler, machine
        self._groups: deque[tuple[JobProgress, list[Chunk]]] = deque()
        self._busy = 0
        self._open = True

    def add(self, progress: JobProgress) -> None:
        if self._open:
            self._groups.extend((progress, chunks) for chunks in progress.groups())
        while self._busy < min(self._threads, len(self._groups)):
            self._busy += 1
            self._scheduler.start(self._run, self._machine)

    def close(self) -> None:
        self._open = False
        self._groups.clear()

    def join(self, seconds: float) -> bool:
        self.wait(seconds)
        return not self._busy

    def wait(self, seconds: float) -> None:
        until = self._scheduler.now + seconds
        while self._busy and self._scheduler.now < until:
            self._scheduler.sleep(1.0)

    def _run(self) -> None:
        while self._groups:
            self._work(*self._groups.popleft())
        self._busy -= 1
