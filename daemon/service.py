"""The daemon: one loop that polls, leases, starts chunks and ends jobs. `step` does one round; tests drive it."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from enum import StrEnum

from panini_daemon.attempts import Attempts
from panini_daemon.failures import Action, action_for
from panini_daemon.job_queue import JobQueue
from panini_daemon.logs import Logger
from panini_daemon.pipeline import Outcome, State, group
from panini_daemon.progress import JobProgress, Tally
from panini_daemon.receipts import publish_manifests, write_failure, write_receipt
from panini_daemon.sources import Source
from panini_daemon.storage.bases import Bases
from panini_daemon.storage.clock import Clock
from panini_daemon.storage.errors import LeaseLost, StorageError
from panini_daemon.storage.jobs import Chunk, Job, Rejected
from panini_daemon.storage.lease_claim import LeaseState
from panini_daemon.storage.leases import Leases
from panini_daemon.storage.store import Store
from panini_daemon.storage.watching import Backoff


class Phase(StrEnum):
    """What the daemon is doing, for the status file."""

    STARTING = "starting"
    IDLE = "idle"
    WORKING = "working"
    WAITING = "waiting for the folder"
    DRAINING = "draining"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Parts:
    """What the service is put together from."""

    source: Source
    store: Store
    leases: Leases
    bases: Bases
    attempts: Attempts
    clock: Clock
    log: Logger
    worker: str
    threads: int
    backoff: Backoff
    ahead: int = 16
    """Chunks that are claimed before a thread is free for them."""
    retry_claim: float = 5.0
    """Seconds before a job that another worker has is claimed again."""
    on_outcome: Callable[[Outcome], None] = lambda _: None


class Service:
    """Runs jobs until `stopping` is set, or, with `once`, until there is none left."""

    def __init__(self, parts: Parts, stopping: threading.Event, *, once: bool = False) -> None:
        """Start nothing yet."""
        self._parts, self._stopping, self._once = parts, stopping, once
        self.tally = Tally()
        self.fatal: Exception | None = None
        self.phase = Phase.STARTING
        self.queue = JobQueue()
        self.arriving = 0
        self._running: dict[str, JobProgress] = {}
        self._ended: list[JobProgress] = []
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(parts.threads, thread_name_prefix="chunk")
        self._futures: dict[Future[None], str] = {}
        self._next_poll = float("-inf")
        self.wake = threading.Event()

    @property
    def leases(self) -> Leases:
        """This worker's leases."""
        return self._parts.leases

    @property
    def running(self) -> int:
        """How many jobs are being worked on."""
        return len(self._running)

    def notice(self) -> None:
        """Look at the source at once: something may have changed there."""
        self._next_poll = float("-inf")
        self.wake.set()

    @property
    def finished(self) -> bool:
        """Whether the loop has nothing left to do: stopped, or `once` and all is empty."""
        if self._stopping.is_set():
            return True
        empty = not self._running and not len(self.queue) and not self.arriving
        return self._once and empty and self.phase is Phase.IDLE

    def step(self) -> float:
        """Do one round; return how many seconds the next one may wait."""
        try:
            self._end_jobs()
            self._poll()
            self._claim()
            self.phase = Phase.WORKING if self._running or len(self.queue) else Phase.IDLE
        except StorageError as error:
            if action_for(error) is not Action.WAIT:
                self.stop_for(error)
                return 0.0
            if self.phase is not Phase.WAITING:
                self._parts.log.warning("folder_away", error=f"{type(error).__name__}: {error}")
            self.phase = Phase.WAITING
            return self._parts.backoff.next()
        due = max(0.0, self._next_poll - self._parts.clock.monotonic())
        claim = self._parts.leases.wake_in()
        return due if claim is None else min(due, claim)

    def stop_for(self, error: Exception) -> None:
        """End the daemon because of an error that no retry can heal."""
        if self.fatal is None:
            self.fatal = error
            self._parts.log.error("stopping", error=f"{type(error).__name__}: {error}")
        self._stopping.set()
        self.wake.set()

    def drain(self, seconds: float) -> None:
        """Let chunks in progress end for `seconds` at most, then give every lease back."""
        self.phase = Phase.DRAINING
        for future in list(self._futures):
            future.cancel()
        wait(list(self._futures), timeout=seconds)
        self._end_jobs_quietly()

    def close(self) -> None:
        """Give leases back and end the threads; compute processes must have been ended before."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._end_jobs_quietly()
        self._parts.leases.release_all()
        self.phase = Phase.STOPPED

    def _poll(self) -> None:
        now = self._parts.clock.monotonic()
        if now < self._next_poll:
            return
        poll = self._parts.source.poll()
        for job_id in poll.gone:
            self.queue.remove(job_id)
            if job_id not in self._running:
                self._parts.leases.withdraw(job_id, done=True)
        for rejected in poll.rejected:
            self._reject(rejected)
        for job in poll.ready:
            if job.job_id not in self._running:
                self.queue.add(job)
        self.arriving = poll.arriving
        if poll.ready or poll.gone or poll.rejected or poll.more:
            self._parts.backoff.reset()
        self._next_poll = now + (0.0 if poll.more else self._parts.backoff.next())

    def _claim(self) -> None:
        leases, now = self._parts.leases, self._parts.clock.monotonic()
        for job in self.queue.next(self._room(), now):
            if leases.state(job.job_id) is not LeaseState.TAKEN:
                leases.request(job.job_id)
        leases.tick()
        for job in self.queue.claiming():
            state = leases.state(job.job_id)
            if state is LeaseState.HELD:
                self.queue.remove(job.job_id)
                self._start(job)
            elif state is not LeaseState.SETTLING:
                self.queue.put_back(job.job_id, now + self._parts.retry_claim)

    def _room(self) -> int:
        """Return how many more jobs to claim: enough chunks to keep every thread busy while claims settle."""
        chunks = sum(len(progress.job.chunks) - len(progress.outcomes) for progress in self._running.values())
        return max(0, self._parts.ahead - chunks - len(self.queue.claiming()))

    def _start(self, job: Job) -> None:
        log = self._parts.log.bind(job=job.job_id)
        progress = JobProgress(job)
        self._running[job.job_id] = progress
        if not self._parts.source.has(job):  # a stale listing: another worker has finished it
            self._forget(job)
            return
        try:
            for file in job.files:
                self._parts.bases.claim(file.base)
        except StorageError as error:
            if action_for(error) is not Action.GIVE_UP:
                self._postpone(job)
                raise
            for chunk in job.chunks:
                progress.add(Outcome(chunk, State.FAILED, error=error))
            self._end_job(progress)
            return
        log.debug("job_started", chunks=len(job.chunks), base=[file.base for file in job.files])
        for chunks in group(job.chunks):
            future = self._pool.submit(self._work, progress, chunks, log)
            self._futures[future] = job.job_id
            future.add_done_callback(self._done)

    def _work(self, progress: JobProgress, chunks: Sequence[Chunk], log: Logger) -> None:
        if self._stopping.is_set():
            return
        job_id = progress.job.job_id
        outcomes = self._parts.attempts.run(progress.job, chunks, lambda: self._parts.leases.ensure(job_id), log)
        for outcome in outcomes:
            self.tally.chunk(outcome, self._parts.clock.monotonic())
            _log_outcome(log.bind(chunk=outcome.chunk.name), outcome)
            self._parts.on_outcome(outcome)
            if progress.add(outcome):
                with self._lock:
                    self._ended.append(progress)
                self.wake.set()

    def _done(self, future: Future[None]) -> None:
        self._futures.pop(future, None)

    def _end_jobs(self) -> None:
        while True:
            with self._lock:
                if not self._ended:
                    return
                progress = self._ended[0]
            self._end_job(progress)
            with self._lock:
                self._ended.remove(progress)

    def _end_jobs_quietly(self) -> None:
        try:
            self._end_jobs()
        except StorageError as error:
            self._parts.log.warning("job_left_for_next_start", error=f"{type(error).__name__}: {error}")

    def _end_job(self, progress: JobProgress) -> None:
        """Write what is left of a job into the tree, take it out of the source, give its lease back."""
        job, parts = progress.job, self._parts
        if progress.of(State.DROPPED):
            self._postpone(job)
            return
        good = progress.of(State.COMMITTED, State.ALREADY)
        try:
            parts.leases.ensure(job.job_id)
        except LeaseLost as error:
            parts.log.warning("lease_lost", job=job.job_id, error=str(error))
            self._postpone(job)
            return
        failed = progress.of(State.FAILED)
        if failed and not parts.source.has(job):
            parts.log.info("job_done_elsewhere", job=job.job_id)
            self._forget(job)
            return
        parts.store.sync([path for outcome in good for path in outcome.unsynced])
        publish_manifests(parts.store, job, replace=not failed)
        if failed:
            reason = write_failure(parts.store, job, progress.outcomes, parts.worker, parts.clock.now())
            parts.source.set_aside(job, [outcome.chunk for outcome in good])
            self.tally.job(failed=True, error=reason)
            parts.log.error("job_failed", job=job.job_id, reason=reason, committed=len(good))
        else:
            write_receipt(parts.store, job, progress.outcomes, parts.worker, parts.clock.now())
            parts.source.remove(job)
            self.tally.job(failed=False)
            parts.log.debug("job_done", job=job.job_id, chunks=len(good))
        self._forget(job)

    def _reject(self, rejected: Rejected) -> None:
        parts = self._parts
        reason = write_failure(parts.store, rejected, (), parts.worker, parts.clock.now())
        parts.source.set_aside(rejected, ())
        self.tally.job(failed=True, error=reason)
        parts.log.error("job_rejected", job=rejected.job_id, reason=reason)

    def _postpone(self, job: Job) -> None:
        """Let a job wait that this worker could not finish; whoever holds its lease next does."""
        self._forget(job)
        self.queue.add(job)
        self.queue.put_back(job.job_id, self._parts.clock.monotonic() + self._parts.retry_claim)

    def _forget(self, job: Job) -> None:
        self._running.pop(job.job_id, None)
        self._parts.leases.release(job.job_id)


def _log_outcome(log: Logger, outcome: Outcome) -> None:
    if outcome.state is State.FAILED:
        log.error("chunk_failed", error=f"{type(outcome.error).__name__}: {outcome.error}", tries=outcome.tries)
        return
    if outcome.state is State.DROPPED:
        log.info("chunk_dropped", reason=str(outcome.error))
        return
    size, payload = outcome.chunk.size, outcome.payload_size
    log.info(
        "chunk_committed" if outcome.state is State.COMMITTED else "chunk_already_committed",
        method=outcome.method,
        size=size,
        compressed=payload,
        ratio=round(payload / size, 4) if size else 1.0,
        kind=outcome.kind,
        device=outcome.device,
        seconds={step: round(seconds, 4) for step, seconds in outcome.timings.items()},
        sha256=outcome.original_hash,
        tries=outcome.tries,
    )
