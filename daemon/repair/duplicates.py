"""Deleting duplicates that say nothing new beside a good commit."""

from collections.abc import Collection

from panini_daemon.repair.case import Case
from panini_daemon.repair.findings import Tools
from panini_daemon.repair.strays import Stray
from panini_daemon.storage.commits import PAYLOAD, RECIPE, Commit, find_commit
from panini_daemon.storage.errors import NotCommitted, NotFound
from panini_daemon.storage.names import plain_name, plain_path
from panini_daemon.storage.recipe import Recipe


def remove_duplicates(case: Case, spared: Collection[str]) -> None:
    """Delete what is identical to a part of the good commit that it lies beside, or no more than its beginning.

    A recipe that differs only in who wrote it when is identical, too. Chunk folders in `spared` are left alone.
    """
    tools, by_home, needed = case.tools, dict[str, list[Stray]](), _list_needed(case)
    # Kept aside while the place where it belongs was not good yet.
    placed = set[str | None]() if tools.shared else {recipe.payload_hash for recipe in case.mended.values()}
    for stray in case.strays.by_path.values():
        if stray.path not in (f"{stray.home}/{RECIPE}", f"{stray.home}/{PAYLOAD}") and stray.home not in spared:
            by_home.setdefault(stray.home, []).append(stray)
    for home, beside in sorted(by_home.items()):
        try:
            commit = find_commit(tools.store, home)
        except NotCommitted:
            continue
        for stray in beside:
            if stray.sha256 in needed:
                continue
            if stray.sha256 in placed or _is_superfluous(case, stray, home, commit):
                case.result.removed.append(stray.path)
                if not tools.dry_run:
                    tools.ready()
                    tools.store.delete(stray.path)
        for folder in sorted({stray.path.rpartition("/")[0] for stray in beside} - {home}):
            remove_empty(tools, folder)


def _list_needed(case: Case) -> set[str | None]:
    """Return the SHA-256 of the payloads that recipes of chunks name which are still damaged."""
    damaged = case.survey.damages.keys() - case.mended.keys() - case.believed
    recipes = (recipe.recipe for spot in damaged for recipe in case.strays.recipes(spot.base, spot.chunk_id))
    return {recipe.payload_hash for recipe in recipes if recipe}


def _is_superfluous(case: Case, stray: Stray, home: str, commit: Commit) -> bool:
    name = PAYLOAD if plain_name(stray.path.rpartition("/")[2]) == PAYLOAD else RECIPE
    if name == RECIPE and stray.recipe is not None:
        return _says(stray.recipe) == _says(commit.recipe)
    if name == PAYLOAD and stray.size >= commit.payload_size:
        return stray.sha256 == commit.payload_hash
    store = case.tools.store
    try:
        return store.read(f"{home}/{name}").startswith(store.read(stray.path))
    except NotFound:
        return False


def _says(recipe: Recipe) -> tuple[object, ...]:
    """Return all that a recipe tells of the chunk and of how to decode it."""
    return (
        recipe.version,
        recipe.chunk_id,
        recipe.original_hash,
        recipe.payload_hash,
        recipe.compression_method,
        recipe.reconstruction,
        recipe.assembly_info,
    )


def remove_empty(tools: Tools, folder: str) -> None:
    """Delete a duplicate folder, and those that it lies in, as far as nothing is left in them."""
    while not tools.dry_run and folder != plain_path(folder):
        try:
            if tools.store.list(folder):
                return
        except NotFound:
            return
        tools.ready()
        tools.store.delete(folder)
        folder = folder.rpartition("/")[0]
