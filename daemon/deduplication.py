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
from panini_daemon.storage.commits import Commit, find_commit, find_host, write_commit
from panini_daemon.storage.errors import NotCommitted, NotFound, UnsafeName
from panini_daemon.storage.jobs import Chunk, Job
from panini_daemon.storage.recipe import Recipe, format_recipe
from panini_daemon.storage.references import REFERENCE_METHOD, REFERENCE_RECONSTRUCTION
from panini_daemon.storage.root import CHUNKS
from panini_daemon.storage.solid import SLICE_METHOD, SLICE_RECONSTRUCTION, WHOLE_METHOD, Slice, parse_run, parse_slice
from panini_daemon.storage.store import Store

SMALLEST, SMALLEST_PAYLOAD = 256, 64
"""Bytes of a chunk, and of its twin's payload, from which a reference is worth being bound to another file."""
SETTLED = timedelta(days=1)
"""How long before its job a chunk must have been filed to be referred to in a folder that is late: by so much that
every worker sees it, whatever the clocks say, and all of them refer to it or none does."""
EMPTY_HASH = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@dataclass(frozen=True, slots=True)
class _Twin:
    """A committed chunk with the wanted bytes: the files to decode it by, and what a reference to it says."""

    commit: Commit
    proof: Recipe
    payload: Commit
    size: int
    method: str
    reconstruction: str
    parameters: dict[str, object]


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
            held_memory.enter_context(self.budget.reserve(4 * twin.size))
            if not self._decodes(twin, digest, room.payload):
                self.index.forget(digest, place)
                return None
            _empty(room.payload)
            recipe = self._describe(job, chunk, twin, digest)
            folder = self.folder_of(chunk)
            written = write_commit(
                self.store, folder, recipe, room.payload, EMPTY_HASH, durable=self.shared, consume=False, allowed=held
            )
        commit = find_commit(self.store, folder)
        others = (*twin.commit.paths, *twin.payload.paths)
        return commit, () if self.shared else tuple(dict.fromkeys((*written, *others)))

    def note(self, chunk: Chunk, original_hash: str | None, method: str, payload_size: int) -> None:
        """Remember a committed chunk, where it is worth being referred to and holds its bytes itself."""
        worth = method == SLICE_METHOD or payload_size >= SMALLEST_PAYLOAD
        if original_hash and chunk.size >= SMALLEST and worth and method != REFERENCE_METHOD:
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

    def _find(self, place: str, digest: str, chunk: Chunk) -> _Twin | None:
        """Look at what an index hints at; None where it does not hold these bytes by itself."""
        try:
            commit = find_commit(self.store, place)
            recipe = commit.recipe
            method = recipe.compression_method
            if (recipe.original_hash, recipe.size) != (digest, chunk.size) or recipe.version == "1.0":
                return None
            if method == SLICE_METHOD:
                host, where = find_host(self.store, place, recipe), parse_slice(recipe)
                return _in_run(commit, host, where, digest, chunk.size)
            if method == WHOLE_METHOD:
                where = Slice(place.removeprefix(f"{CHUNKS}/"), commit.payload_hash, parse_run(recipe).offset)
                return _in_run(commit, commit, where, digest, chunk.size)
        except (NotCommitted, UnsafeName):
            return None
        if method == REFERENCE_METHOD or commit.payload_size < SMALLEST_PAYLOAD:
            return None
        told: dict[str, object] = {"reference_path": place}
        return _Twin(commit, recipe, commit, chunk.size, REFERENCE_METHOD, REFERENCE_RECONSTRUCTION, told)

    def _decodes(self, twin: _Twin, digest: str, payload: Path) -> bool:
        try:
            with self.store.open(twin.payload.payload_path) as source, payload.open("wb") as copy:
                shutil.copyfileobj(source, copy, 1 << 20)
        except NotFound:
            return False
        except OSError as error:
            raise unavailable(payload, error) from error
        fields = twin.proof.model_dump(mode="json")
        try:
            method = twin.proof.compression_method
            return self.compute.verify([Proof(format_recipe(fields), payload, twin.size, method)]) == [digest]
        except ComputeFailed:  # damaged, or too much for this machine: `verify --deep` tells which
            return False

    def _describe(self, job: Job, chunk: Chunk, twin: _Twin, digest: str) -> bytes:
        other = twin.commit.recipe
        if other.base == chunk.base:
            chunk = replace(chunk, depends_on=tuple(sorted({*chunk.depends_on, other.chunk_id})))
        encoded = Compressed(
            method=twin.method,
            reconstruction=twin.reconstruction,
            parameters=twin.parameters,
            kind=str(other.stats.get("kind", "")),
            seconds=0.0,
            payload_size=0,
            payload_hash=EMPTY_HASH,
            trials=(),
            device=other.device or "",
        )
        return make_recipe(
            job, chunk, encoded, original_hash=digest, worker=self.worker, moment=self.clock.now(), timings={}
        )


def _in_run(commit: Commit, host: Commit, where: Slice, digest: str, size: int) -> _Twin:
    """Return a twin that lies in a run: a slice that names the run's host directly, and a proof that cuts it out."""
    told, recipe = parse_run(host.recipe), host.recipe
    proof = recipe.model_copy(
        update={
            "original_hash": digest,
            "assembly_info": recipe.assembly_info.model_copy(update={"size": size}),
            "reconstruction": recipe.reconstruction.model_copy(
                update={"parameters": replace(told, offset=where.offset).to_parameters()}
            ),
        }
    )
    return _Twin(commit, proof, host, told.size, SLICE_METHOD, SLICE_RECONSTRUCTION, where.to_parameters())


def _is_settled(job: Job, twin: _Twin) -> bool:
    try:
        made = datetime.fromisoformat(job.created_at)
        filed = [datetime.fromisoformat(one.recipe.uploaded_at or "") for one in (twin.commit, twin.payload)]
        return all(moment + SETTLED <= made for moment in filed)
    except (ValueError, TypeError, OverflowError):  # no time, or one without a zone
        return False


def _empty(path: Path) -> None:
    try:
        path.write_bytes(b"")
    except OSError as error:
        raise unavailable(path, error) from error
