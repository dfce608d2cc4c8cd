"""Where jobs come from."""

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from panini_daemon.storage.jobs import Chunk, Job, Poll, Rejected


class Source(Protocol):
    """A place that offers jobs and holds their bytes. All of it may raise StorageError."""

    def poll(self) -> Poll:
        """Look once for what is new."""

    def fetch(self, chunk: Chunk, target: Path) -> str:
        """Copy one chunk to a local file, checked against what was declared; return its SHA-256 in hex.

        Raises ChunkMissing, StillArriving, SizeMismatch, HashMismatch.
        """

    def has(self, job: Job) -> bool:
        """Tell whether the job's manifest is still there."""

    def remove(self, job: Job | Rejected) -> None:
        """Take a finished job out of the source, its data first and its manifest last."""

    def set_aside(self, job: Job | Rejected, committed: Iterable[Chunk]) -> None:
        """Take a failed job out of the source, keeping its manifest and all data that was not committed."""
