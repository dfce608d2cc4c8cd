"""The daemon: one loop that polls, leases, starts and ends jobs. `step` does one round; tests drive it."""

import heapq
import itertools
import threading
import traceback
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import replace

from panini_daemon.failures import Action, action_for
from panini_daemon.job_end import End, JobEnds, log_outcome
from panini_daemon.job_queue import JobQueue, Room
from panini_daemon.outcomes import Outcome, State
from panini_daemon.parts import Parts, Phase
from panini_daemon.progress import JobProgress, Tally
from panini_daemon.receipts import is_settled
from panini_daemon.rejections import Rejections
from panini_daemon.storage.errors import StorageError
from panini_daemon.storage.jobs import Chunk, Job
from panini_daemon.storage.lease_claim import LeaseState
from panini_daemon.storage.leasing import Leasing

_LONGEST_WAIT = 300.0
"""Seconds that a job waits at most which comes back undone again and again."""
_LOOK_AGAIN = 10.0
"""Seconds between two looks at whether a finished job's commits have been uploaded."""
_MISHAPS = 20
"""Rounds in a row that may end in an error nobody foresaw before the daemon ends."""


class Service:
    """Runs jobs until `stopping` is set, or, with `once`, until there is none left."""

    def __init__(self, parts: Parts, stopping: threading.Event, *, once: bool = False) -> None:
        """Start nothing yet."""
        self._parts, self._stopping, self._once = parts, stopping, once
        self.tally = Tally()
        self.fatal: Exception | None = None
        self.phase = Phase.STARTING
        self.queue = JobQueue(parts.worker if parts.rivals else None, parts.attempts.count_work)
        self.arriving = 0
        self.wake = threading.Event()
        self._ends = JobEnds(
            source=parts.source,
            store=parts.store,
            leases=parts.leases,
            clock=parts.clock,
            worker=parts.worker,
            log=parts.log,
            tally=self.tally,
            folder_of=parts.attempts.line.folder_of,
            keep=parts.attempts.line.keep,
            delay=parts.removal_delay,
            report=parts.report,
        )
        self._pool = parts.pool(parts.threads, self._work)
        self._running: dict[str, JobProgress] = {}
        self._ended: deque[JobProgress] = deque()
        self._parting: list[tuple[float, int, JobProgress]] = []
        self._numbers = itertools.count()
        self._rejections = Rejections(self._ends, parts.clock, parts.removal_delay)
        self._postponed: Counter[str] = Counter()
        self._next_poll = float("-inf")
        self._next_sweep = parts.clock.monotonic() + parts.sweep_every
        self._mishaps = 0

    @property
    def leases(self) -> Leasing:
        """This worker's leases."""
        return self._parts.leases

    @property
    def running(self) -> int:
        """How many jobs are being worked on."""
        return len(self._running)

    @property
    def finished(self) -> bool:
        """Whether the loop has nothing left to do: stopped, or `once` and all is empty."""
        if self._stopping.is_set():
            return True
        empty = not (self._running or len(self.queue) or self.arriving or self._rejections or self._parting)
        return self._once and empty and self.phase is Phase.IDLE

    def notice(self) -> None:
        """Look at the source at once: something may have changed there."""
        self._next_poll = float("-inf")
        self.wake.set()

    def step(self) -> float:
        """Do one round; return how many seconds the next one may wait."""
        try:
            self._end_jobs()
            self._part()
            self._poll()
            self._claim()
            self._sweep()
        except Exception as error:  # noqa: BLE001  whatever it is, the daemon is to outlive it
            return self._survive(error)
        self.phase = Phase.WORKING if self._running or len(self.queue) else Phase.IDLE
        self._mishaps = 0
        due = min([self._next_poll, self._rejections.due, *(when for when, _, _ in self._parting[:1])])
        claim = self._parts.leases.wake_in()
        wait = max(0.0, due - self._parts.clock.monotonic())
        return wait if claim is None else min(wait, claim)

    def stop_for(self, error: Exception) -> None:
        """End the daemon because of an error that no retry can heal."""
        if self.fatal is None:
            self.fatal = error
            self._parts.log.error("stopping", error=f"{type(error).__name__}: {error}")
        self._stopping.set()
        self.wake.set()

    def drain(self, seconds: float) -> None:
        """Start no chunk any more; let those in work end for `seconds` at most."""
        self.phase = Phase.DRAINING
        self._pool.close()
        self._pool.wait(seconds)

    def close(self, seconds: float = 2.0) -> bool:
        """End what can be ended and give every lease back; False where a thread is stuck after `seconds`.

        Compute processes must have been ended before.
        """
        self._pool.close()
        free = self._pool.join(seconds)
        try:
            self._end_jobs()
        except StorageError as error:
            self._parts.log.warning("job_left_for_next_start", error=f"{type(error).__name__}: {error}")
        self._parts.leases.release_all()
        self.phase = Phase.STOPPED
        return free

    def _survive(self, error: Exception) -> float:
        action = action_for(error)
        if action is Action.STOP:
            self.stop_for(error)
            return 0.0
        if action is Action.WAIT:
            if self.phase is not Phase.WAITING:
                self._parts.log.warning("folder_away", error=f"{type(error).__name__}: {error}")
            self.phase = Phase.WAITING
            return self._parts.backoff.next()
        self._mishaps += 1
        self._parts.log.error("round_failed", error=repr(error), traceback=traceback.format_exc())
        if self._mishaps >= _MISHAPS:
            self.stop_for(error)
        return self._parts.backoff.next()

    def _poll(self) -> None:
        now = self._parts.clock.monotonic()
        if now >= self._next_poll:
            poll = self._parts.source.poll()
            self._rejections.add(poll.rejected)
            for job_id in poll.gone:
                self.queue.remove(job_id)
                if job_id not in self._running:
                    self._parts.leases.withdraw(job_id, done=True)
            for job in poll.ready:
                if job.job_id not in self._running:
                    self.queue.add(job)
            self.arriving = poll.arriving
            if poll.ready or poll.gone or poll.rejected or poll.more:
                self._parts.backoff.reset()
            self._next_poll = now + (0.0 if poll.more else self._parts.backoff.next())
        self._rejections.work()

    def _claim(self) -> None:
        leases, now = self._parts.leases, self._parts.clock.monotonic()
        for job in self._next_jobs(now):
            leases.request(job.job_id)
        leases.tick()
        for job in self.queue.claiming():
            state = leases.state(job.job_id)
            if state is LeaseState.HELD:
                self._start(job)
            elif state is LeaseState.OVER:
                self.queue.remove(job.job_id)
                self._parts.log.info("job_done_elsewhere", job=job.job_id)
            elif state is not LeaseState.SETTLING:
                self.queue.put_back(job.job_id, now + self._parts.retry_claim)

    def _next_jobs(self, now: float) -> list[Job]:
        """Return the jobs to claim now; one whose source is away or that another worker has is passed over."""
        chosen: list[Job] = []
        room = self._room(now)
        while not room.is_full and (jobs := self.queue.next(room, now)):
            for job in jobs:
                if closed := self._parts.closed_for(job):
                    self.queue.put_back(job.job_id, now + closed)
                elif self._parts.leases.state(job.job_id) is LeaseState.TAKEN:
                    self.queue.put_back(job.job_id, now + self._parts.retry_claim)
                else:
                    chosen.append(job)
                    room = room.less(self.queue.work_of(job.job_id), len(job.chunks))
        return chosen

    def _room(self, now: float) -> Room:
        """Return what more to claim: enough to keep every thread busy while claims settle."""
        room = self._parts.ahead.less(self.queue.claimed, self.queue.claimed_chunks)
        for progress in (running := self._running.values()):
            room = room.less(progress.work, progress.left)
        best = self.queue.best_priority(now)
        urgent = best is not None and all(best > progress.job.priority for progress in running)
        return replace(room, work=max(room.work, 1), least=max(room.least, 1)) if urgent else room

    def _start(self, job: Job) -> None:
        """Start a job whose lease is held. Raises StorageError, and then the job waits as before."""
        parts = self._parts
        progress = JobProgress(parts.settle_level(job, self.queue.size), runs=parts.attempts.wants_runs(job))
        there = parts.source.has(job)  # a listing can be stale: another worker may have finished it
        try:
            for file in job.files if there else ():
                self._parts.bases.claim(file.base)
        except StorageError as error:
            if action_for(error) is not Action.GIVE_UP:
                raise
            for chunk in job.chunks:
                progress.add(Outcome(chunk, State.FAILED, error=error))
        self.queue.remove(job.job_id)
        if not there:
            self._parts.leases.release(job.job_id)
            return
        self._running[job.job_id] = progress
        if progress.over:
            self._ended.append(progress)
            self.wake.set()
            return
        self._parts.foresee(progress.job)
        self._parts.log.debug("job_started", job=job.job_id, chunks=len(job.chunks))
        self._pool.add(progress)

    def _work(self, progress: JobProgress, chunks: Sequence[Chunk]) -> None:
        parts, job = self._parts, progress.job
        log = parts.log.bind(job=job.job_id)
        for outcome in parts.attempts.run(job, chunks, lambda: parts.leases.ensure(job.job_id), log):
            try:
                self.tally.chunk(outcome, parts.clock.monotonic(), parts.clock.now())
                log_outcome(log, outcome)
                parts.on_outcome(outcome)
            finally:  # whatever fails in telling it, the chunk counts
                if progress.add(outcome):
                    self._ended.append(progress)
                    self.wake.set()

    def _end_jobs(self) -> None:
        while self._ended:
            progress = self._ended[0]
            job_id = progress.job.job_id
            try:
                end = self._ends.end(progress)
                told = end is End.PARTING and self._ends.has_arrived(progress) is not None
            except StorageError as error:
                if action_for(error) in (Action.WAIT, Action.STOP):
                    raise
                self._parts.log.error("job_left_in_inbox", job=job_id, error=f"{type(error).__name__}: {error}")
                end, told = End.OVER, False
            self._ended.popleft()
            self._running.pop(job_id, None)
            if end is End.PARTING:
                # Its lease is kept, for whoever took the job now would read every commit only to find it good.
                self._see_off(progress, 0.0 if told else self._parts.removal_delay)
                continue
            self._parts.leases.release(job_id)
            self._close(progress.job, end)

    def _see_off(self, progress: JobProgress, seconds: float) -> None:
        heapq.heappush(self._parting, (self._parts.clock.monotonic() + seconds, next(self._numbers), progress))

    def _part(self) -> None:
        """Take out of the source what was finished long enough ago; a job whose commits are gone is done again."""
        while self._parting and self._parting[0][0] <= self._parts.clock.monotonic():
            _, _, progress = self._parting[0]
            end = self._ends.part(progress)
            heapq.heappop(self._parting)
            if end is End.PARTING:
                self._see_off(progress, _LOOK_AGAIN)
                continue
            self._parts.leases.release(progress.job.job_id)
            self._close(progress.job, end)

    def _close(self, job: Job, end: End) -> None:
        """Forget a job that is over; let one that came back undone wait, longer each time."""
        if end is not End.POSTPONED:
            self._postponed.pop(job.job_id, None)
            return
        self._postponed[job.job_id] += 1
        wait = min(_LONGEST_WAIT, self._parts.retry_claim * 2.0 ** min(self._postponed[job.job_id] - 1, 20))
        self.queue.add(job)
        self.queue.put_back(job.job_id, self._parts.clock.monotonic() + wait)

    def _sweep(self) -> None:
        now = self._parts.clock.monotonic()
        if now >= self._next_sweep:
            self._next_sweep = now + self._parts.sweep_every
            # A mount can lose the receipt of a job that has left: what is not even waiting here is over, too.
            self._parts.leases.sweep(lambda job: job not in self.queue or is_settled(self._parts.store, job))
