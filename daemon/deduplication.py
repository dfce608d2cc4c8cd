"""Chunks whose bytes the tree holds already: filed as a reference to them instead of being compressed again.

The index only hints at a twin. The twin's commit is looked at and decoded, by the code that a reader uses, before
anything refers to it, and what cannot be used is simply compressed.
"""

import shutil
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from panini_daemon.budget import MemoryBudget
from panini_daemon.compute import Compressed, Compute, Proof
from panini_daemon.errors import ComputeFailed
from panini_daemon.recipes import make_recipe
from panini_daemon.spool import Spool, unavailable
from panini_daemon.storage.chunk_index import ChunkIndex
from panini_daemon.storage.clock import Clock
from panini_daemon.storage.commits import Commit, find_commit, write_commit
from panini_daemon.storage.errors import NotCommitted, NotFound
from panini_daemon.storage.jobs import Chunk, Job
from panini_daemon.storage.recipe import format_recipe
from panini_daemon.storage.references import REFERENCE_METHOD, REFERENCE_RECONSTRUCTION
from panini_daemon.storage.store import Store

SMALLEST, SMALLEST_PAYLOAD = 256, 64
"""Bytes of a chunk, and of its twin's payload, from which a reference is worth being bound to another file."""
SETTLED = timedelta(days=1)
"""How long before its job a chunk must have been filed to be referred to in a folder that is late: by so much that
every worker sees it, whatever the clocks say, and all of them refer to it or none does."""
EMPTY_HASH = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@dataclass(frozen=True, slots=True)
class Twins:
    """Finds twins and refers to them.

    `shared`: files are synced as they are written; `late`: others see them late and in any order.
    """

    store: Store
    index: ChunkIndex
    compute: Compute
    budget: MemoryBudget
    spool: Spool
    clock: Clock
    worker: str
    folder_of: Callable[[Chunk], str]
    shared: bool
    late: bool

    def refer(self, job: Job, chunk: Chunk, held: Callable[[], None]) -> tuple[Commit, tuple[str, ...]] | None:
        """Commit a chunk as a reference; return its commit and the files still to be synced, None without a twin.

        `held` raises where the job's lease is gone. Raises StoreUnavailable, StoreFull, SpoolUnavailable,
        ComputeStopped.
        """
        digest = chunk.original_hash
        if digest is None or chunk.size < SMALLEST:
            return None
        place = self.index.find(digest)
        if place is None or place == self.folder_of(chunk):
            return None
        twin = self._find(place, digest, chunk)
        if twin is None:
            self.index.forget(digest, place)
            return None
        if self.late and not _is_settled(job, twin):
            return None
        with self.spool.places(1) as (room,), ExitStack() as held_memory:
            held_memory.enter_context(self.budget.reserve(4 * chunk.size))
            if not self._decodes(twin, chunk, room.payload):
                self.index.forget(digest, place)
                return None
            _empty(room.payload)
            recipe = self._describe(job, chunk, place, twin)
            folder = self.folder_of(chunk)
            written = write_commit(
                self.store, folder, recipe, room.payload, EMPTY_HASH, durable=self.shared, consume=False, allowed=held
            )
        commit = find_commit(self.store, folder)
        return commit, () if self.shared else (*written, *twin.paths)

    def note(self, chunk: Chunk, original_hash: str | None, method: str, payload_size: int) -> None:
        """Remember a committed chunk, where it is worth being referred to and holds its bytes itself."""
        worth = chunk.size >= SMALLEST and payload_size >= SMALLEST_PAYLOAD
        if original_hash and worth and method != REFERENCE_METHOD:
            self.index.add(original_hash, self.folder_of(chunk))

    def split(self, chunks: Sequence[Chunk]) -> tuple[list[Chunk], list[Chunk]]:
        """Return the chunks to compress now, and those to look at again when these are committed: they are equal."""
        first: list[Chunk] = []
        again: list[Chunk] = []
        seen: set[str] = set()
        for chunk in chunks:
            repeats = chunk.original_hash in seen and chunk.size >= SMALLEST and not self.late
            (again if repeats else first).append(chunk)
            seen.add(chunk.original_hash or "")
        return first, again

    def _find(self, place: str, digest: str, chunk: Chunk) -> Commit | None:
        """Look at what an index hints at; None where it does not hold these bytes by itself."""
        try:
            commit = find_commit(self.store, place)
        except NotCommitted:
            return None
        recipe = commit.recipe
        same = (recipe.original_hash, recipe.size) == (digest, chunk.size) and recipe.version != "1.0"
        own = recipe.compression_method != REFERENCE_METHOD and commit.payload_size >= SMALLEST_PAYLOAD
        return commit if same and own else None

    def _decodes(self, twin: Commit, chunk: Chunk, payload: Path) -> bool:
        try:
            with self.store.open(twin.payload_path) as source, payload.open("wb") as copy:
                shutil.copyfileobj(source, copy, 1 << 20)
        except NotFound:
            return False
        except OSError as error:
            raise unavailable(payload, error) from error
        recipe = format_recipe(twin.recipe.model_dump(mode="json"))
        try:
            proof = Proof(recipe, payload, chunk.size, twin.recipe.compression_method, chunk.name)
            found = self.compute.verify([proof])
        except ComputeFailed:  # damaged, or too much for this machine: `verify --deep` tells which
            return False
        return found == [chunk.original_hash]

    def _describe(self, job: Job, chunk: Chunk, place: str, twin: Commit) -> bytes:
        other = twin.recipe
        if other.base == chunk.base:
            chunk = replace(chunk, depends_on=tuple(sorted({*chunk.depends_on, other.chunk_id})))
        encoded = Compressed(
            method=REFERENCE_METHOD,
            reconstruction=REFERENCE_RECONSTRUCTION,
            parameters={"reference_path": place},
            kind=str(other.stats.get("kind", "")),
            seconds=0.0,
            payload_size=0,
            payload_hash=EMPTY_HASH,
            trials=(),
            device=other.device or "",
        )
        return make_recipe(
            job,
            chunk,
            encoded,
            original_hash=chunk.original_hash or "",
            worker=self.worker,
            moment=self.clock.now(),
            timings={},
        )


def _is_settled(job: Job, twin: Commit) -> bool:
    try:
        made = datetime.fromisoformat(job.created_at)
        return datetime.fromisoformat(twin.recipe.uploaded_at or "") + SETTLED <= made
    except (ValueError, TypeError, OverflowError):  # no time, or one without a zone
        return False


def _empty(path: Path) -> None:
    try:
        path.write_bytes(b"")
    except OSError as error:
        raise unavailable(path, error) from error
