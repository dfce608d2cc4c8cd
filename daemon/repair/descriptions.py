"""What is known of a file and its chunks, from its manifest and from recipes, good or damaged."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from panini_daemon.inspection import FileLook
from panini_daemon.repair.strays import Strays
from panini_daemon.repair.survey import base_of
from panini_daemon.restoration import told_total
from panini_daemon.storage.chunk_tree import read_tree
from panini_daemon.storage.commits import MANIFEST
from panini_daemon.storage.errors import ManifestInvalid
from panini_daemon.storage.jobs import SourceFile
from panini_daemon.storage.plans import Wanted
from panini_daemon.storage.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Described:
    """A file and its chunks by id. `sound` are the recipes of chunks that are good; `sources` what recipes tell."""

    file: SourceFile
    chunks: Mapping[int, Wanted]
    sound: Mapping[int, Recipe]
    sources: tuple[Mapping[str, object], ...]


def describe(look: FileLook, strays: Strays) -> Described:
    """Return what the manifest tells, completed from the recipes of the chunks."""
    base = base_of(look.folder)
    file, listed = read_published(look.manifest, base)
    chunks = {chunk.chunk_id: chunk for chunk in listed}
    sound = {id_: chunk.commit.recipe for id_, chunk in look.chunks.items() if chunk.commit and not chunk.error}
    # A damaged recipe counts where it lies in its own place, or where something else tells of that chunk.
    known = chunks.keys() | look.chunks.keys()
    damaged = [
        one.recipe
        for stray_base, chunk_id in strays.spots()
        if stray_base == base
        for one in strays.recipes(base, chunk_id)
        if one.recipe and (chunk_id in known or one.home == f"{look.folder}/chunk_{chunk_id:04d}")
    ]
    recipes = [recipe for recipe in (*sound.values(), *damaged) if recipe.base in (None, base)]
    for recipe in recipes:
        told = wanted_of(recipe, base)
        chunks[recipe.chunk_id] = complete(chunks.get(recipe.chunk_id, told), told)
    total, ids = told_total(recipes), {recipe.chunk_id for recipe in recipes}
    if total and len(ids) == total:  # all are known: another id in the manifest is wrong
        chunks = {chunk_id: chunk for chunk_id, chunk in chunks.items() if chunk_id in ids}
    total = max(total or file.total_chunks or 0, len(chunks))
    sources = tuple(recipe.source for recipe in (*damaged, *sound.values()) if recipe.source)
    return Described(replace(file, total_chunks=total or None), fill_offsets(chunks), sound, sources)


def read_published(manifest: Mapping[str, object], base: str) -> tuple[SourceFile, list[Wanted]]:
    """Return what a manifest beside chunks says, nothing where it is damaged."""
    try:
        return read_tree(dict(manifest), base, f"{base}/{MANIFEST}") if manifest else (SourceFile(base), [])
    except ManifestInvalid:
        return SourceFile(base), []


def wanted_of(recipe: Recipe, base: str) -> Wanted:
    """Return what a recipe tells of its chunk."""
    place = recipe.assembly_info
    return Wanted(
        base=base,
        chunk_id=recipe.chunk_id,
        offset=recipe.offset if place.size is not None else None,
        size=recipe.size,
        original_hash=recipe.original_hash or None,
        pattern_type=recipe.pattern_type,
        grammar_id=recipe.grammar_id,
        depends_on=tuple(place.depends_on),
    )


def complete(chunk: Wanted, told: Wanted) -> Wanted:
    """Return a chunk's description with what only the other one tells."""
    return replace(
        chunk,
        offset=told.offset if chunk.offset is None else chunk.offset,
        size=told.size if chunk.size is None else chunk.size,
        original_hash=chunk.original_hash or told.original_hash,
        pattern_type=chunk.pattern_type or told.pattern_type,
        grammar_id=chunk.grammar_id or told.grammar_id,
        depends_on=chunk.depends_on or told.depends_on,
    )


def fill_offsets(chunks: Mapping[int, Wanted]) -> dict[int, Wanted]:
    """Place chunks whose offset nobody told behind the one before, as a file is cut."""
    filled: dict[int, Wanted] = {}
    for chunk_id, chunk in sorted(chunks.items()):
        before, offset = filled.get(chunk_id - 1), chunk.offset
        if offset is None and chunk_id == 0:
            offset = 0
        elif offset is None and before and before.offset is not None and before.size is not None:
            offset = before.offset + before.size
        filled[chunk_id] = replace(chunk, offset=offset)
    return filled
