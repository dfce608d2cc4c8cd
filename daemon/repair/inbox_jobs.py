"""Which chunks the inbox has jobs for, and which jobs that failed could go back there."""

import contextlib
import math
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from panini_daemon.repair.strays import walk_folders
from panini_daemon.storage.allowance import Allowance
from panini_daemon.storage.chunk_tree import parse_bare_tree
from panini_daemon.storage.clock import Clock
from panini_daemon.storage.errors import ManifestInvalid, NotFound, StorageError, StoreUnavailable, UnsafeName
from panini_daemon.storage.folders import Folders, is_ignored
from panini_daemon.storage.forms import TREE_MANIFEST, parse_manifest
from panini_daemon.storage.json_input import MAX_MANIFEST_BYTES, parse_object
from panini_daemon.storage.names import safe_path
from panini_daemon.storage.parts import Committed, parts_of
from panini_daemon.storage.plans import CHUNK_FOLDER, Plan, Wanted
from panini_daemon.storage.reading import read_bounded
from panini_daemon.storage.root import FAILED, INBOX
from panini_daemon.storage.store import Store


@dataclass(frozen=True, slots=True)
class FailedJob:
    """A job in failed/: where its manifest was in the inbox, and what it names, as paths below its data folder."""

    folder: str
    manifest_path: str
    plan: Plan

    @property
    def data(self) -> str:
        """The folder that holds what the inbox held."""
        return f"{self.folder}/data"


def read_inbox(store: Store, clock: Clock) -> Iterator[Plan]:
    """Yield what each manifest in the inbox says; what cannot be read is left to the worker."""
    try:
        entries = store.list(INBOX)
    except NotFound:
        return
    names = (entry.name for entry in entries if entry.kind == "file" and entry.name.endswith(".json"))
    paths = [f"{INBOX}/{name}" for name in sorted(names) if not is_ignored(name)]
    folders = Folders(store, INBOX)
    folders.look(entries, lambda _: False, Allowance(clock, sys.maxsize, math.inf))
    for path in (*paths, *(f"{tree}/{TREE_MANIFEST}" for tree in sorted(folders.trees))):
        if (plan := _read_plan(store, path, path, INBOX)) is not None:
            yield plan


def find_data(store: Store, plan: Plan, committed: Committed = lambda *_: False) -> Iterator[Wanted]:
    """Yield the chunks of a plan whose data is there, or that `committed` says need none."""
    for part in parts_of(plan):
        try:
            yield from part.look(store, committed, last=True).chunks
        except StoreUnavailable:
            raise
        except StorageError:  # this chunk cannot be done; others of the job can
            continue


def read_failed(store: Store) -> Iterator[FailedJob]:
    """Yield the failed jobs of the inbox whose manifest can be read. Those of a repository keep no data here."""
    try:
        names = sorted(entry.name for entry in store.list(FAILED) if entry.kind == "folder")
    except NotFound:
        return
    for name in names:
        folder = f"{FAILED}/{name}"
        path = _manifest_path(store, folder)
        if path is None:
            continue
        inside = f"{folder}/data/{path.removeprefix(f'{INBOX}/')}"
        if (plan := _read_plan(store, f"{folder}/manifest.json", inside, f"{folder}/data")) is not None:
            yield FailedJob(folder, path, plan)


def can_return(store: Store, job: FailedJob, committed: Committed) -> bool:
    """Tell whether a failed job, put back as it was, would find all its data, and nothing in its way."""
    there = {(chunk.base, chunk.chunk_id) for chunk in find_data(store, job.plan, committed)}
    if not all((chunk.base, chunk.chunk_id) in there for chunk in job.plan.chunks):
        return False
    return not any(_exists(store, target) for _, target in _list_moves(store, job))


def return_job(store: Store, job: FailedJob) -> None:
    """Move a failed job back into the inbox, its data first and its manifest last, and delete what is left of it."""
    for source, target in _list_moves(store, job):
        store.move(source, target)
    store.delete(job.folder)


def list_leftovers(store: Store, claimed: Iterable[str]) -> Iterator[str]:
    """Yield the files of the inbox and of failed jobs that no manifest names as data."""
    known = set(claimed)
    roots = [INBOX]
    with contextlib.suppress(NotFound):
        roots += [f"{FAILED}/{entry.name}/data" for entry in store.list(FAILED) if entry.kind == "folder"]
    for root in roots:
        for folder, entries in walk_folders(store, root):
            for entry in entries:
                path = f"{folder}/{entry.name}"
                if entry.kind == "file" and not entry.name.endswith(".json") and path not in known:
                    yield path


def _list_moves(store: Store, job: FailedJob) -> list[tuple[str, str]]:
    moves = []
    for folder, entries in walk_folders(store, job.data):
        paths = (f"{folder}/{entry.name}" for entry in entries if entry.kind != "folder")
        moves += [(path, f"{INBOX}{path.removeprefix(job.data)}") for path in paths]
    return [*sorted(moves), (f"{job.folder}/manifest.json", job.manifest_path)]


def _manifest_path(store: Store, folder: str) -> str | None:
    """Return where a failed job's manifest lay in the inbox; None for one of a repository, or where nothing tells."""
    try:
        told = parse_object(read_bounded(store, f"{folder}/error.json", MAX_MANIFEST_BYTES), folder)
    except (NotFound, ManifestInvalid, UnsafeName):
        return None
    path = told.get("manifest_path")
    try:
        return safe_path(path) if isinstance(path, str) and path.startswith(f"{INBOX}/") else None
    except UnsafeName:
        return None


def _read_plan(store: Store, path: str, place: str, root: str) -> Plan | None:
    """Read the manifest at `path` as if it lay at `place`."""
    try:
        return parse_manifest(read_bounded(store, path, MAX_MANIFEST_BYTES), place, root)
    except NotFound:
        return _read_bare(store, place, root)
    except (ManifestInvalid, UnsafeName):
        return None


def _read_bare(store: Store, place: str, root: str) -> Plan | None:
    folder, _, name = place.rpartition("/")
    if name != TREE_MANIFEST:
        return None
    try:
        names = [entry.name for entry in store.list(folder) if CHUNK_FOLDER.fullmatch(entry.name)]
        return parse_bare_tree(folder, root, names)
    except (NotFound, ManifestInvalid, UnsafeName):
        return None


def _exists(store: Store, path: str) -> bool:
    try:
        store.stat(path)
    except NotFound:
        return False
    return True
