"""A source of jobs that are not in the tree: what the service sees of a repository."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from panini_daemon.storage.jobs import Chunk, Job, Poll, Rejected, SourceFile


class RepositorySource:
    """Jobs of one chunk each; `error` is what fetching raises, `done` what was taken out."""

    def __init__(self) -> None:
        self.data: dict[str, bytes] = {}
        self.error: Exception | None = None
        self.done: list[str] = []
        self.aside: list[str] = []
        self.fetched: list[str] = []
        self.arriving = 0
        self._news: list[Job] = []

    def add(self, base: str, data: bytes, **fields: object) -> Job:
        """Offer a job at the next poll."""
        path = f"github:sha:{base}"
        self.data[path] = data
        digest = hashlib.sha256(data).hexdigest()
        job = Job(
            job_id=f"{base}-0123",
            manifest_path=f"github:someone/archive@c0ffee:pending_compression/{base}/manifest.json",
            manifest=b"{}",
            files=(SourceFile(base, 1, manifest={"base_name": base, "total_chunks": 1, "chunks": []}),),
            chunks=(Chunk(base, 0, 0, path, len(data), original_hash=digest, total_chunks=1),),
            source={"repository": "someone/archive", "commit": "c0ffee"},
            **fields,  # type: ignore[arg-type]
        )
        self._news.append(job)
        return job

    def poll(self) -> Poll:
        ready, self._news = tuple(self._news), []
        return Poll(ready=ready, arriving=self.arriving)

    def fetch(self, chunk: Chunk, target: Path) -> str:
        if self.error is not None:
            raise self.error
        self.fetched.append(chunk.name)
        data = self.data[chunk.data_path]
        target.write_bytes(data)
        return hashlib.sha256(data).hexdigest()

    def has(self, job: Job) -> bool:
        return job.job_id not in (*self.done, *self.aside)

    def remove(self, job: Job | Rejected) -> None:
        self.done.append(job.job_id)

    def set_aside(self, job: Job | Rejected, committed: Iterable[Chunk]) -> None:
        self.aside.append(job.job_id)
