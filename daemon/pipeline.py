"""The way of one chunk: source -> lease -> fetch -> compress -> verify -> commit -> report.

The service leases the job that a source offered; from there `process` is the whole line, each step one call.
Many chunks are on their way at once, each in a thread of its own; fetching, computing and committing overlap
because each step waits for something else: the folder, a compute process, the folder again.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from panini_daemon.budget import MemoryBudget
from panini_daemon.compressors import Level, Registry, classify, estimate_memory
from panini_daemon.compute import Compressed, Compute, Order, Proof
from panini_daemon.deduplication import Twins
from panini_daemon.errors import VerificationFailed
from panini_daemon.grouping import TOGETHER_BYTES
from panini_daemon.keeping import Ask, Keep
from panini_daemon.recipes import make_recipe
from panini_daemon.spool import Place, Spool
from panini_daemon.stopwatch import Stopwatch
from panini_daemon.storage.clock import Clock
from panini_daemon.storage.commits import Commit, already_committed, write_commit
from panini_daemon.storage.errors import ManifestInvalid, StoreFull, StoreUnavailable
from panini_daemon.storage.jobs import Chunk, Job
from panini_daemon.storage.store import Store
from panini_daemon.weights import keep_weights

SYNCED_ALONE = 1 << 20
"""Payload bytes from which a commit is synced at once; smaller ones of a job are synced together at its end."""

_AUTO = "auto"


class State(StrEnum):
    """How a chunk ended."""

    COMMITTED = "committed"
    ALREADY = "already committed"
    FAILED = "failed"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a chunk; sizes in bytes, timings in seconds by step, `error` where it failed.

    `unsynced` are files that must be synced before the job may leave its source; `kept` tells that the payload was
    made earlier.
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
    kept: bool = False
    chosen: str = ""
    level: str = ""
    error: Exception | None = None
    tries: int = 1


@dataclass(frozen=True, slots=True)
class Line:
    """What the steps work with.

    `fetch` copies a chunk to a local file and returns its SHA-256; `folder_of` tells where it is committed.
    `shared`: the store is a mount, where each file is synced as it is written, and uploaded later: `keep` has the
    payload until then. `models` may hold weights, `twins` finds chunks with the same bytes.
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
            level=_level(job, self),
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
    ask = Ask(job.method or line.method, _level(job, line), tuple(sorted(exclude)))
    referred, todo, again = _refer(line, ask, job, todo, held)
    watch = Stopwatch(len(todo))
    with line.spool.places(len(todo)) as places, ExitStack() as held_memory:
        with watch.step("fetch"):
            fetched = [_fetch(line, ask, chunk, place) for chunk, place in zip(todo, places, strict=True)]
        fresh = [one for one in fetched if one.kept is None]
        with watch.step("compress"):
            held_memory.enter_context(line.budget.reserve(_need(line, fresh, ask)))
            encoded = line.compute.compress([one.order(ask) for one in fresh])
        watch.split("compress", sum(one.seconds for one in encoded), rest="queue")
        works = _combine(line, job, fetched, encoded, watch.seconds)
        with watch.step("verify"):
            new = [work for work in works if not work.kept]
            _require_equal(new, line.compute.verify([work.proof for work in new]))
        with watch.step("commit"):
            unsynced = _commit_all(line, ask, works, held)
    outcomes = [work.outcome(ask.level, watch.seconds, paths) for work, paths in zip(works, unsynced, strict=True)]
    if line.twins is not None:
        for one in (*done, *outcomes):
            line.twins.note(one.chunk, one.original_hash, one.method, one.payload_size)
    outcomes += process(line, job, again, held=held, exclude=exclude) if again else []
    return done + referred + outcomes


@dataclass(frozen=True, slots=True)
class _Fetched:
    """One chunk whose bytes, or whose finished payload, are on local disk. `kept`: what came of it earlier."""

    chunk: Chunk
    place: Place
    original_hash: str
    kept: Compressed | None

    def order(self, ask: Ask) -> Order:
        """Return what the compute process is told."""
        return Order.of(self.chunk, self.place, ask.request, ask.level, ask.exclude)


@dataclass(frozen=True, slots=True)
class _Work:
    """One chunk between the steps."""

    chunk: Chunk
    place: Place
    original_hash: str
    encoded: Compressed
    recipe: bytes
    kept: bool

    @property
    def proof(self) -> Proof:
        """What verifying needs."""
        return Proof(self.recipe, self.place.payload, self.chunk.size, self.encoded.method, self.chunk.name)

    def outcome(self, level: str, timings: Mapping[str, float], unsynced: tuple[str, ...]) -> Outcome:
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
            kept=self.kept,
            chosen=self.encoded.chosen,
            level=level,
        )


def _level(job: Job, line: Line) -> Level:
    wanted = job.level or line.level
    try:
        return Level(wanted)
    except ValueError as error:
        raise ManifestInvalid(
            f"{job.manifest_path} asks for level {wanted!r}; expected one of {', '.join(Level)}; submit it again"
        ) from error


