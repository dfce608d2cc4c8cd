"""Bringing one chunk to an end, whatever happens on the way: retries, waits, exclusions."""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace

from panini_daemon.errors import ComputeFailed
from panini_daemon.failures import Action, action_for
from panini_daemon.logs import Logger
from panini_daemon.pipeline import Line, Outcome, State, process
from panini_daemon.storage.jobs import Chunk, Job


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how patiently: delays in seconds, doubling up to `longest`."""

    attempts: int = 3
    delay: float = 1.0
    longest: float = 60.0

    def pause(self, tries: int, jitter: random.Random) -> float:
        """Return the seconds to wait after the `tries`-th failure, spread over its upper half."""
        full = min(self.longest, self.delay * 2.0 ** min(tries - 1, 30))
        return full * jitter.uniform(0.5, 1.0)


@dataclass(frozen=True, slots=True)
class Attempts:
    """Runs chunks through the line under a retry policy.

    `sleep` waits the given seconds and returns True at once when the daemon is ending. `stop` is called with the
    error that ends the daemon.
    """

    line: Line
    policy: RetryPolicy
    sleep: Callable[[float], bool]
    stop: Callable[[Exception], None]
    jitter: random.Random

    def run(self, job: Job, chunk: Chunk, held: Callable[[], None], log: Logger) -> Outcome:
        """Work on one chunk until it is committed, failed for good, or dropped. Never raises an Exception."""
        tries, waits, exclude = 0, 0, frozenset[str]()
        while True:
            try:
                held()
                outcome = process(self.line, job, chunk, held=held, exclude=tuple(sorted(exclude)))
                return replace(outcome, tries=tries + 1)
            except Exception as error:  # noqa: BLE001  the table decides; an unforeseen one ends in failed/
                action = action_for(error)
                by_name = (job.method or self.line.method) != "auto"
                if action is Action.EXCLUDE and not by_name and (method := _culprit(error)) and method not in exclude:
                    exclude |= {method}
                    log.warning("codec_excluded", method=method, error=_describe(error))
                    continue
                if action is Action.WAIT:
                    waits += 1
                    pause = self.policy.pause(waits, self.jitter)
                    log.warning("waiting", error=_describe(error), retry_in=round(pause, 1))
                else:
                    tries += 1
                    if (end := self._end(action, error, chunk, tries)) is not None:
                        return end
                    pause = self.policy.pause(tries, self.jitter)
                    log.warning("chunk_retry", error=_describe(error), tries=tries, retry_in=round(pause, 1))
                if self.sleep(pause):
                    return Outcome(chunk, State.DROPPED, error=error, tries=max(tries, 1))

    def _end(self, action: Action, error: Exception, chunk: Chunk, tries: int) -> Outcome | None:
        if action is Action.STOP:
            self.stop(error)
        if action in (Action.DROP, Action.STOP):
            return Outcome(chunk, State.DROPPED, error=error, tries=tries)
        if action is Action.GIVE_UP or tries >= self.policy.attempts:
            return Outcome(chunk, State.FAILED, error=error, tries=tries)
        return None


def _culprit(error: Exception) -> str | None:
    return error.method if isinstance(error, ComputeFailed) else None


def _describe(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
