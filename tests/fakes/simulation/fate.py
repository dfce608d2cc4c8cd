"""What goes wrong: pauses, deaths, outages, full disks, clocks that are set."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Protocol

from fakes.simulation.cloud import Cloud
from fakes.simulation.judge import Judge
from fakes.simulation.mount import Mount
from fakes.simulation.rules import Rules
from fakes.simulation.scheduler import Scheduler
from fakes.simulation.worker import Worker


class Stage(Protocol):
    """What fate acts upon."""

    rules: Rules
    random: Random
    scheduler: Scheduler
    cloud: Cloud
    judge: Judge
    workers: list[Worker]

    def replace(self, worker: Worker, *, same_machine: bool) -> None:
        """Start a process in the place of one that ended."""


class Fate:
    """Lets things go wrong for a while; every trouble ends by itself."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._random = stage.random
        self.dead = False
        self.paused_until = 0.0
        self._at_a_change = (self._pause, self._kill, self._lose_machine, self._lose_machine, self._cut_off)
        self._at_any_time = (self._cut_off, self._fill, self._stop, self._forget_uploads)

    def run(self) -> None:
        """Do one thing after another until the time of troubles is over."""
        stage, random = self._stage, self._random
        if stage.rules.calm:
            return
        busy = random.choice((10.0, 40.0, 100.0))
        while True:
            stage.scheduler.sleep(random.uniform(0, 2 * busy))
            if stage.scheduler.now > stage.rules.trouble_until:
                return
            self._trouble(random.choice(stage.workers), (*self._at_a_change, *self._at_any_time))

    def set_clocks(self) -> None:
        """Set wall clocks by an hour, forward or back, at any time: nothing may be concluded from them."""
        stage, random = self._stage, self._random
        while stage.scheduler.now < stage.rules.trouble_until:
            stage.scheduler.sleep(random.uniform(5.0, 60.0))
            random.choice(stage.workers).machine.clock.jump(random.choice((-3600.0, 3600.0)))
            stage.judge.events["fate: clock set"] += 1

    def strike(self, mount: Mount) -> None:
        """Perhaps do something to a worker that has just changed something in the folder."""
        stage = self._stage
        if self._random.random() < stage.rules.strikes and stage.scheduler.now < stage.rules.trouble_until:
            for worker in stage.workers:
                if worker.mount is mount:
                    self._trouble(worker, self._at_a_change)

    def _trouble(self, worker: Worker, choices: Sequence[Callable[[Worker], None]]) -> None:
        if not (worker.machine.dead or worker.ended):
            trouble = self._random.choice(choices)
            self._stage.judge.events[f"fate: {trouble.__name__.strip('_').replace('_', ' ')}"] += 1
            trouble(worker)

    def _pause(self, worker: Worker) -> None:
        seconds = self._random.choice((5.0, 60.0, 100.0, 200.0)) * self._random.uniform(0.5, 1.5)
        self._note(seconds)
        worker.machine.paused_until = max(worker.machine.paused_until, self._stage.scheduler.now + seconds)
        if self._random.random() < 0.5:  # the whole machine sleeps, its mount with it
            self._stage.cloud.freeze(worker.mount.view, seconds, self._random.uniform(0, self._longest))

    def _kill(self, worker: Worker) -> None:
        self._note(self._die(worker, same_machine=True))

    def _lose_machine(self, worker: Worker) -> None:
        late = self._random.random() < 0.5
        self._stage.cloud.crash(worker.mount.view, lambda: self._random.uniform(0, 250) if late else None)
        self._note(250.0 + self._die(worker, same_machine=False))

    def _stop(self, worker: Worker) -> None:
        worker.stop()
        self._note(40.0)
        self._replace_later(worker, self._random.uniform(0, 30), same_machine=True)

    def _cut_off(self, worker: Worker) -> None:
        seconds = self._random.choice((5.0, 40.0, 130.0)) * self._random.uniform(0.5, 1.5)
        self._note(seconds)
        mount, cloud = worker.mount, self._stage.cloud
        if mount.away:
            return
        mount.away = True
        mount.empty = self._random.random() < 0.3
        mount.lands = self._random.random() < 0.4
        if self._random.random() < 0.5:
            cloud.crash(mount.view, lambda: None)
        cloud.freeze(mount.view, seconds, self._random.uniform(0, self._longest))
        self._later(seconds, lambda: setattr(mount, "away", False))

    def _fill(self, worker: Worker) -> None:
        seconds = self._random.uniform(1, 100)
        self._note(seconds)
        mount = worker.mount
        mount.full = True
        self._later(seconds, lambda: setattr(mount, "full", False))

    def _forget_uploads(self, worker: Worker) -> None:
        """Lose what was not uploaded, as a mount does that is made anew in a moment."""
        self._note(10.0)
        self._stage.cloud.crash(worker.mount.view, lambda: None)

    @property
    def _longest(self) -> float:
        return self._stage.rules.delays.longest

    def _note(self, seconds: float) -> None:
        self._stage.judge.note_trouble(seconds)

    def _die(self, worker: Worker, *, same_machine: bool) -> float:
        worker.machine.dead = True
        seconds = self._random.choice((2.0, 20.0, 150.0)) * self._random.uniform(0.5, 1.5)
        self._replace_later(worker, seconds, same_machine=same_machine)
        return seconds

    def _replace_later(self, worker: Worker, seconds: float, *, same_machine: bool) -> None:
        def replace() -> None:
            while not (worker.machine.dead or worker.ended):
                self._stage.scheduler.sleep(5.0)
            self._stage.replace(worker, same_machine=same_machine)

        self._later(seconds, replace)

    def _later(self, seconds: float, act: Callable[[], None]) -> None:
        self._stage.scheduler.start(act, self, after=seconds)
