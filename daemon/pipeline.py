"""The way of one chunk: source -> lease -> fetch -> compress -> verify -> commit -> report.

The service leases the job that a source offered; from there `process` is the whole line, each step one call.
Many chunks are on their way at once, each in a thread of its own; fetching, computing and committing overlap
because each step waits for something else: the folder, a compute process, the folder again.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from panini_daemon.budget import MemoryBudget
from panini_daemon.compressors import Level, Registry, estimate_memory
from panini_daemon.compute import Compressed, Compute, Order
from panini_daemon.errors import VerificationFailed
from panini_daemon.recipes import make_recipe
from panini_daemon.spool import Place, Spool
from panini_daemon.storage.clock import Clock
from panini_daemon.storage.commits import already_committed, write_commit
from panini_daemon.storage.jobs import Chunk, Job
from panini_daemon.storage.store import Store

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
    trials: Mapping[str, int | None] = field(default_factory=dict)
    timings: Mapping[str, float] = field(default_factory=dict)
    unsynced: tuple[str, ...] = ()
    error: Exception | None = None
    tries: int = 1


@dataclass(frozen=True, slots=True)
class Line:
    """What the steps work with.

    `fetch` copies a chunk to a local file and returns its SHA-256; `folder_of` tells where it is committed.
    `shared`: the store is a mount, where each file is synced as it is written.
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
    one_at_a_time: threading.Lock = field(default_factory=threading.Lock)
    """Held while small files are made: local file systems do that one by one, and threads would spin for it."""


def process(line: Line, job: Job, chunk: Chunk, *, held: Callable[[], None], exclude: tuple[str, ...]) -> Outcome:
    """Bring one chunk of a leased job from its source to a commit that reads back.

    `held` raises LeaseLost where the job's lease is gone; `exclude` names codecs that failed on this chunk.
    Raises what the steps raise; whatever that is, nothing half-done is left that a reader would take for whole.
    """
    method, level = job.method or line.method, job.level or line.level
    watch, folder = Stopwatch(), line.folder_of(chunk)
    if chunk.original_hash and (outcome := _found(line, chunk, folder, chunk.original_hash)):
        return outcome
    need = estimate_memory(chunk.size, method, Level(level), registry=line.registry)
    with line.budget.reserve(need), line.spool.place() as place:
        with watch.step("fetch"):
            original_hash = line.fetch(chunk, place.original)
        if not chunk.original_hash and (outcome := _found(line, chunk, folder, original_hash)):
            return outcome
        with watch.step("compress"):
            encoded = line.compute.compress(_order(chunk, place, method, level, exclude))
        watch.split("compress", encoded.seconds, rest="queue")
        recipe = make_recipe(
            job, chunk, encoded, original_hash=original_hash, worker=line.worker,
            moment=line.clock.now(), timings=watch.seconds,
        )  # fmt: skip
        with watch.step("verify"):
            decoded = line.compute.verify(recipe, place.payload, chunk.size, encoded.method)
            _require_equal(decoded, original_hash, chunk, encoded)
        with watch.step("commit"):
            durable = line.shared or encoded.payload_size >= SYNCED_ALONE
            with nullcontext() if durable else line.one_at_a_time:
                written = write_commit(
                    line.store, folder, recipe, place.payload, encoded.payload_hash, durable=durable, allowed=held
                )
    return _committed(chunk, original_hash, encoded, watch.seconds, () if durable else written)


class Stopwatch:
    """Seconds spent in each step."""

    def __init__(self) -> None:
        """Start with no step."""
        self.seconds: dict[str, float] = {}

    def split(self, name: str, seconds: float, rest: str) -> None:
        """Count `seconds` of the step `name` as its own and what is left as `rest`."""
        self.seconds[rest] = max(0.0, self.seconds[name] - seconds)
        self.seconds[name] = seconds

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time the block."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = time.perf_counter() - start


def _found(line: Line, chunk: Chunk, folder: str, original_hash: str) -> Outcome | None:
    commit = already_committed(line.store, folder, original_hash)
    if commit is None:
        return None
    return Outcome(
        chunk,
        State.ALREADY,
        original_hash=original_hash,
        method=commit.recipe.compression_method,
        payload_size=commit.payload_size,
        payload_hash=commit.payload_hash,
        device=commit.recipe.device or "",
    )


def _order(chunk: Chunk, place: Place, method: str, level: str, exclude: tuple[str, ...]) -> Order:
    return Order(
        source=place.original,
        target=place.payload,
        size=chunk.size,
        request=method,
        level=level,
        pattern_type=chunk.pattern_type,
        grammar_id=chunk.grammar_id,
        exclude=exclude,
    )


def _require_equal(decoded: str, original: str, chunk: Chunk, encoded: Compressed) -> None:
    if decoded != original:
        raise VerificationFailed(
            f"{chunk.name}: {encoded.method} decodes to SHA-256 {decoded}, the chunk has {original}; "
            "the payload was thrown away",
            encoded.method,
        )


def _committed(
    chunk: Chunk, original_hash: str, encoded: Compressed, timings: Mapping[str, float], unsynced: tuple[str, ...]
) -> Outcome:
    return Outcome(
        chunk,
        State.COMMITTED,
        original_hash=original_hash,
        method=encoded.method,
        payload_size=encoded.payload_size,
        payload_hash=encoded.payload_hash,
        device=encoded.device,
        kind=encoded.kind,
        trials={method: size for method, size, _ in encoded.trials},
        timings=dict(timings),
        unsynced=unsynced,
    )