def _need(line: Line, fetched: Sequence[_Fetched], ask: Ask) -> int:
    """Return the bytes of memory that compressing takes; what a large chunk is makes a large difference."""
    if not fetched:
        return 0
    size = sum(one.chunk.size for one in fetched)
    kind = None
    if size > TOGETHER_BYTES:
        with fetched[0].place.original.open("rb") as file:
            kind = classify(file.read(TOGETHER_BYTES))
    return estimate_memory(size, ask.request, Level(ask.level), registry=line.registry, kind=kind)


def _look_for_commits(line: Line, chunks: Sequence[Chunk]) -> tuple[list[Outcome], list[Chunk]]:
    done, todo = [], []
    for chunk in chunks:
        folder = line.folder_of(chunk)
        commit = already_committed(line.store, folder, chunk.original_hash)
        if commit is None:
            todo.append(chunk)
            continue
        done.append(_outcome_of(chunk, State.ALREADY, commit, _unsynced(line, commit)))
    return done, todo


def _outcome_of(chunk: Chunk, state: State, commit: Commit, unsynced: tuple[str, ...]) -> Outcome:
    return Outcome(
        chunk,
        state,
        original_hash=commit.recipe.original_hash,
        method=commit.recipe.compression_method,
        payload_size=commit.payload_size,
        payload_hash=commit.payload_hash,
        device=commit.recipe.device or "",
        unsynced=unsynced,
    )


def _refer(
    line: Line, ask: Ask, job: Job, chunks: Sequence[Chunk], held: Callable[[], None]
) -> tuple[list[Outcome], list[Chunk], list[Chunk]]:
    """Refer to the bytes that the tree holds already; return outcomes, chunks to compress, and chunks equal to those.

    A method that was asked for by name is what its reader expects.
    """
    if line.twins is None or ask.request != _AUTO:
        return [], list(chunks), []
    done, todo = [], []
    for chunk in chunks:
        if (found := line.twins.refer(job, chunk, held)) is None:
            todo.append(chunk)
        else:
            done.append(_outcome_of(chunk, State.COMMITTED, *found))
    return (done, *line.twins.split(todo))


def _unsynced(line: Line, commit: Commit) -> tuple[str, ...]:
    """Return what to sync of a commit that was there: who wrote it may have died before it came to that."""
    return () if line.shared else commit.paths


def _fetch(line: Line, ask: Ask, chunk: Chunk, place: Place) -> _Fetched:
    """Get a chunk's payload where it is kept from an earlier try, else its bytes."""
    kept = line.keep.take(chunk.original_hash, ask, place.payload)
    if kept is not None and chunk.original_hash is not None:
        return _Fetched(chunk, place, chunk.original_hash, kept)
    original_hash = line.fetch(chunk, place.original)
    if chunk.original_hash is None:
        kept = line.keep.take(original_hash, ask, place.payload)
    return _Fetched(chunk, place, original_hash, kept)


def _combine(
    line: Line, job: Job, fetched: Sequence[_Fetched], encoded: Sequence[Compressed], timings: Mapping[str, float]
) -> list[_Work]:
    """Bring each chunk together with what came of it, now or earlier."""
    new, works = iter(encoded), []
    for one in fetched:
        result = one.kept or next(new)
        recipe = line.describe(job, one.chunk, result, one.original_hash, timings)
        works.append(_Work(one.chunk, one.place, one.original_hash, result, recipe, one.kept is not None))
    return works


def _require_equal(works: Sequence[_Work], decoded: Sequence[str]) -> None:
    for work, found in zip(works, decoded, strict=True):
        if found != work.original_hash:
            raise VerificationFailed(
                f"{work.chunk.name}: {work.encoded.method} decodes to SHA-256 {found}, the chunk has "
                f"{work.original_hash}; the payload was thrown away",
                work.encoded.method,
            )


def _commit_all(line: Line, ask: Ask, works: Sequence[_Work], held: Callable[[], None]) -> list[tuple[str, ...]]:
    """Commit chunks; keep their payloads while the folder does not take them, or may still lose them."""
    keep = line.shared
    try:
        return [_commit(line, work, held) for work in works]
    except (StoreUnavailable, StoreFull):
        keep = True
        raise
    finally:
        for work in works if keep else ():
            line.keep.add(work.original_hash, ask, work.encoded, work.place.payload)


def _commit(line: Line, work: _Work, held: Callable[[], None]) -> tuple[str, ...]:
    """Commit one chunk; return the files that are still to be synced.

    Another job of the same base may have come before while this one was compressed: nobody's commit is written over.
    """
    folder = line.folder_of(work.chunk)
    if commit := already_committed(line.store, folder, work.original_hash):
        return _unsynced(line, commit)
    keep_weights(line.store, line.models, work.encoded.parameters)
    durable = line.shared or work.encoded.payload_size >= SYNCED_ALONE
    written = write_commit(
        line.store,
        folder,
        work.recipe,
        work.place.payload,
        work.encoded.payload_hash,
        durable=durable,
        consume=not line.shared,
        allowed=held,
    )
    return () if durable else written
