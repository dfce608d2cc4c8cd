"""Manifests that can never become jobs, on their way to failed/."""

import math
from collections import deque
from collections.abc import Iterable

from panini_daemon.job_end import JobEnds
from panini_daemon.storage.clock import Clock
from panini_daemon.storage.jobs import Rejected


class Rejections:
    """Sets manifests aside, each when what says why has had `delay` seconds to arrive.

    Every step can be done again, so a store that goes away in between costs nothing.
    """

    def __init__(self, ends: JobEnds, clock: Clock, delay: float) -> None:
        """Begin with none."""
        self._ends, self._clock, self._delay = ends, clock, delay
        self._new: deque[Rejected] = deque()
        self._told: deque[tuple[float, Rejected]] = deque()

    def __len__(self) -> int:
        """Return how many have not left the inbox."""
        return len(self._new) + len(self._told)

    @property
    def due(self) -> float:
        """When there is something to do next, on the monotonic clock; infinity for never."""
        return self._told[0][0] if self._told else math.inf

    def add(self, rejected: Iterable[Rejected]) -> None:
        """Take some in."""
        self._new.extend(rejected)

    def work(self) -> None:
        """Set aside what is due. Raises StorageError; what was not done then is done by the next call."""
        while self._new:
            self._end(self._new[0], told=False)
            self._new.popleft()
        while self.due <= self._clock.monotonic():
            self._end(self._told[0][1], told=True)
            self._told.popleft()

    def _end(self, rejected: Rejected, *, told: bool) -> None:
        if not self._ends.reject(rejected, told=told):
            self._told.append((self._clock.monotonic() + self._delay, rejected))
