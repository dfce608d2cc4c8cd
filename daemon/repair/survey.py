"""What is wrong below a folder of committed files, before anything is done about it."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from panini_daemon.compressors.errors import CompressorError
from panini_daemon.errors import DaemonError
from panini_daemon.inspection import FileLook, list_problems, look_at_files
from panini_daemon.reader import Reader
from panini_daemon.repair.findings import Damage, Spot, Tools
from panini_daemon.restoration import expected_hashes, expected_ids, told_total
from panini_daemon.storage.commits import read_recipe
from panini_daemon.storage.errors import HashMismatch, NotCommitted, NotFound, StorageError, StoreUnavailable
from panini_daemon.storage.names import plain_name, plain_path
from panini_daemon.storage.recipe import Recipe
from panini_daemon.storage.root import CHUNKS, base_folder


@dataclass(slots=True)
class Survey:
    """What was found: files that are not as they should be, by base, and their damaged chunks.

    `duplicates` are folders that a shared folder shows beside the one that they belong to, with that one's path.
    """

    roots: list[str]
    files: dict[str, FileLook] = field(default_factory=dict)
    damages: dict[Spot, Damage] = field(default_factory=dict)
    duplicates: dict[str, str] = field(default_factory=dict)


def base_of(folder: str) -> str:
    """Return the base whose chunks lie in a folder."""
    return folder.removeprefix(CHUNKS).removeprefix("/")


def take_survey(tools: Tools, folder: str) -> Survey:
    """Look at every file below `folder` and below its duplicates. Raises StoreUnavailable."""
    survey = Survey([folder, *_list_duplicates(tools, folder)])
    for root in survey.roots:
        for look in look_at_files(tools.reader, root, deep=tools.deep, threads=tools.threads, on_chunk=tools.on_chunk):
            if (base := _find_original(tools, look)) is not None:
                survey.duplicates[look.folder] = base_folder(base)
            elif any(list_problems(look)) or _lacks_manifest(look):
                survey.files[base_of(look.folder)] = look
                survey.damages |= {damage.spot: damage for damage in list_damages(tools.reader, look)}
    for base in [base for base, look in survey.files.items() if look.manifest and not look.chunks]:
        if (original := _find_file_of_manifest(tools, base, survey.files[base])) is not None:
            survey.duplicates[survey.files.pop(base).folder] = base_folder(original)
            survey.damages = {spot: damage for spot, damage in survey.damages.items() if spot.base != base}
    return survey


def list_damages(reader: Reader, look: FileLook) -> Iterator[Damage]:
    """Yield the chunks of a file that are damaged or not there. Raises StoreUnavailable."""
    base, hashes = base_of(look.folder), expected_hashes(look.manifest)
    total = told_total(chunk.commit.recipe for chunk in look.chunks.values() if chunk.commit)
    # Where as many are there as their recipes tell of, another id in the manifest is wrong.
    for chunk_id in look.missing if not total or len(look.chunks) < total else ():
        yield Damage(Spot(base, chunk_id), "it is not there", hashes.get(chunk_id))
    for chunk_id, chunk in look.chunks.items():
        if chunk.error is not None:
            own = chunk.commit is not None and chunk.commit.recipe.base == base
            doubtful = own and isinstance(chunk.error, HashMismatch) and decodes(reader, chunk.path)
            yield Damage(Spot(base, chunk_id), str(chunk.error), hashes.get(chunk_id), chunk, doubtful)
    known = {*look.chunks, *expected_ids(look.manifest)}
    if len(known) < total and max(known) < total:
        for chunk_id in sorted(set(range(total)) - known):
            yield Damage(Spot(base, chunk_id), "the recipes beside it tell of it, and it is not there")


def decodes(reader: Reader, folder: str) -> bool:
    """Tell whether a chunk's files give what its recipe says, wherever it belongs. Raises StoreUnavailable."""
    try:
        return reader.read(folder)[1].exact
    except StoreUnavailable:
        raise
    except (StorageError, CompressorError, DaemonError):
        return False


def _find_original(tools: Tools, look: FileLook) -> str | None:
    """Return the base that all recipes in a folder say they are of, where the folder is a duplicate of that one's."""
    base = base_of(look.folder)
    if base == plain_path(base):
        return None
    told = {recipe.base for chunk in look.chunks.values() if (recipe := _recipe_in(tools, chunk.path))}
    other = told.pop() if len(told) == 1 else None
    return other if other and _is_duplicate(base, other) else None


def _find_file_of_manifest(tools: Tools, base: str, look: FileLook) -> str | None:
    """Return the base of whose chunks a folder has the manifest, which is a duplicate and holds nothing else."""
    parent, _, name = base.rpartition("/")
    try:
        beside = [entry.name for entry in tools.store.list(base_folder(parent) if parent else CHUNKS)]
    except NotFound:
        return None
    for other in (f"{parent}/{one}" if parent else one for one in beside if plain_name(one) == plain_name(name)):
        if _is_duplicate(base, other):
            for chunk_id, told in expected_hashes(look.manifest).items():
                recipe = _recipe_in(tools, Spot(other, chunk_id).folder)
                if recipe and recipe.original_hash == told:
                    return other
    return None


def _is_duplicate(base: str, other: str) -> bool:
    return len(base) > len(other) and plain_path(base) == plain_path(other)


def _recipe_in(tools: Tools, folder: str) -> Recipe | None:
    try:
        return read_recipe(tools.store, folder)
    except NotCommitted:
        return None


def _lacks_manifest(look: FileLook) -> bool:
    total = told_total(chunk.commit.recipe for chunk in look.chunks.values() if chunk.commit)
    return total > 0 and not expected_ids(look.manifest)


def _list_duplicates(tools: Tools, folder: str) -> list[str]:
    """Return the folders beside one that a shared folder shows as its duplicates."""
    parent, _, name = folder.rpartition("/")
    if folder == CHUNKS:
        return []
    try:
        entries = tools.store.list(parent)
    except NotFound:
        return []
    beside = sorted(entry.name for entry in entries if entry.kind == "folder")
    return [f"{parent}/{other}" for other in beside if _is_duplicate(other, name)]
