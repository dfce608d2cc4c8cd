"""What the steps of the line work with, and what one chunk's way has in common with that of several together."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from panini_daemon.budget import MemoryBudget
from panini_daemon.compressors import Level, Registry, classify, estimate_memory
from panini_daemon.compute import Compressed, Compute
from panini_daemon.deduplication import Twins
from panini_daemon.grouping import TOGETHER_BYTES
from panini_daemon.keeping import Ask, Keep
from panini_daemon.outcomes import Outcome, State
from panini_daemon.recipes import make_recipe
from panini_daemon.spool import Spool
from panini_daemon.storage.clock import Clock
from panini_daemon.storage.commits import Commit, already_committed
from panini_daemon.storage.digests import Digests
from panini_daemon.storage.errors import ManifestInvalid
from panini_daemon.storage.jobs import Chunk, Job
from panini_daemon.storage.solid import charged_size, is_slice, parse_slice
from panini_daemon.storage.store import Store

SYNCED_ALONE = 1 << 20
"""Payload bytes from which a commit is synced at once; smaller ones of a job are synced together at its end."""


@dataclass(frozen=True, slots=True)
class Line:
    """What the steps work with.

    `fetch` copies a chunk to a local file and returns its SHA-256; `folder_of` tells where it is committed.
    `shared`: the store is a mount, where each file is synced as it is written, and uploaded later: `keep` has the
    payload until then. `models` may hold weights, `twins` finds chunks with the same bytes. `solid`: chunks of a file
    that follow each other are compressed together.
    """

    fetch: Callable[[Chunk, Path], str]
    store: Store
    compute: Compute
    budget: MemoryBudget
    spool: Spool
    keep: Keep
    clock: Clock
    registry: Registry
    worker: str
    level: str
    method: str
    shared: bool
    folder_of: Callable[[Chunk], str]
    models: Sequence[Path] = ()
    twins: Twins | None = None
    solid: bool = False

    def describe(
        self, job: Job, chunk: Chunk, encoded: Compressed, original_hash: str, timings: Mapping[str, float]
    ) -> bytes:
        """Return the chunk's recipe.json."""
        return make_recipe(
            job,
            chunk,
            encoded,
            original_hash=original_hash,
            worker=self.worker,
            moment=self.clock.now(),
            timings=timings,
            level=level_of(job, self),
        )


def level_of(job: Job, line: Line) -> Level:
    """Return the level that a job is compressed at. Raises ManifestInvalid."""
    wanted = job.level or line.level
    try:
        return Level(wanted)
    except ValueError as error:
        raise ManifestInvalid(
            f"{job.manifest_path} asks for level {wanted!r}; expected one of {', '.join(Level)}; submit it again"
        ) from error


def estimate(line: Line, size: int, data: Path, ask: Ask) -> int:
    """Return the bytes of memory that compressing takes; what a large chunk is makes a large difference."""
    kind = None
    if size > TOGETHER_BYTES:
        with data.open("rb") as file:
            kind = classify(file.read(TOGETHER_BYTES))
    return estimate_memory(size, ask.request, Level(ask.level), registry=line.registry, kind=kind)


def look_for_commits(line: Line, chunks: Sequence[Chunk]) -> tuple[list[Outcome], list[Chunk]]:
    """Return the outcomes of the chunks that are committed, and the others. Raises BaseConflict."""
    done, todo, digests = [], [], Digests()
    for chunk in chunks:
        commit = already_committed(line.store, line.folder_of(chunk), chunk.original_hash, digests)
        if commit is None:
            todo.append(chunk)
        else:
            done.append(outcome_of(chunk, State.ALREADY, commit, unsynced_of(line, commit)))
    return done, todo


def outcome_of(chunk: Chunk, state: State, commit: Commit, unsynced: tuple[str, ...]) -> Outcome:
    """Return the outcome of a chunk whose commit is there."""
    recipe, told = commit.recipe, parse_slice(commit.recipe).run if is_slice(commit.recipe) else None
    return Outcome(
        chunk,
        state,
        original_hash=recipe.original_hash,
        method=recipe.compression_method,
        payload_size=charged_size(recipe, commit.payload_size),
        payload_hash=commit.payload_hash,
        device=recipe.device or "",
        unsynced=unsynced,
        needs=(commit.run,) if commit.run else (),
        inner=told.method if told else "",
        decoded_size=told.size if told else 0,
    )


def unsynced_of(line: Line, commit: Commit) -> tuple[str, ...]:
    """Return what to sync of a commit that was there: who wrote it may have died before it came to that."""
    return () if line.shared else commit.paths
