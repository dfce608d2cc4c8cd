"""Several workers on one machine: started, watched, started again when they die, and ended together.

`step` does one round; tests drive it with workers that are none.
"""

import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from panini_daemon.exit_codes import ExitCode
from panini_daemon.logs import Logger
from panini_daemon.shares import Share
from panini_daemon.storage.clock import Clock

HEALTHY = 60.0
"""Seconds after which a worker that dies did not die in quick succession."""
DEATHS = 5
"""Deaths in quick succession after which a worker is given up."""
LONGEST_PAUSE = 60.0
GRACE = 5.0
"""Seconds beyond drain_time after which a worker that was told to end is killed."""

_LOOK_EVERY = 0.5
"""Seconds between two looks; a worker that ends interrupts the wait where the system tells of it."""
_SEVERITY = (ExitCode.OK, ExitCode.DAMAGE, ExitCode.ERROR, ExitCode.USAGE, ExitCode.KILLED)


class Worker(Protocol):
    """A worker's process."""

    def poll(self) -> int | None:
        """Return the exit status, negative for a signal's number, None while it lives."""

    def drain(self) -> None:
        """Tell it to finish what it is at and end."""

    def kill(self) -> None:
        """End it at once."""


@dataclass(slots=True)
class _Post:
    """One worker's place: who fills it now, or when it is filled again, and how the last one ended for good."""

    share: Share
    worker: Worker | None = None
    since: float = 0.0
    due: float = 0.0
    deaths: int = 0
    code: ExitCode | None = None


class Supervisor:
    """Keeps one worker for each share alive until all have ended, or were given up."""

    def __init__(
        self,
        shares: Sequence[Share],
        start: Callable[[Share, float], Worker],
        *,
        clock: Clock,
        log: Logger,
        once: bool,
        runtime_limit: float,
        drain_time: float,
    ) -> None:
        """Start nothing yet. `start` is given the seconds that are left of `runtime_limit`, 0 without one.

        With `once` a worker that ends with an error is not started again: the others do its jobs.
        """
        self._posts = [_Post(share) for share in shares]
        self._start, self._clock, self._log, self._once = start, clock, log, once
        self._limit, self._drain_time, self._began = runtime_limit, drain_time, clock.monotonic()
        self._kill_at: float | None = None

    @property
    def draining(self) -> bool:
        """Whether the workers were told to end."""
        return self._kill_at is not None

    @property
    def finished(self) -> bool:
        """Whether no worker lives and none is to be started again."""
        return all(post.code is not None for post in self._posts)

    @property
    def code(self) -> ExitCode:
        """The worst of the workers' exit statuses."""
        return max((post.code or ExitCode.OK for post in self._posts), key=_SEVERITY.index)

    def step(self) -> float:
        """Look at every worker once, start those that are due; return how many seconds the next look may wait."""
        for post in self._posts:
            if post.code is not None:
                continue
            if post.worker is not None:
                status = post.worker.poll()
                if status is not None:
                    post.worker = None
                    self._note_end(post, status)
                elif self._kill_at is not None and self._clock.monotonic() >= self._kill_at:
                    post.worker.kill()
            elif self.draining or self._time_is_up():
                post.code = ExitCode.OK
            elif self._clock.monotonic() >= post.due:
                self._fill(post)
        return _LOOK_EVERY

    def drain(self) -> None:
        """Tell every worker to finish what it is at and end; one that does not is killed soon after drain_time."""
        self._kill_at = self._clock.monotonic() + self._drain_time + GRACE
        for post in self._posts:
            if post.worker is not None:
                post.worker.drain()

    def kill(self) -> None:
        """End every worker at once."""
        for post in self._posts:
            if post.worker is not None:
                post.worker.kill()

    def _fill(self, post: _Post) -> None:
        post.since = self._clock.monotonic()
        left = self._limit - (post.since - self._began) if self._limit else 0.0
        post.worker = self._start(post.share, left)

    def _note_end(self, post: _Post, status: int) -> None:
        code = ExitCode(status) if status in set(ExitCode) else None
        if self.draining:
            post.code = ExitCode.ERROR if code is None else code
            return
        if code is not None and (code is not ExitCode.ERROR or self._once):
            post.code = code
            return
        now = self._clock.monotonic()
        post.deaths = 1 if now - post.since >= HEALTHY else post.deaths + 1
        if post.deaths >= DEATHS:
            post.code = ExitCode.ERROR
            self._log.error(
                "worker_given_up", lost=post.share.worker, ended_by=describe_end(status), deaths=post.deaths
            )
            return
        pause = min(LONGEST_PAUSE, 2.0 ** (post.deaths - 1))
        post.due = now + pause
        self._log.warning("worker_died", lost=post.share.worker, ended_by=describe_end(status), next_start_in=pause)

    def _time_is_up(self) -> bool:
        """Tell whether too little of the time is left for another start."""
        return bool(self._limit) and self._clock.monotonic() - self._began >= self._limit - self._drain_time


def describe_end(status: int) -> str:
    """Return how a process ended, for a person: `SIGKILL` or `exit status 1`."""
    if status >= 0:
        return f"exit status {status}"
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"
