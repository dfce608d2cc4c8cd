"""Kills workers with -9 at random moments, and starts others in their place."""

import itertools
import random
import time

from fakes.mounts.fleet import Fleet


class Killer:
    """Strikes when it is time, about every `every` seconds; moments and victims are those of `seed`.

    The successor has the dead one's name and spool, as a process has that is started again on its machine; in a share
    `fresh` of the cases it has others, as on a new machine.
    """

    def __init__(self, fleet: Fleet, *, every: float, seed: int, fresh: float) -> None:
        """Begin to wait for the first strike."""
        self.kills = 0
        self._fleet, self._every, self._fresh, self._random = fleet, every, fresh, random.Random(seed)
        self._names = itertools.count()
        self._next = 0.0
        self._wait()

    def strike_when_due(self) -> None:
        """Kill a worker if it is time, and start its successor on the same mount."""
        if time.monotonic() < self._next:
            return
        worker = self._random.choice(sorted(self._fleet.living))
        mount = self._fleet.kill(worker)
        self.kills += 1
        fresh = self._random.random() < self._fresh
        self._fleet.start(f"next-{next(self._names)}" if fresh else worker, mount)
        self._wait()

    def _wait(self) -> None:
        self._next = time.monotonic() + self._every * self._random.uniform(0.3, 1.7)
