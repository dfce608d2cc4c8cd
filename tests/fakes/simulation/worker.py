"""One whole worker: the real service, inbox, leases and line, on a simulated machine."""

from collections import Counter, deque
from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any

from fakes.simulation.compute import Habits, SimulatedCompute, registry
from fakes.simulation.machine import Machine, MemoryKeep, MemorySpool
from fakes.simulation.mount import Mount
from fakes.simulation.rules import Rules
from fakes.simulation.scheduler import Scheduler, Task

from panini_daemon.assembly import is_committed
from panini_daemon.attempts import Attempts, RetryPolicy
from panini_daemon.budget import MemoryBudget
from panini_daemon.parts import Parts
from panini_daemon.pipeline import Line, group
from panini_daemon.progress import JobProgress
from panini_daemon.service import Service
from panini_daemon.storage.bases import Bases
from panini_daemon.storage.errors import StorageError
from panini_daemon.storage.inbox import Inbox
from panini_daemon.storage.jobs import Chunk
from panini_daemon.storage.leases import Leases
from panini_daemon.storage.root import chunk_folder, open_root
from panini_daemon.storage.watching import Backoff
from panini_daemon.work_pool import Work

_DRAIN = 8.0
_THREADS = 2


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
            self._groups.extend((progress, chunks) for chunks in group(progress.job.chunks))
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


class Worker:
    """A process, from its start to its end. What it is made of is made in `run`, as at every start."""

    def __init__(
        self,
        name: str,
        rules: Rules,
        random: Random,
        scheduler: Scheduler,
        machine: Machine,
        mount: Mount,
        disk: dict[Any, Any],
        tell: Callable[[str, dict[str, Any]], None],
        did: Callable[[bytes], None],
    ) -> None:
        self.name = name
        self.machine = machine
        self.mount = mount
        self.disk = disk
        self.stopping = Signal(scheduler)
        self.ended = False
        self._rules = rules
        self._random = random
        self._scheduler = scheduler
        self._log = Log(tell)
        habits = rules.habits
        if random.random() < 0.5:
            habits = Habits(habits.slowest, 0.0)
        self.compute = SimulatedCompute(habits, random, scheduler.sleep, did)
        self.source: Inbox
        self.leases: Leases
        self.service: Service

    def run(self) -> None:
        """Live as `Application` does."""
        while not self._open():
            self._scheduler.sleep(5.0)
            if self.stopping.is_set():
                self.ended = True
                return
        self._scheduler.start(self._refresh, self.machine)
        service = self.service
        wake: Any = Signal(self._scheduler)
        service.wake = wake
        wake.task = _current()
        while not service.finished:
            delay = service.step()
            if not service.finished:
                wake.wait(delay)
                wake.clear()
        service.drain(_DRAIN)
        service.close(1.0)
        self.ended = True

    def stop(self) -> None:
        """Ask for a clean end."""
        self.stopping.set()
        if hasattr(self, "service"):
            self.service.wake.set()

    def _open(self) -> bool:
        try:
            open_root(self.mount, create=False, clock=self.machine.clock)
            self._assemble()
            self.leases.recover()
        except StorageError:
            return False
        return True

    def _refresh(self) -> None:
        """Stand in for the thread that keeps the leases."""
        pause = min(self._rules.timing.refresh / 4, 5.0)
        while not self.ended:
            try:
                self.leases.refresh()
            except StorageError:
                self._log.warning("heartbeat_failed")
            self._scheduler.sleep(pause)

    def _assemble(self) -> None:
        rules, clock, store = self._rules, self.machine.clock, self.mount
        self.source = Inbox(
            store, clock=clock, arrival_timeout=rules.arrival_timeout, committed=partial(is_committed, store)
        )
        self.leases = Leases(store, self.name, clock=clock, timing=rules.timing, nonce=self._draw_nonce)
        spool: Any = MemorySpool()
        keep: Any = MemoryKeep(self.machine, self.disk)
        compute: Any = self.compute
        line = Line(
            fetch=self.source.fetch,
            store=store,
            compute=compute,
            budget=MemoryBudget(1 << 40),
            spool=spool,
            keep=keep,
            clock=clock,
            registry=registry(),
            worker=self.name,
            level="fast",
            method="auto",
            shared=True,
            folder_of=lambda chunk: chunk_folder(chunk.base, chunk.chunk_id),
        )
        attempts = Attempts(line, RetryPolicy(), self._wait, self._stop_for, self._random)
        parts = Parts(
            source=self.source,
            store=store,
            leases=self.leases,
            bases=Bases(store, clock),
            attempts=attempts,
            clock=clock,
            log=self._log,
            worker=self.name,
            threads=_THREADS,
            backoff=Backoff(0.25, rules.poll_max),
            removal_delay=rules.removal_delay,
            sweep_every=rules.timing.stale,
            rivals=True,
            pool=lambda threads, work: TaskPool(threads, work, self._scheduler, self.machine),
        )
        stopping: Any = self.stopping
        self.service = Service(parts, stopping)

    def _draw_nonce(self) -> str:
        return f"{self._random.getrandbits(32):08x}"

    def _wait(self, seconds: float) -> bool:
        until = self._scheduler.now + seconds
        while not self.stopping.is_set() and self._scheduler.now < until:
            self._scheduler.sleep(min(5.0, max(until - self._scheduler.now, 0.01)))
        return self.stopping.is_set()

    def _stop_for(self, error: Exception) -> None:
        self.service.stop_for(error)


def _current() -> Task:
    from greenlet import getcurrent

    task: Any = getcurrent()
    return task


Counts = Counter[str]
