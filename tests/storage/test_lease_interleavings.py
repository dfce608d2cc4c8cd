"""Every order in which two workers' folder operations can fall, on a coherent folder with a settle time of 0."""

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from fakes.clock import FakeClock
from fakes.memory_store import MemoryStore

from panini_daemon.storage.lease_claim import LeaseState
from panini_daemon.storage.lease_timing import LeaseTiming
from panini_daemon.storage.leases import Leases
from panini_daemon.storage.root import MARKER

Script = Callable[[Leases, FakeClock], None]


class SteppedStore(MemoryStore):
    """Stops before each operation of a stepped thread until that thread is told to go on."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: dict[int, Stepper] = {}
        self.write(MARKER, b"{}")

    @contextmanager
    def _operation(self, operation: str, path: str) -> Iterator[None]:
        stepper = self.steps.get(threading.get_ident())
        if stepper is not None and operation != "check_root":
            stepper.stop()
        with super()._operation(operation, path):
            yield


class Stepper:
    """A thread that runs `work` one folder operation at a time."""

    def __init__(self, store: SteppedStore, work: Callable[[], None]) -> None:
        self._go = threading.Semaphore(0)
        self._stopped = threading.Semaphore(0)
        self.finished = False
        self._thread = threading.Thread(target=self._run, args=(store, work))
        self._thread.start()
        self._stopped.acquire()

    def _run(self, store: SteppedStore, work: Callable[[], None]) -> None:
        store.steps[threading.get_ident()] = self
        try:
            work()
        finally:
            del store.steps[threading.get_ident()]
            self.finished = True
            self._stopped.release()

    def stop(self) -> None:
        self._stopped.release()
        self._go.acquire()

    def step(self) -> None:
        self._go.release()
        self._stopped.acquire()


def schedules() -> Iterator[list[int]]:
    """Enumerate all interleavings: each run notes where it had a choice, the next run takes the last other one."""
    prefix: list[int] = []
    while True:
        schedule = list(prefix)
        yield schedule
        while schedule and schedule[-1] == 1:
            schedule.pop()
        if not schedule:
            return
        schedule[-1] = 1
        prefix = schedule


def run(schedule: list[int], scripts: list[Script], clock: FakeClock) -> tuple[list[Leases], bool]:
    """Run the scripts in the order that `schedule` says, extended by 0 at each further choice."""
    store = SteppedStore()
    leases = []
    for number in range(2):
        nonces = (f"{count}{number}" for count in itertools.count())
        leases.append(
            Leases(
                store, f"w{number}", clock=clock, timing=LeaseTiming.local(), nonce=lambda nonces=nonces: next(nonces)
            )  # type: ignore[misc]
        )
    steppers = [Stepper(store, lambda n=number: scripts[n](leases[n], clock)) for number in range(2)]  # type: ignore[misc]
    double, choice = False, 0
    while True:
        waiting = [stepper for stepper in steppers if not stepper.finished]
        if not waiting:
            return leases, double
        if len(waiting) == 2:
            if choice == len(schedule):
                schedule.append(0)
            waiting = [waiting[schedule[choice]]]
            choice += 1
        waiting[0].step()
        double = double or all(lease.held("job") for lease in leases)


def claim(leases: Leases, clock: FakeClock) -> None:
    leases.request("job")
    leases.tick()
    clock.advance(1.0)
    leases.tick()


def claim_and_release(leases: Leases, clock: FakeClock) -> None:
    leases.request("job")
    leases.tick()
    if leases.held("job"):
        leases.release("job")


def claim_again_and_again(leases: Leases, clock: FakeClock) -> None:
    for _ in range(2):
        leases.request("job")
        leases.tick()
        clock.advance(1.0)


@pytest.mark.parametrize(
    "scripts",
    [
        pytest.param([claim, claim], id="once"),
        pytest.param([claim_and_release, claim], id="release"),
        pytest.param([claim, claim_again_and_again], id="again", marks=pytest.mark.slow),
    ],
)
def test_no_interleaving_lets_two_hold_and_one_always_gets_it(scripts: list[Script]) -> None:
    count = 0
    for schedule in schedules():
        count += 1
        clock = FakeClock()
        leases, double = run(schedule, scripts, clock)
        assert not double, schedule
        for lease in leases * 2:
            if lease.state("job") in (LeaseState.IDLE, LeaseState.TAKEN):
                lease.request("job")
            lease.tick()
            clock.advance(1.0)
        assert sum(lease.held("job") for lease in leases) == 1, schedule
    assert count >= 20
