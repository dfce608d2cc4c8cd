"""What a repository is told about a job that ended."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from panini_daemon.outcomes import Outcome, State
from panini_daemon.storage.clock import iso
from panini_daemon.storage.commits import PAYLOAD
from panini_daemon.storage.jobs import Job
from panini_daemon.storage.reports import ChunkReport, JobReport
from panini_daemon.storage.root import chunk_folder


def make_report(
    job: Job, outcomes: Sequence[Outcome], *, repository: str, path: str, worker: str, moment: datetime
) -> JobReport | None:
    """Return what `repository` is to be told; None for a job that did not come from it.

    `path` is the folder of the repository that holds its chunk trees. A job counts as the repository's where its
    `source` names it, whether it was polled or came through the inbox.
    """
    named, commit = _origin(job.source)
    if named.lower() != repository.lower():
        return None
    chunks = [_report(outcome, path) for outcome in outcomes if outcome.state is not State.DROPPED]
    if not chunks:
        return None
    return JobReport(
        job_id=job.job_id,
        repository=repository,
        commit=commit,
        worker=worker,
        created_at=iso(moment),
        chunks=tuple(sorted(chunks, key=lambda chunk: chunk.chunk_path)),
    )


def _origin(source: Mapping[str, object]) -> tuple[str, str]:
    """Return repository and commit as either form of manifest names them."""
    repository, commit = source.get("repository"), source.get("commit")
    if isinstance(repository, Mapping):  # a dispatch payload
        commit = repository.get("commit_sha")
        repository = f"{repository.get('owner')}/{repository.get('repo')}"
    return str(repository or ""), commit if isinstance(commit, str) else ""


def _report(outcome: Outcome, path: str) -> ChunkReport:
    chunk = outcome.chunk
    chunk_path = f"{path}/{chunk.name}" if path else chunk.name
    if outcome.state is State.FAILED:
        error = f"{type(outcome.error).__name__}: {outcome.error}"
        return ChunkReport(chunk_path, "failed", "", "", {"original_size": chunk.size, "error": error[:500]})
    size, payload = chunk.size, outcome.payload_size
    ratio = payload / size if size else 1.0
    return ChunkReport(
        chunk_path=chunk_path,
        status="completed",
        upload_path=f"{chunk_folder(chunk.base, chunk.chunk_id)}/{PAYLOAD}",
        upload_hash=outcome.payload_hash,
        stats={
            "original_size": size,
            "compressed_size": payload,
            "ratio": round(ratio, 6),
            "savings_percent": round(100 * (1 - ratio), 2),
            "method": outcome.method,
        },
    )
