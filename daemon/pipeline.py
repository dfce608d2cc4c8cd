"""The way of one chunk: source -> lease -> fetch -> compress -> verify -> commit -> report.

The service leases the job that a source offered; from there `process` is the whole line, each step one call.
Many chunks are on their way at once, each in a thread of its own; fetching, computing and committing overlap
because each step waits for something else: the folder, a compute process, the folder again.
"""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from panini_daemon.budget import MemoryBudget
from panini_daemon.compressors import Level, Registry, classify, estimate_memory
from panini_daemon.compute import Compressed, Compute, Order, Proof
from panini_daemon.errors import VerificationFailed
from panini_daemon.recipes import make_recipe
from panini_daemon.spool import Place, Spool
from panini_daemon.storage.clock import Clock
from panini_daemon.storage.commits import already_committed, write_commit
from panini_daemon.storage.errors import ManifestInvalid
from panini_daemon.storage.jobs import Chunk, Job
from panini_daemon.storage.store import Store
from panini_daemon.weights import keep_weights

TOGETHER, TOGETHER_BYTES = 16, 1 << 20
"""How many chunks, of how many bytes in all, go through the line together."""
SYNCED_ALONE = 1 << 20
"""Payload bytes from which a commit is synced at once; smaller ones of a job are synced together at its end."""


class State(StrEnum):
    """How a chunk ended."""

    COMMITTED = "committed"
    ALREADY = "already committed"
    FAILED = "failed"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a chunk; sizes in bytes, timings in seconds by step, `error` where it failed.

    `unsynced` are files that must be synced before the job may leave its source.
    """

    chunk: Chunk
    state: State
    original_hash: str | None = None
    method: str = ""
    payload_size: int = 0
    payload_hash: str = ""
    device: str = ""
    kind: str = ""
    faults: Mapping[str, str] = field(default_factory=dict)
    """What codecs failed with that were passed over."""
    timings: Mapping[str, float] = field(default_factory=dict)
    unsynced: tuple[str, ...] = ()
    error: Exception | None = None
    tries: int = 1


@dataclass(frozen=True, slots=True)
class Line:
    """What the steps work with.

    `fetch` copies a chunk to a local file and returns its SHA-256; `folder_of` tells where it is committed.
    `shared`: the store is a mount, where each file is synced as it is written. `models` may hold weights.
    """

    fetch: Callable[[Chunk, Path], str]
    store: Store
    compute: Compute
    budget: MemoryBudget
    spool: Spool
    clock: Clock
    registry: Registry
    worker: str
    level: str
    method: str
    shared: bool
    folder_of: Callable[[Chunk], str]
    models: Sequence[Path] = ()

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
        )


def process(
    line: Line, job: Job, chunks: Sequence[Chunk], *, held: Callable[[], None], exclude: Collection[str]
) -> list[Outcome]:
    """Bring chunks of a leased job from their source to commits that read back; outcomes in any order.

    Small chunks go together, so that a step costs little more for many than for one. `held` raises LeaseLost
    where the job's lease is gone; `exclude` names codecs that must not be tried. Raises what the steps raise;
    whatever that is, nothing half-done is left that a reader would take for whole.
    """
    done, todo = _look_for_commits(line, chunks)
    method, level, watch = job.method or line.method, _level(job, line), Stopwatch(len(todo))
    with line.spool.places(len(todo)) as places, ExitStack() as held_memory:
        with watch.step("fetch"):
            hashes = [line.fetch(chunk, place.original) for chunk, place in zip(todo, places, strict=True)]
        with watch.step("compress"):
            held_memory.enter_context(line.budget.reserve(_need(line, todo, places, method, level)))
            orders = [Order.of(chunk, place, method, level, exclude) for chunk, place in zip(todo, places, strict=True)]
            encoded = line.compute.compress(orders)
        watch.split("compress", sum(one.seconds for one in encoded), rest="queue")
        works = [
            _Work(chunk, place, original_hash, one, line.describe(job, chunk, one, original_hash, watch.seconds))
            for chunk, place, original_hash, one in zip(todo, places, hashes, encoded, strict=True)
        ]
        with watch.step("verify"):
            _require_equal(works, line.compute.verify([work.proof for work in works]))
        with watch.step("commit"):
            unsynced = [_commit(line, work, held) for work in works]
    return done + [work.outcome(watch.seconds, paths) for work, paths in zip(works, unsynced, strict=True)]


def group(chunks: Sequence[Chunk]) -> Iterator[list[Chunk]]:
    """Put small neighbours together; a large chunk, and one whose hash nobody declared, goes alone."""
    together: list[Chunk] = []
    size = 0
    for chunk in chunks:
        if together and (len(together) == TOGETHER or size + chunk.size > TOGETHER_BYTES or not chunk.original_hash):
            yield together
            together, size = [], 0
        together, size = [*together, chunk], size + chunk.size
        if not chunk.original_hash:
            yield together
            together, size = [], 0
    if together:
        yield together


@dataclass(frozen=True, slots=True)
class _Work:
    """One chunk between the steps."""

    chunk: Chunk
    place: Place
    original_hash: str
    encoded: Compressed
    recipe: bytes

    @property
    def proof(self) -> Proof:
        """What verifying needs."""
        return Proof(self.recipe, self.place.payload, self.chunk.size, self.encoded.method)

    def outcome(self, timings: Mapping[str, float], unsynced: tuple[str, ...]) -> Outcome:
        """Return the chunk's outcome, committed."""
        return Outcome(
            self.chunk,
            State.COMMITTED,
            original_hash=self.original_hash,
            method=self.encoded.method,
            payload_size=self.encoded.payload_size,
            payload_hash=self.encoded.payload_hash,
            device=self.encoded.device,
            kind=self.encoded.kind,
            faults={method: error for method, _, error in self.encoded.trials if error},
            timings=dict(timings),
            unsynced=unsynced,
        )


