"""First of all: chunks whose own files are whole and whose run is lost, where the run is elsewhere in the tree.

A run's file is called by its SHA-256, so whatever other bytes lie in its place are of no use to anybody.
"""

from collections.abc import Collection, Mapping
from functools import partial

from panini_daemon.repair.case import Case
from panini_daemon.repair.findings import Damage, Fate, Tools
from panini_daemon.repair.strays import walk_folders
from panini_daemon.storage.commits import read_recipe
from panini_daemon.storage.errors import NotCommitted, RecipeInvalid, RunLost, StoreUnavailable
from panini_daemon.storage.names import plain_name
from panini_daemon.storage.recipe import Recipe
from panini_daemon.storage.root import CHUNKS
from panini_daemon.storage.run_files import look_at_run_file
from panini_daemon.storage.solid import RunFile, parse_slice


def bring_back_runs(case: Case) -> None:
    """Put runs in place from copies: duplicates, and the same run of another file. Raises StoreUnavailable."""
    lost: dict[str, list[Damage]] = {}
    for _, damage in case.chunks():
        if damage.look is not None and isinstance(damage.look.error, RunLost):
            lost.setdefault(damage.look.error.run, []).append(damage)
    known = {place: _describe(case.tools, damages) for place, damages in lost.items()}
    files = {place: parse_slice(recipe).run.file for place, recipe in known.items() if recipe}
    copies = _find_copies(case.tools, {file.name for file in files.values()}) if files else {}
    for place, file in files.items():
        good = (path for path in copies.get(file.name, ()) if look_at_run_file(case.tools.store, path, file) is None)
        path = next((one for one in good if one != place), None)
        if path is not None and case.act(lost[place][0], partial(_put, case.tools, file, path)):
            for damage in lost[place]:
                if recipe := _describe(case.tools, [damage]):
                    case.mended[damage.spot] = recipe
                case.end(damage, Fate.MENDED, f"its run, {place}, was put in place from {path}")


def _describe(tools: Tools, damages: Collection[Damage]) -> Recipe | None:
    """Return the first recipe that names a run."""
    for damage in damages:
        try:
            recipe = read_recipe(tools.store, damage.spot.folder)
            parse_slice(recipe)
        except (NotCommitted, RecipeInvalid):
            continue
        return recipe
    return None


def _find_copies(tools: Tools, names: Collection[str]) -> Mapping[str, list[str]]:
    """Return where files of these names are, by name, wherever in the tree, also as what a shared folder duplicates."""
    found: dict[str, list[str]] = {}
    for folder, entries in walk_folders(tools.store, CHUNKS):
        for entry in entries:
            if entry.kind == "file" and (plain := plain_name(entry.name)) in names:
                found.setdefault(plain, []).append(f"{folder}/{entry.name}")
    return {name: sorted(paths) for name, paths in found.items()}


def _put(tools: Tools, file: RunFile, path: str) -> None:
    tools.store.write(file.place, tools.store.read(path))
    if (wrong := look_at_run_file(tools.store, file.place, file)) is not None:
        raise StoreUnavailable(f"{wrong}, though it was just written; the folder is failing; start the repair again")
