"""Fourth step: chunks whose original bytes are elsewhere in the tree."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace

from panini_daemon.repair.case import Case, is_wanted
from panini_daemon.repair.descriptions import complete
from panini_daemon.repair.findings import Damage, Fate, Spot
from panini_daemon.repair.inbox_jobs import find_data, list_leftovers
from panini_daemon.repair.jobs_step import make_way
from panini_daemon.repair.originals import (
    Original,
    decode_anyway,
    find_in_leftovers,
    find_same,
    original_in_commit,
    original_in_file,
    submit_originals,
)
from panini_daemon.repair.receipts import job_of
from panini_daemon.storage.plans import Wanted

_NOTHING = hashlib.sha256().hexdigest()

Found = dict[Spot, Original]


def return_originals(case: Case) -> None:
    """Put one job into the inbox for each file of which original bytes were found."""
    if not any(not damage.doubtful for _, damage in case.chunks()):
        return
    found = _find_in_failed(case)
    found |= _find_by_decoding(case, {spot for spot, _ in case.chunks() if spot not in found})
    for describe in (_known, _known_by_recipe):
        spots = [spot for spot, damage in case.chunks() if spot not in found and not damage.doubtful]
        found |= _find_by_hash(case, {spot: describe(case, spot) for spot in sorted(spots)})
    by_base: dict[str, list[tuple[Damage, Original]]] = {}
    for spot, original in sorted(found.items()):
        if spot.base and original.chunk.offset is not None:  # else nothing tells where it belongs
            by_base.setdefault(spot.base, []).append((case.left[spot], original))
    for base, pairs in by_base.items():
        wanted = [pair for pair in pairs if case.act(pair[0])]
        if wanted:
            path = _submit(case, base, wanted)
            for damage, original in wanted:
                case.end(damage, Fate.RETURNED, f"its bytes are in {original.where}, and now in a job, {path}")


def _find_in_failed(case: Case) -> Found:
    """Find bytes in the data of failed jobs that could not go back as they are."""
    found: Found = {}
    for job in case.failed:
        for chunk in find_data(case.tools.store, job.plan):
            spot = Spot(chunk.base, chunk.chunk_id)
            damage = case.left.get(spot)
            if damage is None or damage.doubtful or spot in found or not is_wanted(damage, chunk):
                continue
            if original := original_in_file(case.tools.store, complete(chunk, _known(case, spot))):
                found[spot] = original
    return found


def _find_by_decoding(case: Case, spots: set[Spot]) -> Found:
    """Find bytes that two files in a chunk's folder give although their hashes do not agree."""
    found: Found = {}
    for spot in spots:
        chunk, beside = _known(case, spot), case.strays.at_home(spot.folder)
        if case.left[spot].doubtful or not chunk.original_hash or chunk.size is None:
            continue
        pairs = ((recipe.recipe, payload.path) for recipe in beside for payload in beside if recipe.recipe is not None)
        tried = (decode_anyway(case.tools.reader, recipe, path, chunk) for recipe, path in pairs)
        if original := next((one for one in tried if one), None):
            found[spot] = original
    return found


def _find_by_hash(case: Case, described: Mapping[Spot, Wanted]) -> Found:
    """Find bytes by their SHA-256: in files that no manifest names, and in commits of the same bytes elsewhere."""
    wanted = {spot: chunk for spot, chunk in described.items() if chunk.original_hash}
    by_hash = {chunk.original_hash or "": chunk for chunk in wanted.values() if chunk.size is not None}
    if not by_hash:
        return {}
    store = case.tools.store
    sizes = {base: case.describe(base).file.size or _size(case, base) for base in {spot.base for spot in wanted}}
    claimed = {chunk.data_path for plan in case.plans for chunk in plan.chunks}
    loose = {
        one.chunk.original_hash: one for one in find_in_leftovers(store, list_leftovers(store, claimed), by_hash, sizes)
    }
    same: Mapping[str, str] = dict(find_same(case.tools.reader, set(by_hash) - {str(one) for one in loose}))
    found: Found = {}
    for spot, chunk in wanted.items():
        if chunk.size is None:
            continue
        if chunk.original_hash == _NOTHING:
            found[spot] = Original(chunk, "no file, for it is empty", lambda: iter(()))
        elif (one := loose.get(chunk.original_hash)) is not None:
            found[spot] = replace(one, chunk=chunk)
        elif (folder := same.get(chunk.original_hash or "")) is not None:
            found[spot] = original_in_commit(case.tools.reader, chunk, folder)
    return found


def _known(case: Case, spot: Spot) -> Wanted:
    """Return all that is known of a damaged chunk; the manifest's hash counts most."""
    damage, known = case.left[spot], case.describe(spot.base).chunks.get(spot.chunk_id)
    found = known or Wanted(spot.base, spot.chunk_id)
    return replace(found, original_hash=damage.expected or found.original_hash)


def _known_by_recipe(case: Case, spot: Spot) -> Wanted:
    """Return a chunk as its own recipe describes it, where that is of the same job as the file's good chunks.

    A manifest's hash can be damaged: bytes that have the recipe's, if there are any, speak against it.
    """
    known = _known(case, spot)
    jobs = {job_of(recipe) for recipe in case.describe(spot.base).sound.values()}
    told = {
        stray.recipe.original_hash
        for stray in case.strays.recipes(spot.base, spot.chunk_id)
        if stray.recipe and stray.recipe.base == spot.base and job_of(stray.recipe) in jobs - {None}
    }
    return replace(known, original_hash=told.pop() if len(told) == 1 else None)


def _size(case: Case, base: str) -> int:
    """Return the bytes of a whole file as far as its chunks tell."""
    return sum(chunk.size or 0 for chunk in case.describe(base).chunks.values())


def _submit(case: Case, base: str, pairs: list[tuple[Damage, Original]]) -> str:
    if case.tools.dry_run:
        return "inbox/"
    known, tools = case.describe(base), case.tools
    source = next((dict(told) for told in known.sources), {})
    public = {name: value for name, value in source.items() if name not in ("job_id", "manifest_path")}

    def make_way_for_all() -> None:  # not before: the bytes may be among what is in the way
        for damage, _ in pairs:
            make_way(case, damage)

    originals = [original for _, original in pairs]
    return submit_originals(tools.store, known.file, originals, public, tools.scratch, make_way_for_all, tools.ready)
