"""What is left of a job in the tree: the file manifests, a receipt in done/, or the reason in failed/."""

import json
import traceback
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from panini_daemon.outcomes import Outcome, State
from panini_daemon.recipes import SOFTWARE
from panini_daemon.storage.clock import iso
from panini_daemon.storage.commits import MANIFEST
from panini_daemon.storage.errors import ManifestInvalid, NotFound
from panini_daemon.storage.jobs import Job, Rejected, is_in_repository
from panini_daemon.storage.json_input import MAX_MANIFEST_BYTES, parse_object
from panini_daemon.storage.json_output import write_json
from panini_daemon.storage.root import DONE, FAILED, base_folder
from panini_daemon.storage.store import Entry, Store

_SAME_FILE = ("total_chunks", "total_size", "original_hash")
"""What two manifests of one file agree on, where both tell it."""


def receipt_path(job_id: str) -> str:
    """Return where the receipt of a finished job lies."""
    return f"{DONE}/{job_id}.json"


def is_settled(store: Store, job_id: str) -> bool:
    """Tell whether some worker has finished this job or given it up."""
    return ended_as(store, job_id) is not None


def ended_as(store: Store, job_id: str) -> str | None:
    """Return `done` or `failed` where some worker has brought this job to an end, None where none has."""
    for path, end in ((receipt_path(job_id), DONE), (f"{FAILED}/{job_id}/error.json", FAILED)):
        try:
            store.stat(path)
        except NotFound:
            continue
        return end
    return None


def failure_paths(job: Job | Rejected) -> list[str]:
    """Return the files that tell of a failed job: they must be there before it may leave the inbox."""
    names = ["error.json", *([MANIFEST] if job.manifest else [])]
    return [f"{FAILED}/{job.job_id}/{name}" for name in names]


def settled_jobs(store: Store) -> frozenset[str]:
    """Return the ids of all jobs that were finished or given up, with two listings."""
    done = (entry.name.removesuffix(".json") for entry in _list(store, DONE) if entry.name.endswith(".json"))
    failed = (entry.name for entry in _list(store, FAILED) if entry.kind == "folder")
    return frozenset({*done, *failed})


def publish_manifests(store: Store, job: Job, *, replace: bool) -> None:
    """Copy each file's chunk manifest beside its chunks, so that the file can be rebuilt from the tree alone.

    A job may bring only some chunks of a file: those that the manifest in the tree lists beside stay listed.
    Without `replace`, for a job that failed, a manifest that is there stays: it may be another file's. One that was
    cut short is nobody's.
    """
    for file in job.files:
        if file.manifest is not None:
            path = f"{base_folder(file.base)}/{MANIFEST}"
            found = _read(store, path, max(len(write_json(dict(file.manifest))), MAX_MANIFEST_BYTES) + 1)
            data = write_json(_join(file.manifest, found))
            if found is None or not _is_json(found) or (replace and found != data):
                store.write(path, data)


def write_receipt(store: Store, job: Job, outcomes: Sequence[Outcome], worker: str, moment: datetime) -> None:
    """Write done/<job>.json."""
    good = [outcome for outcome in outcomes if outcome.state in (State.COMMITTED, State.ALREADY)]
    receipt = {
        "job_id": job.job_id,
        "manifest_path": job.manifest_path,
        "bases": [file.base for file in job.files],
        "chunks": len(good),
        "original_size": sum(outcome.chunk.size for outcome in good),
        "compressed_size": sum(outcome.payload_size for outcome in good),
        "worker": worker,
        "finished_at": iso(moment),
        "software": SOFTWARE,
        "source": dict(job.source),
    }
    store.write(receipt_path(job.job_id), write_json(receipt))


def write_failure(store: Store, job: Job | Rejected, outcomes: Iterable[Outcome], worker: str, moment: datetime) -> str:
    """Write failed/<job>/error.json: why, for each chunk, and after how many tries. Return the first reason."""
    failed = [outcome for outcome in outcomes if outcome.state is State.FAILED]
    if isinstance(job, Rejected):
        reasons = [_reason(job.error, 1)]
    else:
        reasons = [{"chunk": outcome.chunk.name, **_reason(outcome.error, outcome.tries)} for outcome in failed]
    document = {
        "job_id": job.job_id,
        "manifest_path": job.manifest_path,
        "error": reasons[0]["error"],
        "message": reasons[0]["message"],
        "tries": max(int(str(reason["tries"])) for reason in reasons),
        "failures": reasons,
        "worker": worker,
        "failed_at": iso(moment),
        "software": SOFTWARE,
        "what_to_do": _advise(job),
    }
    store.write(f"{FAILED}/{job.job_id}/error.json", write_json(document))
    return f"{reasons[0]['error']}: {reasons[0]['message']}"


def _advise(job: Job | Rejected) -> str:
    if is_in_repository(job):
        return (
            "correct the file in the repository (what is pushed is a new job), or remove the cause and delete this "
            "folder: then this job is tried again; chunks that were already committed are not compressed twice"
        )
    return (
        "remove the cause, move what lies in data/ back to inbox/, then manifest.json to "
        f"{job.manifest_path}, and delete this folder (or delete it and send the job again); chunks that were already "
        "committed are not compressed twice"
    )


def _reason(error: Exception | None, tries: int) -> dict[str, object]:
    reason: dict[str, object] = {"error": type(error).__name__, "message": str(error), "tries": tries}
    if error is not None and not type(error).__module__.startswith("panini_daemon."):
        reason["traceback"] = traceback.format_exception(error)  # nobody foresaw it: say where it came from
    return reason


def _join(manifest: Mapping[str, object], found: bytes | None) -> dict[str, object]:
    """Return a manifest with the chunks that only the one in the tree lists, where it does not name all of the file."""
    joined, listed = dict(manifest), _entries(manifest)
    total = manifest.get("total_chunks")
    if found is None or not isinstance(total, int) or len(listed) >= total:
        return joined
    try:
        older = parse_object(found, MANIFEST)
    except ManifestInvalid:
        return joined
    if any(_differ(older, manifest, name) for name in _SAME_FILE):
        return joined
    own = {entry.get("chunk_id") for entry in listed}
    others = [entry for entry in _entries(older) if entry.get("chunk_id") not in own]
    if others and len(listed) + len(others) <= total:
        joined["chunks"] = sorted([*listed, *others], key=lambda entry: str(entry.get("chunk_id")).zfill(20))
    return joined


def _entries(manifest: Mapping[str, object]) -> list[dict[str, object]]:
    chunks = manifest.get("chunks")
    return [entry for entry in chunks if isinstance(entry, dict)] if isinstance(chunks, list) else []


def _differ(one: Mapping[str, object], other: Mapping[str, object], name: str) -> bool:
    return None not in (one.get(name), other.get(name)) and one[name] != other[name]


def _list(store: Store, folder: str) -> list[Entry]:
    try:
        return store.list(folder)
    except NotFound:
        return []


def _read(store: Store, path: str, limit: int) -> bytes | None:
    try:
        with store.open(path) as file:
            return file.read(limit)
    except NotFound:
        return None


def _is_json(data: bytes) -> bool:
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return False
    return True
