"""Bringing chunks to an end, whatever happens on the way: retries, waits, exclusions."""

import random
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from panini_daemon.errors import ComputeFailed
from panini_daemon.failures import Action, action_for
from panini_daemon.grouping import count_work, group, is_run, wants_runs
from panini_daemon.line import Line
from panini_daemon.logs import Logger
from panini_daemon.outcomes import Outcome, State
from panini_daemon.pipeline import process
from panini_daemon.run_line import process_run
from panini_daemon.storage.jobs import Chunk, Job

T = TypeVar("T")


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


class Suspects:
    """Codecs that hung, crashed or lied. After three times one is no longer tried by itself in this process."""

    _ENOUGH = 3

    def __init__(self) -> None:
        """Suspect nobody."""
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def accuse(self, method: str) -> bool:
        """Count one more time; True where that was the last one needed."""
        with self._lock:
            self._counts[method] += 1
            return self._counts[method] == self._ENOUGH

    def convicted(self) -> frozenset[str]:
        """Return the codecs that are not to be tried."""
        with self._lock:
            return frozenset(method for method, count in self._counts.items() if count >= self._ENOUGH)


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
    suspects: Suspects = field(default_factory=Suspects)

    def wants_runs(self, job: Job) -> bool:
        """Tell whether chunks of a job that follow each other are compressed together."""
        line = self.line
        return line.solid and wants_runs(job.method or line.method, line.registry.names())

    def count_work(self, job: Job) -> int:
        """Return how many threads a job can keep busy."""
        return count_work(job.chunks, runs=self.wants_runs(job))

    def run(self, job: Job, chunks: Sequence[Chunk], held: Callable[[], None], log: Logger) -> list[Outcome]:
        """Work on chunks until each is committed, failed for good, or dropped. Never raises an Exception."""
        if not (is_run(chunks) and self.wants_runs(job)):
            return self._run_group(job, chunks, held, log)
        outcomes, alone = self._run_as_one(job, chunks, held, log.bind(chunk=chunks[0].name, run=len(chunks)))
        for part in group(alone):
            outcomes += self._run_group(job, part, held, log)
        return outcomes

    def _run_group(self, job: Job, chunks: Sequence[Chunk], held: Callable[[], None], log: Logger) -> list[Outcome]:
        if len(chunks) > 1:
            try:
                held()
                return process(self.line, job, chunks, held=held, exclude=self._excluded(job))
            except Exception as error:  # noqa: BLE001  alone, each shows whose error it is
                log.debug("group_split", error=_describe(error), chunks=len(chunks))
        return [self._run_one(job, chunk, held, log.bind(chunk=chunk.name)) for chunk in chunks]

    def _run_one(self, job: Job, chunk: Chunk, held: Callable[[], None], log: Logger) -> Outcome:
        def step(exclude: frozenset[str], tries: int) -> Outcome:
            (outcome,) = process(self.line, job, [chunk], held=held, exclude=exclude)
            return replace(outcome, tries=tries)

        def end(state: State, error: Exception, tries: int) -> Outcome:
            return Outcome(chunk, state, error=error, tries=tries)

        return self._persist(job, held, log, step, end)

    def _run_as_one(
        self, job: Job, chunks: Sequence[Chunk], held: Callable[[], None], log: Logger
    ) -> tuple[list[Outcome], list[Chunk]]:
        """Work on chunks that are compressed as one; return with the outcomes the chunks that are to go alone."""

        def step(exclude: frozenset[str], tries: int) -> tuple[list[Outcome], list[Chunk]]:
            outcomes, alone = process_run(self.line, job, chunks, held=held, exclude=exclude)
            return [replace(outcome, tries=tries) for outcome in outcomes], alone

        def end(state: State, error: Exception, tries: int) -> tuple[list[Outcome], list[Chunk]]:
            if state is State.DROPPED:
                return [Outcome(chunk, state, error=error, tries=tries) for chunk in chunks], []
            log.debug("run_split", error=_describe(error))  # alone, each shows whose error it is
            return [], list(chunks)

        return self._persist(job, held, log, step, end)

    def _persist(
        self,
        job: Job,
        held: Callable[[], None],
        log: Logger,
        step: Callable[[frozenset[str], int], T],
        end: Callable[[State, Exception, int], T],
    ) -> T:
        """Do a step, with what to exclude and the number of the try, until it returns or the table says to end."""
        tries, waits, exclude = 0, 0, self._excluded(job)
        while True:
            try:
                held()
                return step(exclude, tries + 1)
            except Exception as error:  # noqa: BLE001  the table decides; an unforeseen one ends in failed/
                action = action_for(error)
                method = error.method if isinstance(error, ComputeFailed) else None
                if action is Action.EXCLUDE and method and method not in exclude and not self._is_named(job):
                    exclude |= {method}
                    log.warning("codec_excluded", method=method, error=_describe(error))
                    if self.suspects.accuse(method):
                        log.error("codec_disabled", method=method, reason="it failed three times")
                    continue
                if action is Action.WAIT:
                    waits += 1
                    pause = self.policy.pause(waits, self.jitter)
                    log.warning("waiting", error=_describe(error), retry_in=round(pause, 1))
                else:
                    tries += 1
                    if (state := self._state(action, error, tries)) is not None:
                        return end(state, error, tries)
                    pause = self.policy.pause(tries, self.jitter)
                    log.warning("chunk_retry", error=_describe(error), tries=tries, retry_in=round(pause, 1))
                if self.sleep(pause):
                    return end(State.DROPPED, error, max(tries, 1))

    def _state(self, action: Action, error: Exception, tries: int) -> State | None:
        """Return the state that work ends in, None where it is tried again."""
        if action is Action.STOP:
            self.stop(error)
        if action in (Action.DROP, Action.POSTPONE, Action.STOP):
            return State.DROPPED
        return State.FAILED if action is Action.GIVE_UP or tries >= self.policy.attempts else None

    def _is_named(self, job: Job) -> bool:
        return (job.method or self.line.method) != "auto"

    def _excluded(self, job: Job) -> frozenset[str]:
        return frozenset() if self._is_named(job) else self.suspects.convicted()


def _describe(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
