"""The jobs that wait: which is next, which are being claimed, which another worker has for now."""

import bisect
import hashlib
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from panini_daemon.storage.jobs import Job
from panini_daemon.storage.ordering import job_key


@dataclass(order=True, slots=True)
class _Waiting:
    rank: tuple[tuple[int, bool, float, str], int]
    job: Job = field(compare=False)
    work: int = field(compare=False)
    not_before: float = field(default=float("-inf"), compare=False)


_WINDOW = 8
"""How many times as much work as is asked for a choice is made among where it is scattered."""


@dataclass(frozen=True, slots=True)
class Room:
    """What may be claimed: work for so many threads, and no more chunks than these where that leaves `least` busy."""

    work: int
    chunks: float = math.inf
    least: int = 0

    @property
    def is_full(self) -> bool:
        """Whether nothing more may be claimed."""
        return self.work <= 0 or (self.chunks <= 0 and self.least <= 0)

    def less(self, work: int, chunks: int) -> "Room":
        """Return what is left once a job of so much work and so many chunks is claimed."""
        return Room(self.work - work, self.chunks - chunks, self.least - work)


class JobQueue:
    """Jobs in the order of `job_key`: declared priority, keyframes and headers, age.

    With `scatter`, any text that other workers do not have, age counts only roughly: of the next jobs some are chosen
    that others hardly choose too. So workers that see each other's claims late seldom claim the same. `count` tells for
    how many threads a job is work.
    """

    def __init__(
        self, scatter: str | None = None, count: Callable[[Job], int] = lambda job: max(1, len(job.chunks))
    ) -> None:
        """Start empty."""
        self._scatter, self._count_work = scatter, count
        self._sorted: list[_Waiting] = []
        self._by_id: dict[str, _Waiting] = {}
        self._claiming: dict[str, Job] = {}
        self._count = 0
        self._bytes = 0

    def __len__(self) -> int:
        """Return how many jobs wait, those being claimed included."""
        return len(self._by_id)

    @property
    def size(self) -> int:
        """How many bytes the chunks of the waiting jobs have."""
        return self._bytes

    def __contains__(self, job_id: object) -> bool:
        """Tell whether a job waits or is being claimed."""
        return job_id in self._by_id

    def add(self, job: Job) -> None:
        """Add a job; one that is there already stays as it is."""
        if job.job_id not in self._by_id:
            self._count += 1
            self._bytes += _measure(job)
            waiting = _Waiting((job_key(job), self._count), job, self._count_work(job))
            self._by_id[job.job_id] = waiting
            bisect.insort(self._sorted, waiting)

    def remove(self, job_id: str) -> None:
        """Take a job out; an unknown one is no error."""
        if waiting := self._by_id.pop(job_id, None):
            self._bytes -= _measure(waiting.job)
            del self._sorted[bisect.bisect_left(self._sorted, waiting)]
            self._claiming.pop(job_id, None)

    def next(self, room: Room, now: float) -> list[Job]:
        """Mark and return the next jobs that may be claimed at monotonic time `now`.

        The last one may go beyond what there is room for: jobs are not divided.
        """
        chosen: list[Job] = []
        for waiting in self._list_free(room.work, now):
            if room.is_full:
                break
            self._claiming[waiting.job.job_id] = waiting.job
            chosen.append(waiting.job)
            room = room.less(waiting.work, len(waiting.job.chunks))
        return chosen

    def _list_free(self, work: int, now: float) -> Iterable[_Waiting]:
        """Return the jobs to choose from, the best first."""
        free = (waiting for waiting in self._sorted if self._is_free(waiting, now))
        if self._scatter is None:
            return free
        window: list[_Waiting] = []
        room = work * _WINDOW
        for waiting in free:
            if room <= 0:
                break
            window.append(waiting)
            room -= waiting.work
        return sorted(window, key=self._scattered)

    def _scattered(self, waiting: _Waiting) -> tuple[int, bool, bytes]:
        (priority, begins, _, _), _ = waiting.rank
        return priority, begins, hashlib.sha256(f"{self._scatter}/{waiting.job.job_id}".encode()).digest()

    def best_priority(self, now: float) -> int | None:
        """Return the priority of the first job that may be claimed at monotonic time `now`, None for no job."""
        for waiting in self._sorted:
            if self._is_free(waiting, now):
                return waiting.job.priority
        return None

    def claiming(self) -> list[Job]:
        """Return the jobs marked by `next`."""
        return list(self._claiming.values())

    @property
    def claimed(self) -> int:
        """For how many threads the jobs marked by `next` are work."""
        return sum(self.work_of(job_id) for job_id in self._claiming)

    @property
    def claimed_chunks(self) -> int:
        """How many chunks the jobs marked by `next` have."""
        return sum(len(job.chunks) for job in self._claiming.values())

    def work_of(self, job_id: str) -> int:
        """Return for how many threads a job that waits is work, 0 for an unknown one."""
        waiting = self._by_id.get(job_id)
        return waiting.work if waiting else 0

    def put_back(self, job_id: str, not_before: float) -> None:
        """Let a job that another worker has wait until monotonic time `not_before`."""
        if waiting := self._by_id.get(job_id):
            waiting.not_before = not_before
            self._claiming.pop(job_id, None)

    def _is_free(self, waiting: _Waiting, now: float) -> bool:
        return waiting.not_before <= now and waiting.job.job_id not in self._claiming


def _measure(job: Job) -> int:
    return sum(chunk.size for chunk in job.chunks)
