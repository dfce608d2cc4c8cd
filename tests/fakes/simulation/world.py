"""A world: workers, senders and troubles over one folder, all drawn from one seed."""

import traceback
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any

from fakes.simulation.cloud import Cloud
from fakes.simulation.fate import Fate
from fakes.simulation.judge import Judge
from fakes.simulation.machine import Machine, MachineClock
from fakes.simulation.mount import Mount
from fakes.simulation.rules import SKEW, Rules, draw_rules
from fakes.simulation.scheduler import Scheduler
from fakes.simulation.submissions import Errand, draw_errands
from fakes.simulation.tracing import Trace, trace_mount
from fakes.simulation.worker import Worker

from panini_daemon.storage.root import open_root

_ENOUGH = 3000.0
"""Seconds after the last trouble within which every job must have ended."""
_TIDY = 1500.0
"""Seconds after that within which everything left over must be gone."""
_GAP, _CALM = 15.0, 45.0


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a world: times in simulated seconds, `steps` are operations and waits."""

    seed: int
    violations: tuple[str, ...]
    events: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    steps: int = 0


class World:
    """Everything. `rules` can be given instead of drawn; `trace` is told each operation and log line."""

    def __init__(self, seed: int, rules: Rules | None = None, trace: Trace | None = None) -> None:
        self.seed = seed
        self.random = Random(seed)
        drawn = draw_rules(self.random)
        self.rules = rules or drawn
        self.scheduler = Scheduler()
        self.trace = trace
        self._errands = draw_errands(self.random, self.rules.jobs, one_base=not (self.rules.late or self.rules.tells))
        lossy = not (self.rules.calm or self.rules.delays.deletes_at_once)
        self.judge = Judge(self._time, [errand.submission for errand in self._errands], lossy=lossy)
        self.cloud = Cloud(self._time, self.random, self.rules.delays, self.judge.note_written)
        self.workers: list[Worker] = []
        self._names = 0
        self._fate = Fate(self)

    def run(self) -> Report:
        """Let it all happen. A world runs once."""
        scheduler, judge, rules = self.scheduler, self.judge, self.rules
        try:
            self._begin()
            scheduler.run(rules.trouble_until)
            while not judge.is_over(self.cloud) and scheduler.now < rules.trouble_until + _ENOUGH:
                scheduler.run(scheduler.now + _GAP)
            self._tidy()
            judge.check_end(self._plain_mount("judge"), self.cloud)
        except Exception:  # noqa: BLE001  what no worker survives is a violation, too
            judge.accuse(traceback.format_exc())
        finally:
            scheduler.close()
        return Report(self.seed, tuple(judge.violations), self._count(), scheduler.now, scheduler.steps)

    def _tidy(self) -> None:
        """Let time pass until nothing is left over, and stays so."""
        tidy_since, until = self.scheduler.now, self.scheduler.now + _TIDY
        while self.scheduler.now < until and self.scheduler.now - tidy_since < _CALM:
            self.scheduler.run(self.scheduler.now + _GAP)
            if self.judge.leftovers(self.cloud) or self.cloud.is_unsettled():
                tidy_since = self.scheduler.now
        if left := self.judge.leftovers(self.cloud):
            self.judge.accuse(f"left over: {', '.join(left)}")

    def replace(self, worker: Worker, *, same_machine: bool) -> None:
        """Start a process in the place of one that ended; on another machine it has an empty disk."""
        if worker not in self.workers:
            return
        place = self.workers.index(worker)
        name = worker.name if self.random.random() < 0.5 else self._draw_name()
        if same_machine:
            worker.machine.dead = True
            fresh = self._make_worker(name, worker.machine.clock, worker.mount, worker.disk)
            fresh.machine.paused_until = worker.machine.paused_until  # it may be asleep
        else:
            self.cloud.close_view(worker.mount.view)
            fresh = self._make_worker(name, self._draw_clock(), None, {})
        self.workers[place] = fresh

    def _begin(self) -> None:
        root = self._plain_mount("maker")
        open_root(root, create=True, clock=self._draw_clock(), new_id=lambda: "root")
        self.cloud.settle()
        self.cloud.close_view(root.view)
        for errand in self._errands:
            self._start_sender(errand)
        for _ in range(self.rules.workers):
            self.workers.append(self._make_worker(self._draw_name(), self._draw_clock(), None, {}))
        self.scheduler.start(self._fate.run, self._fate)
        self.scheduler.start(self._fate.set_clocks, self._fate)

    def _start_sender(self, errand: Errand) -> None:
        machine = Machine(self._draw_clock())
        mount = self._mount(f"sender-{len(self.cloud.views)}", machine)
        slow = self.random.choice((0.5, 3.0, 6.0))
        wait = partial(self._dawdle, slow)

        def send() -> None:
            errand.send(mount, machine.clock, wait)
            errand.submission.written = True

        self.scheduler.start(send, machine, after=self.random.uniform(0, 0.7 * self.rules.trouble_until))

    def _dawdle(self, longest: float) -> None:
        self.scheduler.sleep(self.random.uniform(0, longest))

    def _make_worker(self, name: str, clock: MachineClock, mount: Mount | None, disk: dict[Any, Any]) -> Worker:
        machine = Machine(clock)
        if mount is None:
            self._names += 1
            mount = self._mount(f"{name}-{self._names}", machine)
        worker = Worker(
            name,
            self.rules,
            self.random,
            self.scheduler,
            machine,
            mount,
            disk,
            tell=partial(self._tell, name),
            did=lambda data: self.judge.note_compressed(name, data, 2 * self.rules.timing.stale),
        )
        self.scheduler.start(worker.run, machine, after=self.random.uniform(0, 5))
        return worker

    def _tell(self, worker: str, event: str, fields: dict[str, Any]) -> None:
        if self.trace is not None:
            self.trace(self.scheduler.now, worker, event, fields)
        self.judge.note_event(worker, event, fields)

    def _mount(self, name: str, machine: Machine) -> Mount:
        view, tells = self.cloud.view(name), self.rules.tells
        mount = Mount(self.cloud, view, self._work, tells=tells, changed=self._fate.strike)
        if self.trace is not None:
            trace_mount(mount, self._time, self.trace)
        return mount

    def _plain_mount(self, name: str) -> Mount:
        return Mount(self.cloud, self.cloud.view(name), lambda: None, tells=False)

    def _work(self) -> None:
        """Let an operation take its time: mostly little, at times so much that the others do a lot meanwhile."""
        random = self.random.random
        seconds = 0.02 * random()
        if random() < self.rules.slow_operations:
            seconds = 40.0 * random()
            self.judge.note_trouble(seconds)
        self.scheduler.sleep(seconds)

    def _time(self) -> float:
        return self.scheduler.now

    def _draw_name(self) -> str:
        self._names += 1
        return f"w{self._names}"

    def _draw_clock(self) -> MachineClock:
        return MachineClock(self.scheduler, self.random, SKEW)

    def _count(self) -> Counter[str]:
        judge = self.judge
        counts = Counter(judge.events)
        counts.update(f"job: {errand.submission.kind}" for errand in self._errands)
        counts["chunks compressed"] += judge.compressed
        counts["chunks compressed twice, excused"] += judge.excused
        counts["calm worlds"] += self.rules.calm
        return counts
