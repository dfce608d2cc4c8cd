"""Chunks that a run in the tree holds already: filed as slices of it, without compressing anything.

The run is decoded once, by the code that a reader uses, and each chunk's SHA-256 compared, before anything names it.
"""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from panini_daemon.compressors import Level, estimate_memory
from panini_daemon.compressors.errors import CompressorError
from panini_daemon.errors import ComputeFailed
from panini_daemon.line import Line, level_of, outcome_of, unsynced_of
from panini_daemon.outcomes import Outcome, State
from panini_daemon.recipes import EMPTY_HASH, make_slice_recipe
from panini_daemon.spool import unavailable
from panini_daemon.storage.commits import Commit, already_committed, write_commit
from panini_daemon.storage.digests import Digests
from panini_daemon.storage.errors import NotFound
from panini_daemon.storage.jobs import Chunk, Job
from panini_daemon.storage.recipe import parse_recipe
from panini_daemon.storage.solid import Run, Slice, parse_slice
from panini_daemon.storage.store import Store


@dataclass(frozen=True, slots=True)
class Adoptee:
    """A chunk with its SHA-256, its place in the run of the committed slice `like`, and whether the run is its own.

    What is of another file, or there twice, counts for nothing in the tree.
    """

    chunk: Chunk
    original_hash: str
    like: Commit
    where: Slice
    own: bool


def same_as(chunk: Chunk, original_hash: str, twin: Commit) -> Adoptee:
    """Return a chunk that has the bytes of a committed slice. Raises RecipeInvalid."""
    return Adoptee(chunk, original_hash, twin, parse_slice(twin.recipe), own=False)


def adopt(line: Line, job: Job, adoptees: Sequence[Adoptee], held: Callable[[], None]) -> list[Outcome]:
    """Commit chunks as slices of runs that are in the tree; return the outcomes of those that the runs really hold.

    `held` raises where the job's lease is gone. Raises StoreUnavailable, StoreFull, SpoolUnavailable, ComputeStopped.
    """
    by_run: dict[str, list[Adoptee]] = {}
    for one in adoptees:
        by_run.setdefault(one.like.run, []).append(one)
    outcomes: list[Outcome] = []
    for several in by_run.values():
        outcomes += _adopt_from_one(line, job, several, held)
    return outcomes


def commit_slice(
    line: Line,
    chunk: Chunk,
    original_hash: str,
    recipe: bytes,
    empty: Path,
    held: Callable[[], None],
    digests: Digests,
) -> tuple[State, Commit, tuple[str, ...]]:
    """Commit one slice whose run is there, unless the chunk is committed; return the files still to be synced, too.

    `empty` is a local file of no bytes.
    """
    folder = line.folder_of(chunk)
    if (commit := already_committed(line.store, folder, original_hash, digests)) is not None:
        return State.ALREADY, commit, unsynced_of(line, commit)
    written = write_commit(
        line.store, folder, recipe, empty, EMPTY_HASH, durable=line.shared, consume=False, allowed=held
    )
    mine = parse_recipe(recipe)
    commit = Commit(mine, written[0], EMPTY_HASH, 0, parse_slice(mine).run.file.place)
    return State.COMMITTED, commit, unsynced_of(line, commit)


def name_several(chunks: Sequence[Chunk]) -> str:
    """Return what a person knows several chunks by."""
    return chunks[0].name if len(chunks) == 1 else f"{chunks[0].name} and {len(chunks) - 1} more"


def write_empty(path: Path) -> None:
    """Make a local file of no bytes. Raises SpoolUnavailable."""
    try:
        path.write_bytes(b"")
    except OSError as error:
        raise unavailable(path, error) from error


def _adopt_from_one(line: Line, job: Job, adoptees: Sequence[Adoptee], held: Callable[[], None]) -> list[Outcome]:
    run, path = adoptees[0].where.run, adoptees[0].like.run
    if path != run.file.place:  # found beside a chunk that was moved: others would not find it
        return []
    alike = [one for one in adoptees if one.where.run == run]  # any other is not of this run, whatever it says
    recipes = [_describe(line, job, one) for one in alike]
    with line.spool.places(1) as (place,), line.budget.reserve(_need(line, job, run)):
        try:
            if not _copy(line.store, path, place.payload):
                return []
            found = line.compute.verify_run(
                recipes, place.payload, run.size, run.method, name_several([one.chunk for one in alike])
            )
        except ComputeFailed:  # damaged, or too much for this machine: `verify --deep` tells which
            return []
        write_empty(place.original)
        digests = Digests()
        return [
            outcome_of(
                one.chunk, *commit_slice(line, one.chunk, one.original_hash, recipe, place.original, held, digests)
            )
            for one, recipe, sha256 in zip(alike, recipes, found, strict=True)
            if sha256 == one.original_hash
        ]


def _describe(line: Line, job: Job, one: Adoptee) -> bytes:
    like = one.like.recipe
    level = like.stats.get("level")
    return make_slice_recipe(
        job,
        one.chunk,
        one.where,
        original_hash=one.original_hash,
        charged=one.where.share(one.chunk.size) if one.own else 0,
        kind=str(like.stats.get("kind", "")),
        device=like.device or "",
        worker=line.worker,
        moment=line.clock.now(),
        level=level if isinstance(level, str) else "",
    )


def _need(line: Line, job: Job, run: Run) -> int:
    try:
        return estimate_memory(run.size, run.method, Level(level_of(job, line)), registry=line.registry)
    except CompressorError:  # then it is not decoded either
        return 4 * run.size


def _copy(store: Store, path: str, target: Path) -> bool:
    try:
        with store.open(path) as source, target.open("wb") as copy:
            shutil.copyfileobj(source, copy, 1 << 20)
    except NotFound:
        return False
    except OSError as error:
        raise unavailable(target, error) from error
    return True
