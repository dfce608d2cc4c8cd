"""Level `auto`: how much time a job's chunks are worth, by what is waiting and how much time is left.

A job's level is named once, when its lease is held, and everything after that goes by the name: what the recipe tells
and what another worker would make of the same chunk at the same level.
"""

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from panini_daemon.compressors import BUDGETS, Level
from panini_daemon.logs import Logger
from panini_daemon.storage.jobs import Job

AUTO = "auto"
SLOWEST_FIRST = (Level.BEST, Level.BALANCED, Level.FAST)
"""What is chosen among; `max` has no bound, so nobody gets it without asking for it."""
HORIZON = 86400.0
"""Seconds that a backlog may take where nothing limits the worker's time."""
RESERVE = 0.8
"""The share of the time left that is planned with."""
_MIB = 1 << 20
_MEMORY = 32 * _MIB
"""Bytes after which a measurement outweighs what was believed before."""


@dataclass(frozen=True, slots=True)
class _Rate:
    """Seconds for a MiB on one core."""

    seconds: float

    def after(self, size: int, seconds: float) -> "_Rate":
        """Return the rate after `size` bytes took `seconds`."""
        weight = size / (size + _MEMORY)
        return _Rate((1 - weight) * self.seconds + weight * seconds * _MIB / size)


class Pace:
    """What each level was measured to take on this machine, by kind of bytes; nominal until then. Thread-safe."""

    def __init__(self, lanes: int) -> None:
        """Take it that `lanes` chunks are compressed at once."""
        self._lanes = lanes
        self._rates: dict[tuple[Level, str], _Rate] = {}
        self._bytes: Counter[str] = Counter()
        self._lock = threading.Lock()

    def note(self, level: Level, kind: str, size: int, seconds: float) -> None:
        """Take in that a chunk of `size` bytes took `seconds` to compress."""
        if size <= 0 or seconds < 0:
            return
        with self._lock:
            self._bytes[kind] += size
            self._rates[level, kind] = self._rate(level, kind).after(size, seconds)

    def rates(self) -> Mapping[Level, float]:
        """Return seconds for a MiB at each level, for the mix of kinds that came so far."""
        with self._lock:
            total = sum(self._bytes.values())
            if not total:
                return {level: BUDGETS[level].seconds for level in SLOWEST_FIRST}
            return {
                level: sum(size * self._rate(level, kind).seconds for kind, size in self._bytes.items()) / total
                for level in SLOWEST_FIRST
            }

    def choose(self, backlog: int, seconds_left: float) -> Level:
        """Return the slowest level at which `backlog` bytes are done in the time left; `fast` where none is."""
        rates, available = self.rates(), RESERVE * min(seconds_left, HORIZON)
        fitting = (level for level in SLOWEST_FIRST if backlog / _MIB * rates[level] <= available * self._lanes)
        return next(fitting, Level.FAST)

    def _rate(self, level: Level, kind: str) -> _Rate:
        return self._rates.get((level, kind)) or _Rate(BUDGETS[level].seconds)


@dataclass(frozen=True, slots=True)
class LevelChoice:
    """Names the level of jobs that leave it to the worker; `setting` is what the worker's own is."""

    setting: str
    pace: Pace
    time_left: Callable[[], float]
    log: Logger

    def settle(self, job: Job, backlog: int) -> Job:
        """Return the job with its level named where it, or else the setting, says `auto`; `backlog` is in bytes."""
        if (job.level or self.setting) != AUTO:
            return job
        left = self.time_left()
        level = self.pace.choose(backlog, left)
        self.log.info(
            "level_chosen",
            job=job.job_id,
            compression=str(level),
            backlog=backlog,
            seconds_left=round(left) if left <= HORIZON else None,
            seconds_per_mib={str(name): round(seconds, 3) for name, seconds in self.pace.rates().items()},
        )
        return replace(job, level=level)
