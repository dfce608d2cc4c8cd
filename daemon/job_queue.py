"""The jobs that wait: which is next, which are being claimed, which another worker has for now."""

import bisect
from dataclasses import dataclass, field

from panini_daemon.storage.jobs import Job
from panini_daemon.storage.ordering import job_key


@dataclass(order=True, slots=True)
class _Waiting:
    rank: tuple[tuple[int, bool, float, str], int]
    job: Job = field(compare=False)
    not_before: float = field(default=float("-inf"), compare=False)


class JobQueue:
    """Jobs in the order of `job_key`: declared priority, keyframes and headers, age."""

    def __init__(self) -> None:
        """Start empty."""
        self._sorted: list[_Waiting] = []
        self._by_id: dict[str, _Waiting] = {}
        self._claiming: dict[str, Job] = {}
        self._count = 0

    def __len__(self) -> int:
        """Return how many jobs wait, those being claimed included."""
        return len(self._by_id)

    def add(self, job: Job) -> None:
        """Add a job; one that is there already stays as it is."""
        if job.job_id not in self._by_id:
            self._count += 1
            waiting = _Waiting((job_key(job), self._count), job)
            self._by_id[job.job_id] = waiting
            bisect.insort(self._sorted, waiting)

    def remove(self, job_id: str) -> None:
        """Take a job out; an unknown one is no error."""
        if waiting := self._by_id.pop(job_id, None):
            del self._sorted[bisect.bisect_left(self._sorted, waiting)]
            self._claiming.pop(job_id, None)

    def next(self, chunks: int, now: float) -> list[Job]:
        """Mark and return the next jobs that may be claimed at monotonic time `now`, up to `chunks` chunks in all.

        The last one may go beyond that: jobs are not divided.
        """
        chosen: list[Job] = []
        for waiting in self._sorted:
            if chunks <= 0:
                break
            if self._is_free(waiting, now):
                self._claiming[waiting.job.job_id] = waiting.job
                chosen.append(waiting.job)
                chunks -= max(len(waiting.job.chunks), 1)
        return chosen

    def best_priority(self, now: float) -> int | None:
        """Return the priority of the first job that may be claimed at monotonic time `now`, None for no job."""
        for waiting in self._sorted:
            if self._is_free(waiting, now):
                return waiting.job.priority
        return None

    def claiming(self) -> list[Job]:
        """Return the jobs marked by `next`."""
        return list(self._claiming.values())

    def put_back(self, job_id: str, not_before: float) -> None:
        """Let a job that another worker has wait until monotonic time `not_before`."""
        if waiting := self._by_id.get(job_id):
            waiting.not_before = not_before
            self._claiming.pop(job_id, None)

    def _is_free(self, waiting: _Waiting, now: float) -> bool:
        return waiting.not_before <= now and waiting.job.job_id not in self._claiming
