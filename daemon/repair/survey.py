"""What is wrong below a folder of committed files, before anything is done about it."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from panini_daemon.inspection import FileLook, list_problems, look_at_files
from panini_daemon.repair.findings import Damage, Spot, Tools
from panini_daemon.restoration import expected_hashes, expected_ids, told_total
from panini_daemon.storage.commits import read_recipe
from panini_daemon.storage.errors import HashMismatch, NotCommitted, NotFound
from panini_daemon.storage.names import plain_name
from panini_daemon.storage.root import CHUNKS


@dataclass(slots=True)
class Survey:
    """What was found: files that are not as they should be, by base, and their damaged chunks.

    `duplicates` are folders that a shared folder shows beside the one that they belong to. `sound` counts the rest.
    """

    roots: list[str]
    files: dict[str, FileLook] = field(default_factory=dict)
    damages: dict[Spot, Damage] = field(default_factory=dict)
    duplicates: dict[str, FileLook] = field(default_factory=dict)
    sound: int = 0


def base_of(folder: str) -> str:
    """Return the base whose chunks lie in a folder."""
    return folder.removeprefix(CHUNKS).removeprefix("/")


def take_survey(tools: Tools, folder: str) -> Survey:
    """Look at every file below `folder` and below its duplicates. Raises StoreUnavailable."""
    survey = Survey([folder, *_list_duplicates(tools, folder)])
    for root in survey.roots:
        for look in look_at_files(tools.reader, root, deep=tools.deep, threads=tools.threads, on_chunk=tools.on_chunk):
            if _is_duplicate(look):
                survey.duplicates[look.folder] = look
            elif any(list_problems(look)) or _lacks_manifest(look):
                survey.files[base_of(look.folder)] = look
                survey.damages |= {damage.spot: damage for damage in list_damages(look)}
            else:
                survey.sound += 1
    for base in [base for base, look in survey.files.items() if look.manifest and not look.chunks]:
        if _is_manifest_of_another(tools, base, survey.files[base]):
            look = survey.files.pop(base)
            survey.duplicates[look.folder] = look
            survey.damages = {spot: damage for spot, damage in survey.damages.items() if spot.base != base}
    return survey


def list_damages(look: FileLook) -> Iterator[Damage]:
    """Yield the chunks of a file that are damaged or not there."""
    base, hashes = base_of(look.folder), expected_hashes(look.manifest)
    total = told_total(chunk.commit.recipe for chunk in look.chunks.values() if chunk.commit)
    # Where as many are there as their recipes tell of, another id in the manifest is wrong.
    for chunk_id in look.missing if not total or len(look.chunks) < total else ():
        yield Damage(Spot(base, chunk_id), "it is not there", hashes.get(chunk_id))
    for chunk_id, chunk in look.chunks.items():
        if chunk.error is not None:
            own = chunk.commit is not None and chunk.commit.recipe.base == base
            doubtful = own and isinstance(chunk.error, HashMismatch)
            yield Damage(Spot(base, chunk_id), str(chunk.error), hashes.get(chunk_id), chunk, doubtful)
    known = {*look.chunks, *expected_ids(look.manifest)}
    if len(known) < total and max(known) < total:
        for chunk_id in sorted(set(range(total)) - known):
            yield Damage(Spot(base, chunk_id), "the recipes beside it tell of it, and it is not there")


def _is_duplicate(look: FileLook) -> bool:
    """Tell whether a folder is the second one of its name: what is in it says that it is of the first."""
    base = base_of(look.folder)
    plain = "/".join(plain_name(segment) for segment in base.split("/"))
    told = {chunk.commit.recipe.base for chunk in look.chunks.values() if chunk.commit}
    return base != plain and told == {plain}


def _is_manifest_of_another(tools: Tools, base: str, look: FileLook) -> bool:
    """Tell whether a folder with only a manifest is the second one of its name: the chunks in the first are of it."""
    plain = "/".join(plain_name(segment) for segment in base.split("/"))
    agreeing = 0
    for chunk_id, expected in expected_hashes(look.manifest).items() if plain != base else ():
        try:
            agreeing += read_recipe(tools.store, Spot(plain, chunk_id).folder).original_hash == expected
        except NotCommitted:
            continue
    return agreeing > 0


def _lacks_manifest(look: FileLook) -> bool:
    return not look.manifest and told_total(chunk.commit.recipe for chunk in look.chunks.values() if chunk.commit) > 0


def _list_duplicates(tools: Tools, folder: str) -> list[str]:
    """Return the folders beside one that a shared folder shows as its duplicates."""
    parent, _, name = folder.rpartition("/")
    if folder == CHUNKS:
        return []
    try:
        entries = tools.store.list(parent)
    except NotFound:
        return []
    beside = (entry.name for entry in entries if entry.kind == "folder" and entry.name != name)
    return [f"{parent}/{other}" for other in sorted(beside) if plain_name(other) == name]