class Stopwatch:
    """Seconds that each step took for one of `count` chunks."""

    def __init__(self, count: int) -> None:
        """Start with no step."""
        self.seconds: dict[str, float] = {}
        self._count = max(count, 1)

    def split(self, name: str, seconds: float, rest: str) -> None:
        """Count `seconds` of the step `name` as its own and what is left as `rest`."""
        own = seconds / self._count
        self.seconds[rest] = max(0.0, self.seconds[name] - own)
        self.seconds[name] = own

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time the block."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = (time.perf_counter() - start) / self._count


def _level(job: Job, line: Line) -> Level:
    wanted = job.level or line.level
    try:
        return Level(wanted)
    except ValueError as error:
        raise ManifestInvalid(
            f"{job.manifest_path} asks for level {wanted!r}; expected one of {', '.join(Level)}; submit it again"
        ) from error


def _need(line: Line, chunks: Sequence[Chunk], places: Sequence[Place], method: str, level: Level) -> int:
    """Return the bytes of memory that compressing takes; what a large chunk is makes a large difference."""
    size = sum(chunk.size for chunk in chunks)
    kind = None
    if size > TOGETHER_BYTES:
        with places[0].original.open("rb") as file:
            kind = classify(file.read(TOGETHER_BYTES))
    return estimate_memory(size, method, level, registry=line.registry, kind=kind)


def _look_for_commits(line: Line, chunks: Sequence[Chunk]) -> tuple[list[Outcome], list[Chunk]]:
    done, todo = [], []
    for chunk in chunks:
        folder = line.folder_of(chunk)
        commit = already_committed(line.store, folder, chunk.original_hash)
        if commit is None:
            todo.append(chunk)
            continue
        done.append(
            Outcome(
                chunk,
                State.ALREADY,
                original_hash=commit.recipe.original_hash,
                method=commit.recipe.compression_method,
                payload_size=commit.payload_size,
                payload_hash=commit.payload_hash,
                device=commit.recipe.device or "",
            )
        )
    return done, todo


def _require_equal(works: Sequence[_Work], decoded: Sequence[str]) -> None:
    for work, found in zip(works, decoded, strict=True):
        if found != work.original_hash:
            raise VerificationFailed(
                f"{work.chunk.name}: {work.encoded.method} decodes to SHA-256 {found}, the chunk has "
                f"{work.original_hash}; the payload was thrown away",
                work.encoded.method,
            )


def _commit(line: Line, work: _Work, held: Callable[[], None]) -> tuple[str, ...]:
    """Commit one chunk; return the files that are still to be synced."""
    folder = line.folder_of(work.chunk)
    if not work.chunk.original_hash and already_committed(line.store, folder, work.original_hash):
        return ()
    keep_weights(line.store, line.models, work.encoded.parameters)
    durable = line.shared or work.encoded.payload_size >= SYNCED_ALONE
    written = write_commit(
        line.store,
        folder,
        work.recipe,
        work.place.payload,
        work.encoded.payload_hash,
        durable=durable,
        allowed=held,
    )
    return () if durable else written
