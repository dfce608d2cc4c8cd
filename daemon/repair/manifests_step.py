"""The step after the chunks: each file's manifest, missing, damaged or wrong."""

import hashlib

from panini_daemon.inspection import FileLook, look_at_files
from panini_daemon.repair.case import Case
from panini_daemon.repair.descriptions import Described, read_published
from panini_daemon.repair.duplicates import remove_empty
from panini_daemon.repair.findings import Fate, Spot
from panini_daemon.repair.manifests import Whole, build, fits, list_copies, read_object
from panini_daemon.repair.placing import keep_aside
from panini_daemon.repair.receipts import origin_of
from panini_daemon.repair.survey import base_of
from panini_daemon.storage.commits import MANIFEST
from panini_daemon.storage.json_output import write_json
from panini_daemon.storage.recipe import Recipe
from panini_daemon.storage.root import base_folder


def mend_manifests(case: Case) -> set[str]:
    """Rebuild what manifests are missing or wrong; return the paths that were written."""
    duplicates = case.duplicates
    written = set[str]()
    for base in sorted({*case.survey.files, *duplicates, *(spot.base for spot in case.mended)}):
        look = _look_again(case, base)
        if look is None:
            continue
        known, path = _describe(case, look), f"{look.folder}/{MANIFEST}"
        folders = [look.folder, *duplicates.get(base, [])]
        if (reason := _find_fault(case, look, known)) is not None and _mend(case, look, known, reason):
            written.add(path)
        if path not in written or not case.tools.shared:
            _remove_copies(case, path, folders)
    return written


def _look_again(case: Case, base: str) -> FileLook | None:
    """Look at a file as it is now. What only a deep look tells is kept from before."""
    folder, before = base_folder(base), case.survey.files.get(base)
    if not base or (before is not None and before.digest is not None):
        return before
    deep = case.tools.deep and any(spot.base == base for spot in case.mended)
    look = next(look_at_files(case.tools.reader, folder, deep=deep, threads=case.tools.threads), None)
    return look if look is not None and look.folder == folder else before


def _describe(case: Case, look: FileLook) -> Described:
    """Return what is known of a file now; chunks that were mended or are believed count as good."""
    known, base = case.describe_look(look), base_of(look.folder)
    sound: dict[int, Recipe] = dict(known.sound)
    for spot in case.believed:
        chunk = look.chunks.get(spot.chunk_id)
        if spot.base == base and chunk and chunk.commit:
            sound[spot.chunk_id] = chunk.commit.recipe
    sound |= {spot.chunk_id: recipe for spot, recipe in case.mended.items() if spot.base == base}
    return Described(known.file, known.chunks, sound, known.sources)


def _find_fault(case: Case, look: FileLook, known: Described) -> str | None:
    """Return what is wrong with a manifest, None where nothing is, or a job that is still to end brings it."""
    base, path = base_of(look.folder), f"{look.folder}/{MANIFEST}"
    listed = {chunk.chunk_id for chunk in read_published(look.manifest, base)[1]}
    told = [one for one in look.problems if one.path == path or (one.path == look.folder and one.error != "Incomplete")]
    if not look.manifest and not told:
        return "it is not there" if _is_missed(case, known) else None
    if any(spot.base == base for spot in case.believed):
        return "it tells other hashes than its chunks have"
    if listed - known.chunks.keys():
        return "it lists chunks that its file never had"
    if look.manifest and known.sound and not listed:
        return "it lists no chunks"
    return told[0].message if told else None


def _is_missed(case: Case, known: Described) -> bool:
    """Tell whether a file without a manifest should have one, and no job that is still to end brings it."""
    if not any(recipe.assembly_info.total_chunks for recipe in known.sound.values()):
        return False
    if any(file.base == known.file.base for plan in case.plans for file in plan.files):
        return False
    origins = (origin_of(case.tools.store, source) for source in known.sources)
    return not any(origin and origin.ended is None for origin in origins)


def _mend(case: Case, look: FileLook, known: Described, reason: str) -> bool:
    path = f"{look.folder}/{MANIFEST}"
    manifest = next((one for one in case.other_manifests(base_of(look.folder)) if fits(one, known)), None)
    if manifest is None:
        manifest = build(known, _find_whole(case, look, known), _keep(look, known))
    if manifest is None:
        what = "delete it to go by the chunks alone, or submit the file again"
        case.result.add(path, Fate.LOST, f"{reason}; nothing tells which chunks its file has: {what}")
        return False
    if not case.tools.dry_run:
        data = write_json(dict(manifest))
        case.tools.ready()
        keep_aside(case.tools.store, path, case.strays, instead=data)
        case.tools.store.write(path, data)
    case.result.add(path, Fate.MENDED, f"{reason}; it was rebuilt from what duplicates, jobs and recipes tell")
    return True


def _find_whole(case: Case, look: FileLook, known: Described) -> Whole | None:
    """Return what the whole file comes to, where that was found out or a disputed manifest makes it necessary."""
    if look.digest:
        return Whole(sum(chunk.size for chunk in look.chunks.values()), look.digest)
    if known.file.base not in case.disputed or case.tools.dry_run or set(known.chunks) != set(known.sound):
        return None
    digest, size = hashlib.sha256(), 0
    for chunk_id, chunk in sorted(known.chunks.items()):
        if chunk.offset != size:
            return None
        data = case.tools.reader.read(Spot(known.file.base, chunk_id).folder)[1].data
        digest.update(data)
        size += len(data)
    return Whole(size, digest.hexdigest())


def _keep(look: FileLook, known: Described) -> dict[str, object]:
    """Return what a disputed manifest says of the file that may stay: nothing where it is another file's."""
    listed = {chunk.original_hash for chunk in read_published(look.manifest, known.file.base)[1]}
    if not listed & {recipe.original_hash for recipe in known.sound.values()}:
        return {}
    gone = ("total_chunks", "total_size", "original_hash", "chunks")
    return {name: value for name, value in look.manifest.items() if name not in gone}


def _remove_copies(case: Case, path: str, folders: list[str]) -> None:
    """Delete duplicates of a manifest that say the same as the one in place."""
    here = read_object(case.tools.store, path)
    for place, manifest in list_copies(case.tools.store, folders) if here else ():
        if place != path and manifest == here:
            case.result.removed.append(place)
            if not case.tools.dry_run:
                case.tools.ready()
                case.tools.store.delete(place)
    for folder in folders[1:]:
        remove_empty(case.tools, folder)
