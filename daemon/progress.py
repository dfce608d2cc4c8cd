"""What has been done so far: a job's chunks, and the worker's totals."""

import threading
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from panini_daemon.grouping import count_work, group
from panini_daemon.outcomes import Outcome, State
from panini_daemon.storage.jobs import Chunk, Job

FAILURES = 10
"""Failed chunks that are remembered."""
_MESSAGE = 300
"""Letters of an error's message that are remembered."""
_WINDOW_SECONDS = 60.0


class JobProgress:
    """Counts a job's chunks down to its end. Thread-safe."""

    def __init__(self, job: Job, *, runs: bool = False) -> None:
        """Expect one outcome for each chunk of the job; with `runs` neighbours are compressed together."""
        self.job = job
        self._runs = runs
        self.outcomes: list[Outcome] = []
        self._left = len(job.chunks)
        self._work = count_work(job.chunks, runs=runs)
        self._lock = threading.Lock()

    def groups(self) -> Iterator[list[Chunk]]:
        """Yield the chunks that go through the line together."""
        return group(self.job.chunks, runs=self._runs)

    def add(self, outcome: Outcome) -> bool:
        """Take one outcome in; True for the last one."""
        with self._lock:
            self.outcomes.append(outcome)
            self._left -= 1
            return self._left == 0

    @property
    def left(self) -> int:
        """How many chunks have not come to an end."""
        return self._left

    @property
    def work(self) -> int:
        """How many threads what is left can keep busy, roughly."""
        return -(-self._work * self._left // max(1, len(self.job.chunks)))

    @property
    def over(self) -> bool:
        """Whether every chunk has come to an end."""
        return self._left == 0

    def of(self, *states: State) -> list[Outcome]:
        """Return the outcomes in any of these states."""
        with self._lock:
            return [outcome for outcome in self.outcomes if outcome.state in states]


@dataclass(frozen=True, slots=True)
class MethodTotals:
    """What one method was chosen for: chunks, and their bytes before and after."""

    chunks: int = 0
    bytes_in: int = 0
    bytes_out: int = 0


@dataclass(frozen=True, slots=True)
class Failure:
    """A chunk that failed: when, which, the error's class and its words."""

    at: datetime
    chunk: str
    error: str
    message: str


@dataclass(frozen=True, slots=True)
class Totals:
    """What a worker did since it started; bytes and counts."""

    chunks: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    already: int = 0
    failed_chunks: int = 0
    jobs_done: int = 0
    jobs_failed: int = 0
    methods: dict[str, MethodTotals] = field(default_factory=dict)
    bytes_per_second: float = 0.0
    last_error: str | None = None


class Tally:
    """The worker's totals, kept by many threads. `clock` gives monotonic seconds at each call."""

    def __init__(self) -> None:
        """Start at zero."""
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._methods: dict[str, MethodTotals] = {}
        self._failures: deque[Failure] = deque(maxlen=FAILURES)
        self._recent: deque[tuple[float, int]] = deque()
        self._last_error: str | None = None

    def chunk(self, outcome: Outcome, now: float, moment: datetime) -> None:
        """Count one chunk that ended at monotonic time `now`, which was at `moment`."""
        with self._lock:
            if outcome.state is State.COMMITTED:
                self._counts["chunks"] += 1
                self._counts["bytes_in"] += outcome.chunk.size
                self._counts["bytes_out"] += outcome.payload_size
                method = outcome.inner or outcome.method  # of a slice, what its run was compressed by
                known = self._methods.get(method, MethodTotals())
                self._methods[method] = MethodTotals(
                    known.chunks + 1, known.bytes_in + outcome.chunk.size, known.bytes_out + outcome.payload_size
                )
                self._recent.append((now, outcome.chunk.size))
            elif outcome.state is State.ALREADY:
                self._counts["already"] += 1
            elif outcome.state is State.FAILED:
                self._counts["failed_chunks"] += 1
                error = type(outcome.error).__name__
                self._last_error = f"{error}: {outcome.error}"
                self._failures.append(Failure(moment, outcome.chunk.name, error, str(outcome.error)[:_MESSAGE]))

    def job(self, *, failed: bool, error: str | None = None) -> None:
        """Count one job that ended."""
        with self._lock:
            self._counts["jobs_failed" if failed else "jobs_done"] += 1
            self._last_error = error or self._last_error

    def failures(self) -> list[Failure]:
        """Return the last failed chunks, the newest last."""
        with self._lock:
            return list(self._failures)

    def totals(self, now: float) -> Totals:
        """Return the totals and the rate over the last minute before monotonic time `now`."""
        with self._lock:
            while self._recent and self._recent[0][0] < now - _WINDOW_SECONDS:
                self._recent.popleft()
            recent = sum(size for _, size in self._recent)
            since = max(now - self._recent[0][0], 1.0) if self._recent else 1.0
            return Totals(
                **self._counts,
                methods=dict(self._methods),
                bytes_per_second=round(recent / since, 1),
                last_error=self._last_error,
            )
