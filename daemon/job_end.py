"""How a job ends: its receipt or its failure in the tree, its place in the source given up."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from panini_daemon.failures import Action, action_for
from panini_daemon.keeping import Keep
from panini_daemon.logs import Logger
from panini_daemon.pipeline import Outcome, State
from panini_daemon.progress import JobProgress, Tally
from panini_daemon.receipts import ended_as, failure_paths, publish_manifests, write_failure, write_receipt
from panini_daemon.sources import Source
from panini_daemon.storage.clock import Clock
from panini_daemon.storage.commits import PAYLOAD, RECIPE, already_committed
from panini_daemon.storage.errors import (
    BaseConflict,
    ChunkMissing,
    HashMismatch,
    LeaseLost,
    SizeMismatch,
    StillArriving,
    StorageError,
)
from panini_daemon.storage.jobs import Chunk, Job, Rejected, is_in_repository
from panini_daemon.storage.leasing import Leasing
from panini_daemon.storage.reading import stamp_of
from panini_daemon.storage.root import DONE, FAILED
from panini_daemon.storage.store import Store

_LATE = (StillArriving, ChunkMissing, SizeMismatch, HashMismatch)
"""What a chunk fails with whose data is not there yet, or is written over at this moment."""


class End(Enum):
    """What became of a job whose chunks have all come to an end."""

    OVER = auto()
    PARTING = auto()
    """It is finished, and stays in the source until what was written has surely arrived."""
    POSTPONED = auto()
    """It was not finished here and is not finished elsewhere: it must be claimed anew."""


@dataclass(frozen=True, slots=True)
class JobEnds:
    """Ends jobs. Every step can be done again, so a store that goes away in between costs nothing."""

    source: Source
    store: Store
    leases: Leasing
    clock: Clock
    worker: str
    log: Logger
    tally: Tally
    folder_of: Callable[[Chunk], str]
    keep: Keep
    delay: float
    """Seconds for which what was written may not have arrived, and what is read may be late; 0 on a local disk."""
    report: Callable[[Job, Sequence[Outcome]], None] = lambda _job, _outcomes: None
    """Notes in the tree what is to be told to whoever sent the job."""
    failing: dict[str, float] = field(default_factory=dict)
    """Since when jobs fail whose data may be late, on the monotonic clock."""

    def end(self, progress: JobProgress) -> End:
        """Write what is left of a job into the tree, then take it out of the source. Raises StorageError."""
        job, log = progress.job, self.log.bind(job=progress.job.job_id)
        if progress.of(State.DROPPED):
            return End.POSTPONED
        try:
            self.leases.ensure(job.job_id)
        except LeaseLost as error:
            log.warning("lease_lost", error=str(error))
            return End.POSTPONED
        good, failed = progress.of(State.COMMITTED, State.ALREADY), progress.of(State.FAILED)
        before = self._ended_before(job, [outcome.error for outcome in failed])
        if before == DONE:
            self.source.remove(job)
        if failed and (before == DONE or not self.source.has(job)):
            log.info("job_done_elsewhere")
            return End.OVER
        self.store.sync([path for outcome in good for path in outcome.unsynced])
        if failed and before is None and self._may_be_late(job, failed):
            log.info("data_late", reason=str(failed[0].error))
            return End.POSTPONED
        if failed:
            self._publish_what_can_be(job, log)
            reason = self._write_failure(job, progress.outcomes, before)
            log.error("job_failed", reason=reason, committed=len(good))
        else:
            publish_manifests(self.store, job, replace=True)
        if not (self._leaves_at_once(job) if failed else self.at_once):
            return End.PARTING
        self._take_out(progress)
        return End.OVER

    @property
    def at_once(self) -> bool:
        """Whether what was written is safe when it reads back, so that the original may go at once."""
        return self.delay == 0

    def has_arrived(self, progress: JobProgress) -> bool | None:
        """Tell whether what a job came to would outlive this machine, None where the store does not tell."""
        folders = [self.folder_of(outcome.chunk) for outcome in progress.of(State.COMMITTED, State.ALREADY)]
        failure = failure_paths(progress.job) if progress.of(State.FAILED) else []
        return self.store.arrived([*(f"{folder}/{name}" for folder in folders for name in (PAYLOAD, RECIPE)), *failure])

    def part(self, progress: JobProgress) -> End:
        """Take a job out of the source if what it came to is still there, and has arrived. Raises StorageError."""
        if self.has_arrived(progress) is False:
            return End.PARTING
        for outcome in progress.of(State.COMMITTED, State.ALREADY):
            if not self._is_there(outcome):
                self.log.warning("commit_vanished", job=progress.job.job_id, chunk=outcome.chunk.name)
                return End.POSTPONED
        if progress.of(State.FAILED) and not self._is_told(progress.job):
            self.log.warning("failure_vanished", job=progress.job.job_id)
            return End.POSTPONED
        self._take_out(progress)
        return End.OVER

    def _take_out(self, progress: JobProgress) -> None:
        self.failing.pop(progress.job.job_id, None)
        if progress.of(State.FAILED):
            self._give_up(progress)
        else:
            self._finish(progress)

    def _finish(self, progress: JobProgress) -> None:
        """Tell that the job is done, in this order: the receipt says that nothing more is to be done or told."""
        job = progress.job
        self.report(job, progress.outcomes)
        write_receipt(self.store, job, progress.outcomes, self.worker, self.clock.now())
        self.source.remove(job)
        self._drop_kept(progress)
        self.tally.job(failed=False)
        self.log.debug("job_done", job=job.job_id, chunks=len(progress.outcomes))

    def _give_up(self, progress: JobProgress) -> None:
        """Set a job aside whose failure is told."""
        self.report(progress.job, progress.outcomes)
        self.source.set_aside(progress.job, [outcome.chunk for outcome in progress.of(State.COMMITTED, State.ALREADY)])
        self._drop_kept(progress)
        first = progress.of(State.FAILED)[0].error
        self.tally.job(failed=True, error=f"{type(first).__name__}: {first}")

    def _is_told(self, job: Job | Rejected) -> bool:
        """Tell whether what says why a job failed is there."""
        return all(stamp_of(self.store, path) for path in failure_paths(job))

    def _is_there(self, outcome: Outcome) -> bool:
        """Tell whether a chunk's commit is still good; another job of its base may have written over it unseen."""
        try:
            return already_committed(self.store, self.folder_of(outcome.chunk), outcome.original_hash) is not None
        except BaseConflict:  # done again, the job meets it where it can fail for it
            return False

    def _may_be_late(self, job: Job, failed: Sequence[Outcome]) -> bool:
        """Tell whether a job failed only for what its data looked like, and not for long: it may yet arrive."""
        if self._leaves_at_once(job) or not all(isinstance(outcome.error, _LATE) for outcome in failed):
            return False
        now = self.clock.monotonic()
        return now - self.failing.setdefault(job.job_id, now) < self.delay

    def _drop_kept(self, progress: JobProgress) -> None:
        for outcome in progress.outcomes:
            self.keep.drop(outcome.original_hash or outcome.chunk.original_hash)

    def _ended_before(self, job: Job | Rejected, errors: Sequence[Exception | None]) -> str | None:
        """Return how a job ended earlier whose data is gone because a worker died while it took the job out."""
        if errors and all(isinstance(error, ChunkMissing) for error in errors):
            return ended_as(self.store, job.job_id)
        return None

    def _write_failure(self, job: Job | Rejected, outcomes: Sequence[Outcome], before: str | None) -> str:
        """Write why a job failed, unless that was told `before`, and its manifest; return the first reason."""
        reason = f"told in {FAILED}/{job.job_id}/error.json"
        if before != FAILED:
            reason = write_failure(self.store, job, outcomes, self.worker, self.clock.now())
        if job.manifest and not self._leaves_at_once(job):
            self.store.write(failure_paths(job)[-1], job.manifest)
        return reason

    def _leaves_at_once(self, job: Job | Rejected) -> bool:
        """Tell whether a failed job may leave as soon as that is told; in a repository nothing is deleted."""
        return self.at_once or is_in_repository(job)

    def _publish_what_can_be(self, job: Job, log: Logger) -> None:
        """Let readers of a failed job's files know which chunks are missing, where its names allow it."""
        try:
            publish_manifests(self.store, job, replace=False)
        except StorageError as error:
            if action_for(error) is not Action.GIVE_UP:
                raise
            log.debug("manifest_not_published", error=f"{type(error).__name__}: {error}")

    def reject(self, rejected: Rejected, *, told: bool) -> bool:
        """Set a manifest aside that can never become a job; False where that must wait. Raises StorageError.

        What says why comes first, and where it may yet be lost, the manifest stays until the next call, `told`.
        """
        before = self._ended_before(rejected, [rejected.error])
        if before == DONE:
            self.source.remove(rejected)
        if before == DONE or (told and not self.source.has(rejected)):
            self.log.info("job_done_elsewhere", job=rejected.job_id)
            return True
        if told and self.store.arrived(failure_paths(rejected)) is False:
            return False
        if not (told and self._is_told(rejected)):
            self._write_failure(rejected, (), before)
            if not self._leaves_at_once(rejected):
                return False
        self.source.set_aside(rejected, ())
        reason = f"{type(rejected.error).__name__}: {rejected.error}"
        self.tally.job(failed=True, error=reason)
        self.log.error("job_rejected", job=rejected.job_id, reason=reason)
        return True


def log_outcome(log: Logger, outcome: Outcome) -> None:
    """Write the one line that tells what became of a chunk."""
    log = log.bind(chunk=outcome.chunk.name)
    if outcome.state is State.FAILED:
        log.error("chunk_failed", error=f"{type(outcome.error).__name__}: {outcome.error}", tries=outcome.tries)
        return
    if outcome.state is State.DROPPED:
        # Where the source is away it says so itself, once; its jobs may have thousands of chunks.
        if outcome.error is not None and action_for(outcome.error) is Action.POSTPONE:
            log.debug("chunk_postponed", reason=str(outcome.error))
        else:
            log.info("chunk_dropped", reason=str(outcome.error))
        return
    for method, error in outcome.faults.items():
        log.warning("codec_failed", method=method, error=error)
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
        **({"kept": True} if outcome.kept else {}),
        **({"chosen": outcome.chosen} if outcome.chosen else {}),
    )
