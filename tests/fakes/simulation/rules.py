"""What kind of world a seed makes."""

from dataclasses import dataclass
from random import Random

from fakes.simulation.compute import Habits
from fakes.simulation.versions import Delays

from panini_daemon.storage.lease_timing import LeaseTiming

SETTLE = 6.0
LONGEST_DELAY = 5.9
"""Just below the settle time: what the protocol must survive."""
SKEW = 0.005
"""How much faster or slower than true a monotonic clock may go, as a part of 1."""


@dataclass(frozen=True, slots=True)
class Rules:
    """All that is drawn at the start. Times are in true seconds.

    In a `calm` world nothing is killed, cut off or full. In a `late` world a worker may stand still in the middle of a
    write, and what it wrote may arrive long after others did its work. What differs by worker is not protected then:
    payloads after a codec has failed, and files that are sent under one base; only the other worlds have these. Where
    a mount `tells` what it has uploaded, a job leaves before other mounts show it: there are no files under one base.
    `slow_operations` and `strikes` are how often an operation takes long, and how often something befalls a worker
    right after it changed something. Troubles and submissions end at `trouble_until`.
    """

    workers: int
    jobs: int
    calm: bool
    late: bool
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
    solid: bool
    """Whether workers compress neighbouring chunks together."""


def draw_rules(random: Random) -> Rules:
    """Draw a world."""
    calm = random.random() < 0.3
    late = not calm and random.random() < 0.6
    longest = random.choice((0.5, 3.0, LONGEST_DELAY))
    return Rules(
        workers=random.choice((1, 2, 2, 3, 3, 4)),
        jobs=random.choice((1, 2, 2, 3, 4)),
        calm=calm,
        late=late,
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
        habits=Habits(slowest=random.choice((3.0, 20.0, 100.0)), trouble=0.0 if late else random.choice((0.0, 0.2))),
        slow_operations=random.choice((0.0, 0.002, 0.01)) if late else 0.0,
        strikes=0.0 if calm else random.choice((0.0, 0.01, 0.04)),
        poll_max=random.choice((8.0, 20.0)),
        timing=LeaseTiming(settle=SETTLE, refresh=12.0, stale=90.0, stop=60.0),
        removal_delay=15.0,
        arrival_timeout=random.choice((60.0, 90.0)),
        solid=_fork(random).random() < 0.6,
    )


def _fork(random: Random) -> Random:
    """Return a copy, to draw from without changing what a seed draws later."""
    copy = Random()
    copy.setstate(random.getstate())
    return copy
