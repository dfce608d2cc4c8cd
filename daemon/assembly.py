"""Putting the service's parts together, from settings to the line of a chunk."""

import math
import random
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from panini_daemon.attempts import Attempts, RetryPolicy
from panini_daemon.budget import MemoryBudget
from panini_daemon.compressors import Level, Registry
from panini_daemon.compute import Compute
from panini_daemon.config import Settings
from panini_daemon.deduplication import Twins
from panini_daemon.job_queue import Room
from panini_daemon.keeping import Keep
from panini_daemon.lease_router import LeaseRouter
from panini_daemon.line import Line
from panini_daemon.logs import Logger
from panini_daemon.outcomes import Outcome, State
from panini_daemon.pacing import LevelChoice, Pace
from panini_daemon.parts import Parts
from panini_daemon.settling import Settling
from panini_daemon.slowness import SlownessWarning
from panini_daemon.sources import Source, Sources
from panini_daemon.spool import Spool
from panini_daemon.storage.bases import Bases
from panini_daemon.storage.chunk_index import ChunkIndex
from panini_daemon.storage.clock import Clock
from panini_daemon.storage.commits import already_committed
from panini_daemon.storage.digests import Digests
from panini_daemon.storage.errors import BaseConflict
from panini_daemon.storage.inbox import Inbox
from panini_daemon.storage.leases import Leases
from panini_daemon.storage.leasing import Leasing
from panini_daemon.storage.propagation import Propagation
from panini_daemon.storage.root import chunk_folder
from panini_daemon.storage.store import Store
from panini_daemon.storage.upload_flags import RcloneQueue
from panini_daemon.storage.watching import Backoff
from panini_daemon.stores import make_leases, make_nonce
from panini_daemon.weights import model_folders

if TYPE_CHECKING:
    from panini_daemon.github import GithubLink

GPU_BATCH = 16
_EXTRA_THREADS = 3
"""Threads beside one for each compute process, so that fetching and committing overlap with computing."""
_KEPT = "kept"
"""The folder in the spool for payloads that have not surely arrived; it outlives the process."""
_CLAIMED_AHEAD = 64
"""Chunks claimed ahead where a claim takes a minute to settle: as many or more where fewer leave threads idle."""


def assemble(
    settings: Settings,
    store: Store,
    clock: Clock,
    log: Logger,
    spool: Spool,
    compute: Compute,
    link: "GithubLink | None",
    queue: RcloneQueue | None,
    *,
    sleep: Callable[[float], bool],
    fatal: Callable[[Exception], None],
    on_outcome: Callable[[Outcome], None],
    one_of_several: bool = False,
    time_left: Callable[[], float] = lambda: math.inf,
) -> Parts:
    """Return the parts of a service on `store`, and on the repository that `link` connects to.

    `queue` tells what a mount by rclone has not uploaded, where it can be asked. `sleep` waits and returns True at
    once when the daemon is ending; `fatal` is called with what must end it. `time_left` tells the seconds until the
    worker's time is up.
    """
    source = _make_source(settings, store, clock, link)
    folder_leases = make_leases(settings, store, clock, queue)
    leases = _route_leases(folder_leases, link, source)
    line = Line(
        fetch=source.fetch,
        store=store,
        compute=compute,
        budget=MemoryBudget(settings.memory_budget),
        spool=spool,
        keep=Keep(spool.parent / _KEPT, limit=settings.keep_limit, clock=clock),
        clock=clock,
        registry=Registry(),
        worker=settings.worker,
        level=settings.level,
        method=settings.method,
        shared=settings.shared,
        folder_of=lambda chunk: chunk_folder(chunk.base, chunk.chunk_id),
        models=model_folders(settings.root),
        solid=settings.solid,
    )
    index = ChunkIndex(store, settings.worker) if settings.dedup else None
    if index is not None:
        line = replace(line, twins=_make_twins(settings, line, index))
    pace = Pace(settings.cpu_workers)

    def tell(outcome: Outcome) -> None:
        if outcome.state is State.COMMITTED and outcome.level and not outcome.kept:
            pace.note(Level(outcome.level), outcome.kind, outcome.chunk.size, outcome.timings.get("compress", 0.0))
        on_outcome(outcome)

    jitter = random.Random()  # noqa: S311  spreads retries, guards nothing
    policy = RetryPolicy(settings.max_attempts, settings.retry_delay, settings.retry_delay_max)
    threads = settings.cpu_workers + _EXTRA_THREADS + (2 * GPU_BATCH if compute.has_gpu else 0)
    # What one worker claims ahead, the others beside it have to wait for.
    ahead = settings.cpu_workers + 1 if one_of_several else 2 * threads
    settles = settings.lease_settle > 0 or isinstance(leases, LeaseRouter)
    parts = Parts(
        source=source,
        store=store,
        leases=leases,
        bases=Bases(store, clock),
        attempts=Attempts(line, policy, sleep, fatal, jitter),
        clock=clock,
        log=log,
        worker=settings.worker,
        threads=threads,
        ahead=Room(max(2 * threads, _CLAIMED_AHEAD), _CLAIMED_AHEAD, 2 * threads) if settles else Room(ahead),
        backoff=Backoff(settings.poll_min, settings.poll_max),
        removal_delay=settings.removal_delay,
        sweep_every=settings.lease_stale,
        on_outcome=tell,
        settle_level=LevelChoice(settings.level, pace, time_left, log).settle,
        foresee=SlownessWarning(settings.method, compute.has_gpu, log).look,
        rivals=settles,
        index=index,
    )
    if settings.lease_probe and isinstance(folder_leases, Leases):
        propagation = Propagation(store, settings.worker, clock=clock, nonce=make_nonce())
        settling = Settling(propagation, folder_leases.adapt, folder_leases.settle, log)
        parts = replace(parts, settling=settling)
    if link is not None:
        parts = replace(parts, report=link.report, closed_for=link.closed_for)
    return parts


def _make_twins(settings: Settings, line: Line, index: ChunkIndex) -> Twins:
    return Twins(
        store=line.store,
        index=index,
        compute=line.compute,
        budget=line.budget,
        spool=line.spool,
        clock=line.clock,
        worker=line.worker,
        folder_of=line.folder_of,
        shared=line.shared,
        late=settings.shared and isinstance(settings.root, Path),
    )


def is_committed(store: Store, base: str, chunk_id: int, sha256: str | None, *, digests: Digests | None = None) -> bool:
    """Tell whether these very bytes are committed already."""
    try:
        return already_committed(store, chunk_folder(base, chunk_id), sha256, digests) is not None
    except BaseConflict:
        return False


def _make_source(settings: Settings, store: Store, clock: Clock, link: "GithubLink | None") -> Source:
    inbox = Inbox(
        store,
        clock=clock,
        arrival_timeout=settings.arrival_timeout,
        committed=partial(is_committed, store, digests=Digests()),
    )
    if link is None or not link.polls:
        return inbox
    return Sources(inbox, link.source, hopeless=link.hopeless)


def _route_leases(leases: Leasing, link: "GithubLink | None", source: Source) -> Leasing:
    if link is None or link.leases is None or not isinstance(source, Sources):
        return leases
    return LeaseRouter(leases, link.leases, source.is_from_repository)
