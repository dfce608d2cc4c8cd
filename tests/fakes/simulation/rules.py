"""What kind of world a seed makes."""

from dataclasses import dataclass
from random import Random

from fakes.simulation.cloud import Delays
from fakes.simulation.compute import Habits

from panini_daemon.storage.lease_timing import LeaseTiming

SETTLE = 6.0
LONGEST_DELAY = 5.9
"""Just below the settle time: what the protocol must survive."""
SKEW = 0.005
"""How much faster or slower than true a monotonic clock may go, as a part of 1."""


@dataclass(frozen=True, slots=True)
class Rules:
    """All that is drawn at the start. Times are in true seconds.

    In a `calm` world nothing is killed, paused, cut off or full. `slow_operations` and `strikes` are how often an
    operation takes long, and how often something befalls a worker right after it changed something. Faults and
    submissions end at `trouble_until`.
    """

    workers: int
    jobs: int
    calm: bool
    trouble_until: float
    delays: Delays
    tells: bool
    habits: Habits
    slow_operations: float
    strikes: float
    poll_max: float
    timing: LeaseTiming
    removal_delay: float
    arrival_timeout: float


def draw_rules(random: Random) -> Rules:
    """Draw a world."""
    calm = random.random() < 0.3
    longest = random.choice((0.5, 3.0, LONGEST_DELAY))
    return Rules(
        workers=random.choice((1, 2, 2, 3, 3, 4)),
        jobs=random.choice((1, 2, 2, 3, 4)),
        calm=calm,
        trouble_until=random.uniform(40.0, 300.0),
        delays=Delays(
            upload=random.uniform(0.0, longest),
            longest=longest,
            # Some clouds are evenly slow, which is when a lower claim is overlooked; others are slow by chance.
            shortest=random.choice((0.0, longest)),
            deletes_at_once=random.random() < 0.5,
            duplicates=random.random() < 0.5,
        ),
        tells=random.random() < 0.3,
        habits=Habits(slowest=random.choice((3.0, 20.0, 100.0)), trouble=random.choice((0.0, 0.0, 0.2))),
        slow_operations=0.0 if calm else random.choice((0.0, 0.002, 0.01)),
        strikes=0.0 if calm else random.choice((0.0, 0.01, 0.04)),
        poll_max=random.choice((8.0, 20.0)),
        timing=LeaseTiming(settle=SETTLE, refresh=12.0, stale=90.0, stop=60.0),
        removal_delay=15.0,
        arrival_timeout=random.choice((40.0, 90.0)),
    )
