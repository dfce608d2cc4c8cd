"""One whole worker: the real service, inbox, leases and line, on a simulated machine."""

from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any

from fakes.simulation.compute import Habits, SimulatedCompute, registry
from fakes.simulation.machine import Machine, MemoryKeep, MemorySpool
from fakes.simulation.mount import Mount
from fakes.simulation.rules import Rules
from fakes.simulation.scheduler import Scheduler, current_task
from fakes.simulation.threads import Log, Signal, TaskPool

from panini_daemon.assembly import is_committed
from panini_daemon.attempts import Attempts, RetryPolicy
from panini_daemon.budget import MemoryBudget
from panini_daemon.line import Line
from panini_daemon.parts import Parts
from panini_daemon.service import Service
from panini_daemon.storage.bases import Bases
from panini_daemon.storage.errors import StorageError
from panini_daemon.storage.inbox import Inbox
from panini_daemon.storage.leases import Leases
from panini_daemon.storage.root import chunk_folder, open_root
from panini_daemon.storage.watching import Backoff

_DRAIN = 8.0
_THREADS = 2


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
        wake.task = current_task()
        while not service.finished:
            delay = service.step()
            if not service.finished:
                wake.wait(self.machine.clock.true_seconds(delay))
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
            solid=rules.solid,
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
