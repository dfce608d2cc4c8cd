"""A pool without threads: what was added is worked on when the test says so, in its own thread and in a fixed order."""

from collections import deque
from dataclasses import dataclass, field

from panini_daemon.progress import JobProgress
from panini_daemon.storage.jobs import Chunk
from panini_daemon.work_pool import Work


@dataclass(order=True, slots=True)
class _Waiting:
    rank: tuple[int, int]
    progress: JobProgress = field(compare=False)
    groups: deque[list[Chunk]] = field(compare=False)


class InlinePool:
    """Stands in for `WorkPool`, for one service: `Parts(pool=InlinePool)`, or a function that keeps what it makes.

    Whatever `work` raises reaches who called `run`; with `at_once` that is the service's own step.
    """

    def __init__(self, threads: int, work: Work, *, at_once: bool = False) -> None:
        self._work, self._at_once = work, at_once
        self._waiting: list[_Waiting] = []
        self._count = 0
        self._open = True

    @property
    def busy(self) -> bool:
        """Whether there is anything left to work on."""
        return bool(self._waiting)

    def add(self, progress: JobProgress) -> None:
        if not self._open:
            return
        self._count += 1
        rank = (-progress.job.priority, self._count)
        self._waiting.append(_Waiting(rank, progress, deque(progress.groups())))
        self._waiting.sort()
        if self._at_once:
            self.run()

    def run(self) -> None:
        """Work on everything that was added."""
        while self.run_one():
            pass

    def run_one(self) -> bool:
        """Work on the next group of chunks; False where there is none."""
        while self._waiting:
            first = self._waiting[0]
            if first.groups:
                self._work(first.progress, first.groups.popleft())
                return True
            self._waiting.pop(0)
        return False

    def close(self) -> None:
        self._open = False
        self._waiting.clear()

    def join(self, seconds: float) -> bool:
        return True

    def wait(self, seconds: float) -> None:
        """Return at once: between two calls nothing is in work."""
