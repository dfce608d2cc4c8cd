"""What the service is put together from, and what it can be doing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from panini_daemon.attempts import Attempts
from panini_daemon.job_queue import Room
from panini_daemon.logs import Logger
from panini_daemon.outcomes import Outcome
from panini_daemon.settling import Settling
from panini_daemon.sources import Source
from panini_daemon.storage.bases import Bases
from panini_daemon.storage.chunk_index import ChunkIndex
from panini_daemon.storage.clock import Clock
from panini_daemon.storage.jobs import Job
from panini_daemon.storage.leasing import Leasing
from panini_daemon.storage.store import Store
from panini_daemon.storage.watching import Backoff
from panini_daemon.work_pool import Pool, Work, WorkPool


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
    leases: Leasing
    bases: Bases
    attempts: Attempts
    clock: Clock
    log: Logger
    worker: str
    threads: int
    backoff: Backoff
    ahead: Room = field(default_factory=lambda: Room(16))
    """What is claimed before a thread is free for it."""
    retry_claim: float = 5.0
    """Seconds before a job that another worker has is claimed again."""
    removal_delay: float = 0.0
    """Seconds between the end of a job and its removal from the source."""
    sweep_every: float = 600.0
    """Seconds between two looks for dead lease files of jobs that are over."""
    on_outcome: Callable[[Outcome], None] = lambda _: None
    report: Callable[[Job, Sequence[Outcome]], None] = lambda _job, _outcomes: None
    """Notes what is to be told about a finished or failed job to whoever sent it."""
    closed_for: Callable[[Job], float] = lambda _: 0.0
    """Seconds until a job's bytes can be had again; 0 where they can."""
    rivals: bool = False
    """Whether other workers may take jobs from the same source, and see late which ones are taken."""
    settling: Settling | None = None
    """Measures for how long claims must settle, where that is not known beforehand."""
    settle_level: Callable[[Job, int], Job] = lambda job, _: job
    """Names the level of a job that leaves it open, by the bytes that wait."""
    foresee: Callable[[Job], None] = lambda _: None
    """Warns before a job that will take long."""
    index: ChunkIndex | None = None
    """Tells where bytes lie that the tree holds already."""
    pool: Callable[[int, Work], Pool] = WorkPool
    """Makes what does the work, from the number of threads and what to do."""
