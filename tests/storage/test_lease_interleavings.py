"""Every order in which two workers' operations can fall, on a coherent folder without a settle time and on objects."""

import itertools
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from fakes.clock import FakeClock
from fakes.stepping import SteppedStore, Stepper, Steps, stepped_client

from panini_daemon.storage.lease_claim import LeaseState
from panini_daemon.storage.lease_timing import LeaseTiming
from panini_daemon.storage.leases import Leases
from panini_daemon.storage.leasing import Leasing
from panini_daemon.storage.object_leases import ObjectLeases
from panini_daemon.storage.object_versions import Versions

Script = Callable[[Leasing, FakeClock], None]
Make = Callable[[str, FakeClock, Callable[[], str]], Leasing]
TIMING = LeaseTiming.local()


def on_folder(steps: Steps) -> Make:
    store = SteppedStore(steps)
    return lambda worker, clock, nonce: Leases(store, worker, clock=clock, timing=TIMING, nonce=nonce)


def on_objects(steps: Steps) -> Make:
    versions = Versions(stepped_client(steps), "memory")
    return lambda worker, clock, nonce: ObjectLeases(versions, worker, clock=clock, timing=TIMING, nonce=nonce)


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


def run(
    schedule: list[int], scripts: list[Script], clock: FakeClock, place: Callable[[Steps], Make]
) -> tuple[list[Leasing], bool]:
    """Run the scripts in the order that `schedule` says, extended by 0 at each further choice."""
    steps = Steps()
    make = place(steps)
    leases = [make(f"w{number}", clock, partial(_next_nonce, itertools.count(), number)) for number in range(2)]
    steppers = [Stepper(steps, lambda n=number: scripts[n](leases[n], clock)) for number in range(2)]  # type: ignore[misc]
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


def _next_nonce(counter: Iterator[int], number: int) -> str:
    return f"{next(counter)}{number}"


def claim(leases: Leasing, clock: FakeClock) -> None:
    leases.request("job")
    leases.tick()
    clock.advance(1.0)
    leases.tick()


def claim_and_release(leases: Leasing, clock: FakeClock) -> None:
    leases.request("job")
    leases.tick()
    if leases.held("job"):
        leases.release("job")


def claim_again_and_again(leases: Leasing, clock: FakeClock) -> None:
    for _ in range(2):
        leases.request("job")
        leases.tick()
        clock.advance(1.0)


def renew(leases: Leasing, clock: FakeClock) -> None:
    leases.request("job")
    clock.advance(TIMING.refresh)
    leases.refresh()
    leases.refresh()
    leases.release("job")


def outlive(leases: Leasing, clock: FakeClock) -> None:
    """Request, and again when the holder was silent for so long that it is dead, and has stopped by itself."""
    leases.request("job")
    leases.tick()
    clock.advance(TIMING.stale)
    leases.tick()
    leases.request("job")
    leases.tick()


def die(leases: Leasing, clock: FakeClock) -> None:
    leases.request("job")
    leases.refresh()


@pytest.mark.parametrize("place", [on_folder, on_objects])
@pytest.mark.parametrize(
    "scripts",
    [
        pytest.param([claim, claim], id="once"),
        pytest.param([claim_and_release, claim], id="release"),
        pytest.param([claim, claim_again_and_again], id="again", marks=pytest.mark.slow),
    ],
)
def test_no_interleaving_lets_two_hold_and_one_always_gets_it(
    scripts: list[Script], place: Callable[[Steps], Make]
) -> None:
    count = 0
    for schedule in schedules():
        count += 1
        clock = FakeClock()
        leases, double = run(schedule, scripts, clock, place)
        assert not double, schedule
        for lease in leases * 2:
            if lease.state("job") in (LeaseState.IDLE, LeaseState.TAKEN):
                lease.request("job")
            lease.tick()
            clock.advance(1.0)
        assert sum(lease.held("job") for lease in leases) == 1, schedule
    assert count >= 8


@pytest.mark.parametrize(
    "scripts",
    [
        pytest.param([renew, claim], id="renewal"),
        pytest.param([renew, claim_and_release], id="renewal and release"),
        pytest.param([die, outlive], id="death"),
        pytest.param([outlive, claim], id="death of the second"),
        pytest.param([renew, outlive], id="renewal and death", marks=pytest.mark.slow),
    ],
)
def test_no_interleaving_of_renewals_and_take_overs_lets_two_hold_an_object(scripts: list[Script]) -> None:
    count = 0
    for schedule in schedules():
        count += 1
        clock = FakeClock()
        leases, double = run(schedule, scripts, clock, on_objects)
        assert not double, schedule
        for _ in range(12):
            for lease in leases:
                if lease.state("job") in (LeaseState.IDLE, LeaseState.LOST):
                    lease.request("job")
                lease.tick()
                lease.refresh()
            assert sum(lease.held("job") for lease in leases) <= 1, schedule
            clock.advance(TIMING.refresh)
        assert sum(lease.held("job") for lease in leases) == 1, schedule
    assert count > 20
