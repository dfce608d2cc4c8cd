"""Where jobs come from: the tree's inbox and, where one is set, a GitHub repository."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

from panini_daemon.storage.jobs import REPOSITORY_PREFIX, Chunk, Job, Poll, Rejected, is_in_repository


class Source(Protocol):
    """A place that offers jobs and holds their bytes. All of it may raise StorageError."""

    def poll(self) -> Poll:
        """Look once for what is new."""

    def fetch(self, chunk: Chunk, target: Path) -> str:
        """Copy one chunk to a local file, checked against what was declared; return its SHA-256 in hex.

        Raises ChunkMissing, StillArriving, SizeMismatch, HashMismatch.
        """

    def has(self, job: Job | Rejected) -> bool:
        """Tell whether the job's manifest is still there."""

    def remove(self, job: Job | Rejected) -> None:
        """Take a finished job out of the source, its data first and its manifest last."""

    def set_aside(self, job: Job | Rejected, committed: Iterable[Chunk]) -> None:
        """Take a failed job out of the source, keeping its manifest and all data that was not committed."""


class Sources:
    """An inbox and a repository as one source.

    `hopeless` tells that nothing new is to be expected of the repository for now, so that nobody waits for it.
    """

    def __init__(self, inbox: Source, repository: Source, *, hopeless: Callable[[], bool]) -> None:
        """Ask `inbox` first; `repository` must never wait for the network in `poll`."""
        self._inbox, self._repository, self._hopeless = inbox, repository, hopeless
        self._from_repository: set[str] = set()

    def is_from_repository(self, job_id: str) -> bool:
        """Tell whether a job that was handed out came from the repository."""
        return job_id in self._from_repository

    def poll(self) -> Poll:
        """Look at both."""
        near, far = self._inbox.poll(), self._repository.poll()
        self._from_repository.update(job.job_id for job in far.ready)
        return Poll(
            ready=near.ready + far.ready,
            gone=near.gone + far.gone,
            rejected=near.rejected + far.rejected,
            arriving=near.arriving + (0 if self._hopeless() else far.arriving),
            more=near.more or far.more,
        )

    def fetch(self, chunk: Chunk, target: Path) -> str:
        """Copy one chunk from wherever it is."""
        source = self._repository if chunk.data_path.startswith(REPOSITORY_PREFIX) else self._inbox
        return source.fetch(chunk, target)

    def has(self, job: Job | Rejected) -> bool:
        """Ask the source of the job."""
        return self._of(job).has(job)

    def remove(self, job: Job | Rejected) -> None:
        """Take a finished job out of its source."""
        self._of(job).remove(job)

    def set_aside(self, job: Job | Rejected, committed: Iterable[Chunk]) -> None:
        """Take a failed job out of its source."""
        self._of(job).set_aside(job, committed)

    def _of(self, job: Job | Rejected) -> Source:
        return self._repository if is_in_repository(job) else self._inbox
