"""Taking a job out of the inbox: when it is done, and when it is given up."""

from collections.abc import Callable, Iterable

from panini_daemon.storage.errors import NotFound, UnsafeName
from panini_daemon.storage.folders import is_junk
from panini_daemon.storage.inbox_state import Record
from panini_daemon.storage.jobs import Chunk, Job, Rejected
from panini_daemon.storage.parts import METADATA
from panini_daemon.storage.reading import stamp_of
from panini_daemon.storage.root import FAILED
from panini_daemon.storage.store import Kind, Store

_MANIFEST = "manifest.json"

_OUT_OF_REACH = (NotFound, UnsafeName)
"""Not there, or behind a link: what lies there is not this tree's to move or delete."""

Spared = Callable[[str], bool]
"""Tells of a path that another job still needs."""


def remove_job(store: Store, job: Job | Rejected, manifests: Iterable[str], spared: Spared) -> None:
    """Delete what `job` left behind: its data, then its `manifests`, then their folder where nothing is in it.

    A folder with anything that the job does not name stays, with just that in it.
    """
    named = _list_named(job.chunks, spared) if isinstance(job, Job) else _list_metadata(job)
    for path in job.leftovers:
        if not spared(path):
            _clear(store, path, named)
    _delete_manifests(store, job, manifests, spared)


def set_job_aside(
    store: Store,
    job: Job | Rejected,
    manifests: Iterable[str],
    committed: Iterable[Chunk],
    *,
    spared: Spared,
    root: str,
) -> None:
    """Keep a failed job under failed/<job_id>/: manifest.json, and data/ with what was not committed.

    data/ has the paths that the inbox had: moved back there, with the manifest, it is the same job again.
    """
    target = f"{FAILED}/{job.job_id}"
    if job.manifest:
        store.write(f"{target}/{_MANIFEST}", job.manifest)
    paths = tuple(manifests)
    done = {chunk.name for chunk in committed}
    chunks = job.chunks if isinstance(job, Job) else ()
    kept = {chunk.data_path for chunk in chunks if chunk.name not in done}
    finished = _list_named((chunk for chunk in chunks if chunk.data_path not in kept), spared)
    for path in job.leftovers:
        if spared(path):
            continue
        holds_others = any(other.startswith(f"{path}/") for other in (*job.leftovers, *paths))
        if holds_others or path in finished or f"{path}/{METADATA}" in finished:
            _clear(store, path, finished)
        else:
            _move(store, path, f"{target}/data/{path.removeprefix(f'{root}/')}")
    if not job.manifest:  # too large, or not readable: never copied, so never deleted
        _move(store, job.manifest_path, f"{target}/{_MANIFEST}")
    _delete_manifests(store, job, paths, spared)


def describe_bare(store: Store, record: Record, manifest: bytes) -> None:
    """Give a tree without a manifest one: whoever finds the rest of it after a crash finds the same job."""
    if record.is_bare and manifest:
        store.write(record.path, manifest)
        record.seen = stamp_of(store, record.path)


def _list_named(chunks: Iterable[Chunk], spared: Spared) -> frozenset[str]:
    paths = {path for path in {chunk.data_path for chunk in chunks} if not spared(path)}
    return frozenset(paths | {f"{path.rpartition('/')[0]}/{METADATA}" for path in paths})


def _list_metadata(job: Rejected) -> frozenset[str]:
    return frozenset(f"{path}/{METADATA}" for path in job.leftovers)


def _delete_manifests(store: Store, job: Job | Rejected, manifests: Iterable[str], spared: Spared) -> None:
    for path in sorted(manifests, key=lambda path: path == job.manifest_path):
        store.delete(path)
        folder = path.rpartition("/")[0]
        if folder in job.leftovers and not spared(folder):
            _clear(store, folder, frozenset())


def _clear(store: Store, path: str, named: frozenset[str]) -> None:
    try:
        if store.stat(path).kind != "folder":
            store.delete(path)
            return
        names = [entry.name for entry in store.list(path)]
    except _OUT_OF_REACH:
        return
    strangers = [name for name in names if f"{path}/{name}" not in named and not is_junk(name)]
    if not strangers:
        store.delete(path)
        return
    for name in names:
        if f"{path}/{name}" in named:
            store.delete(f"{path}/{name}")


def _move(store: Store, source: str, target: str) -> None:
    """Move what is at `source` to `target`, into what an earlier move left there that was broken off.

    Nothing at `target` is deleted: another worker may have moved it there a moment ago.
    """
    kind = _kind_of(store, source)
    try:
        if kind == "folder" and _kind_of(store, target) == "folder":
            for entry in store.list(source):
                _move(store, f"{source}/{entry.name}", f"{target}/{entry.name}")
            store.delete(source)
        elif kind is not None:
            store.move(source, target)
    except NotFound:  # it was moved meanwhile
        return


def _kind_of(store: Store, path: str) -> Kind | None:
    try:
        return store.stat(path).kind
    except _OUT_OF_REACH:
        return None
