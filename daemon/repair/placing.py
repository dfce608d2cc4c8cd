"""Putting a chunk in place from copies of its two files, and clearing away what is superfluous then.

Nothing is moved: a file is written under its new name and read back, and what it replaces is written under a
duplicate's name before. So whatever another machine does meanwhile, no last copy of anything goes.
"""

import itertools
from dataclasses import dataclass

from panini_daemon.compressors.errors import CompressorError
from panini_daemon.errors import DaemonError
from panini_daemon.inspection import look_at_chunk
from panini_daemon.repair.findings import Damage, Tools
from panini_daemon.repair.strays import Stray, Strays, read_stray
from panini_daemon.storage.commits import PAYLOAD, RECIPE
from panini_daemon.storage.errors import NotFound, StorageError, StoreUnavailable
from panini_daemon.storage.store import Store


@dataclass(frozen=True, slots=True)
class Copy:
    """A recipe and a payload that together give the chunk."""

    recipe: Stray
    payload: Stray


def is_sound(tools: Tools, damage: Damage) -> bool:
    """Look again: tell whether the chunk is there now. Raises StoreUnavailable."""
    spot = damage.spot
    look, _ = look_at_chunk(
        tools.reader, spot.folder, deep=tools.deep, chunk_id=spot.chunk_id, expected=damage.expected
    )
    return look.error is None


def find_copy(tools: Tools, damage: Damage, strays: Strays, *, strict: bool) -> Copy | None:
    """Return two files that decode to the chunk, the ones in place before others.

    With `strict` the manifest's hash must be theirs where it tells one; without, it is enough that the recipe says
    what chunk it is of. Raises StoreUnavailable.
    """
    spot = damage.spot
    for recipe in sorted(strays.recipes(spot.base, spot.chunk_id), key=lambda one: _rank(one, damage, RECIPE)):
        assert recipe.recipe is not None  # noqa: S101  they are listed by it
        told = recipe.recipe.original_hash
        if damage.expected and told != damage.expected and (strict or recipe.recipe.base != spot.base):
            continue
        for payload in sorted(strays.payloads(recipe), key=lambda one: _rank(one, damage, PAYLOAD)):
            if _decodes(tools, recipe, payload):
                return Copy(recipe, payload)
    return None


def put_in_place(tools: Tools, damage: Damage, copy: Copy, strays: Strays) -> None:
    """Write the two files where they belong and read them back. Raises StoreUnavailable where that is not them."""
    store, folder = tools.store, damage.spot.folder
    for stray, name in ((copy.payload, PAYLOAD), (copy.recipe, RECIPE)):
        target = f"{folder}/{name}"
        if stray.path == target:
            continue
        data = store.read(stray.path)
        tools.ready()
        keep_aside(store, target, strays, instead=data)
        strays.drop(target)
        store.write(target, data)
    found = (read_stray(store, f"{folder}/{name}", folder) for name in (PAYLOAD, RECIPE))
    if [one.sha256 if one else None for one in found] != [copy.payload.sha256, copy.recipe.sha256]:
        raise StoreUnavailable(
            f"{folder} does not read back as it was written; another worker may be writing it, or the folder is "
            "failing; start the repair again"
        )


def clear(tools: Tools, damage: Damage, strays: Strays) -> None:
    """Take a good chunk of something else out of a spot, so that a worker may commit the right one there."""
    for name in (PAYLOAD, RECIPE):
        path = f"{damage.spot.folder}/{name}"
        tools.ready()
        keep_aside(tools.store, path, strays)
        strays.drop(path)
        tools.store.delete(path)


def keep_aside(store: Store, path: str, strays: Strays, *, instead: bytes | None = None) -> None:
    """Keep what lies at `path` under the next free name of a duplicate, unless it is of no use.

    It is of none where another copy of it is there, or where it is no more than the beginning of `instead`.
    """
    try:
        data = store.read(path)
    except NotFound:
        return
    folder, _, name = path.rpartition("/")
    stray = read_stray(store, path, folder)
    if stray is None or strays.is_elsewhere(path, stray.sha256):
        return
    if (instead or b"").startswith(data) and not strays.is_named(stray.sha256):
        return
    aside = free_name(store, path)
    store.write(aside, data)
    if (kept := read_stray(store, aside, folder)) is None or kept.sha256 != stray.sha256:
        raise StoreUnavailable(f"{aside} does not read back as it was written; the folder is failing; {name} stays")
    strays.add(kept)


def free_name(store: Store, path: str) -> str:
    """Return the first name that a duplicate of the file at `path` could have."""
    folder, _, name = path.rpartition("/")
    stem, dot, ending = name.rpartition(".")
    taken = {entry.name for entry in store.list(folder)}
    return next(
        f"{folder}/{free}" for number in itertools.count(1) if (free := f"{stem} ({number}){dot}{ending}") not in taken
    )


def _rank(stray: Stray, damage: Damage, name: str) -> tuple[bool, bool, str]:
    """Order by: has the hash that the manifest tells, is in place, and then by path."""
    fits = stray.recipe is None or stray.recipe.original_hash == damage.expected
    return (not fits, stray.path != f"{damage.spot.folder}/{name}", stray.path)


def _decodes(tools: Tools, recipe: Stray, payload: Stray) -> bool:
    assert recipe.recipe is not None  # noqa: S101  a stray that was listed as a recipe
    try:
        tools.reader.decode(recipe.recipe, payload.path)
    except StoreUnavailable:
        raise
    except (StorageError, CompressorError, DaemonError):
        return False
    return True
