"""Rebuilding a file's manifest, or correcting it, from what its duplicates, jobs and recipes tell."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from panini_daemon.repair.descriptions import Described, read_published
from panini_daemon.storage.commits import MANIFEST
from panini_daemon.storage.errors import ManifestInvalid, NotFound, UnsafeName
from panini_daemon.storage.json_input import MAX_MANIFEST_BYTES, parse_object
from panini_daemon.storage.names import plain_name
from panini_daemon.storage.plans import Wanted
from panini_daemon.storage.reading import read_bounded
from panini_daemon.storage.recipe import Recipe
from panini_daemon.storage.store import Store


@dataclass(frozen=True, slots=True)
class Whole:
    """Size in bytes and SHA-256 of a file that was decoded from the first chunk to the last."""

    size: int
    digest: str


def list_copies(store: Store, folders: Iterable[str]) -> list[tuple[str, dict[str, object]]]:
    """Return path and content of the duplicates of a manifest in these folders that can be read."""
    found = []
    for folder in folders:
        try:
            names = sorted(entry.name for entry in store.list(folder) if plain_name(entry.name) == MANIFEST)
        except NotFound:
            continue
        read = ((path, read_object(store, path)) for path in (f"{folder}/{name}" for name in names))
        found += [(path, manifest) for path, manifest in read if manifest is not None]
    return found


def read_object(store: Store, path: str) -> dict[str, object] | None:
    """Return a JSON object in the tree, None where there is none that can be read."""
    try:
        return parse_object(read_bounded(store, path, MAX_MANIFEST_BYTES), path)
    except (NotFound, UnsafeName, ManifestInvalid):
        return None


def fits(manifest: Mapping[str, object], known: Described) -> bool:
    """Tell whether a manifest lists every chunk that is known of the file and contradicts no good one."""
    listed = {chunk.chunk_id: chunk for chunk in read_published(manifest, known.file.base)[1]}
    if not listed or len(listed) < (known.file.total_chunks or 0) or not listed.keys() >= known.sound.keys():
        return False
    return all(_agree(listed[chunk_id], recipe) for chunk_id, recipe in known.sound.items())


def build(known: Described, whole: Whole | None, kept: Mapping[str, object]) -> dict[str, object] | None:
    """Return the manifest of a file as its recipes tell it; None where they do not tell which chunks it has.

    What the old manifest told beside stays, and `kept`. A chunk of which nothing is known is listed by its id alone.
    """
    ids, total = sorted(known.chunks), known.file.total_chunks or 0
    if len({recipe.assembly_info.total_chunks for recipe in known.sound.values()} - {None}) > 1:
        return None
    if len(ids) < total and ids and ids[-1] < total:
        ids = list(range(total))
    if not ids or len(ids) != total:
        return None
    published = dict(known.file.manifest or {})
    listed = published.get("chunks")
    entries = [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []
    old = {str(entry.get("chunk_id")): entry for entry in entries}
    built = {
        "base_name": known.file.base,
        **kept,
        **published,
        "total_chunks": total,
        "chunks": [
            {**old.get(str(id_), {}), **_entry(id_, known.chunks.get(id_), known.sound.get(id_))} for id_ in ids
        ],
    }
    if whole is not None:
        built |= {"total_size": whole.size, "original_hash": whole.digest}
    return built


def _agree(chunk: Wanted, recipe: Recipe) -> bool:
    return not chunk.original_hash or recipe.original_hash in ("", chunk.original_hash)


def _entry(chunk_id: int, chunk: Wanted | None, recipe: Recipe | None) -> dict[str, object]:
    """Describe a chunk as manifests do; a good chunk's own recipe counts more than what a manifest told."""
    told: dict[str, object] = {"chunk_id": chunk_id}
    if chunk is not None:
        told |= {"offset": chunk.offset, "size": chunk.size, "hash": chunk.original_hash, "pattern": chunk.pattern_type}
    if recipe is not None:
        told |= {"offset": recipe.offset, "hash": recipe.original_hash or None}
        told |= {"size": recipe.size} if recipe.size is not None else {}
    return told
