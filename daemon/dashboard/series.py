"""Turning a history of totals into what a plot shows."""

import bisect
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from panini_daemon.history import Point

DAY = 86400.0


@dataclass(frozen=True, slots=True)
class Series:
    """Equal steps of time from `start` to `end` (seconds since 1970): bytes in and saved in each step."""

    start: float
    end: float
    done: tuple[float, ...]
    saved: tuple[float, ...]

    @property
    def step(self) -> float:
        """How many seconds a step is."""
        return (self.end - self.start) / len(self.done) if self.done else 0.0

    def rates(self) -> list[float]:
        """Return the bytes a second that came in, step by step."""
        return [done / self.step for done in self.done] if self.step else []


def cut(points: Sequence[Point], now: float, steps: int, longest: float = DAY) -> Series:
    """Cut the last `longest` seconds of a history, or all of a younger one, into `steps` steps; none for no history."""
    if len(points) < 2 or now <= points[0][0]:
        return Series(now, now, (), ())
    start = max(float(points[0][0]), now - longest)
    edges = [start + (now - start) * at / steps for at in range(steps + 1)]
    totals = [_at(points, edge) for edge in edges]
    pairs = list(itertools.pairwise(totals))
    done = tuple(new[0] - old[0] for old, new in pairs)
    saved = tuple((new[0] - new[1]) - (old[0] - old[1]) for old, new in pairs)
    return Series(start, now, done, saved)


def _at(points: Sequence[Point], moment: float) -> tuple[float, float]:
    """Return the totals at a moment, on the straight line between the points beside it."""
    at = bisect.bisect_right(points, (moment, float("inf"), float("inf")))
    if at == 0:
        return (float(points[0][1]), float(points[0][2]))
    before = points[at - 1]
    if at == len(points):
        return (float(before[1]), float(before[2]))
    after = points[at]
    share = (moment - before[0]) / (after[0] - before[0])
    return (before[1] + share * (after[1] - before[1]), before[2] + share * (after[2] - before[2]))
