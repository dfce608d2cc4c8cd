"""What there is to do: a job is one manifest; it names chunks of one or more files."""

from collections.abc import Mapping
from dataclasses import dataclass, field

REPOSITORY_PREFIX = "github:"
"""How manifest and data paths begin that are in a repository, not in the tree."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that was cut into chunks.

    `manifest` is the chunk manifest in the published form (base_name, total_chunks, chunks, ...), to be copied
    beside the committed chunks; None where none arrived. Sizes are bytes, hashes SHA-256 in hex.
    """

    base: str
    total_chunks: int | None = None
    size: int | None = None
    original_hash: str | None = None
    grammar_id: str | None = None
    manifest: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Chunk:
    """One chunk to compress.

    `offset` is its place in the original file. Its data is `size` bytes at `data_offset` of the file
    `data_path` (a path of the source it came from); `data_size` is that file's whole size where known.
    """

    base: str
    chunk_id: int
    offset: int
    data_path: str
    size: int
    data_offset: int = 0
    original_hash: str | None = None
    pattern_type: str | None = None
    grammar_id: str | None = None
    total_chunks: int | None = None
    depends_on: tuple[int, ...] = ()
    chunk_path: str | None = None
    data_size: int | None = None

    @property
    def name(self) -> str:
        """The chunk's folder under compressed_chunks/, `<base>/chunk_0000`."""
        return f"{self.base}/chunk_{self.chunk_id:04d}"


@dataclass(frozen=True, slots=True)
class Job:
    """One manifest that is wholly there: the unit that a worker leases.

    `job_id` is a safe file name, the same for the same manifest on every worker. `level` and `method` are what
    the manifest asks for, None where it leaves the choice to the worker. `leftovers` are the paths, relative to
    the source, that are removed once every chunk is committed; the manifest goes last.
    """

    job_id: str
    manifest_path: str
    manifest: bytes
    files: tuple[SourceFile, ...]
    chunks: tuple[Chunk, ...]
    priority: int = 0
    created_at: str = ""
    level: str | None = None
    method: str | None = None
    source: Mapping[str, object] = field(default_factory=dict)
    leftovers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rejected:
    """A manifest that cannot become a job, ever: why, and its bytes as far as they could be read."""

    job_id: str
    manifest_path: str
    manifest: bytes
    error: Exception
    leftovers: tuple[str, ...] = ()


def is_in_repository(job: Job | Rejected) -> bool:
    """Tell whether a job comes from a repository instead of the tree's inbox."""
    return job.manifest_path.startswith(REPOSITORY_PREFIX)


@dataclass(frozen=True, slots=True)
class Poll:
    """What one look at a source brought.

    `ready`: jobs wholly there and not reported before, in the order they should be done. `gone`: ids of jobs
    reported before whose manifest is no longer there. `rejected`: once each. `arriving`: how many are waited for.
    `more`: the look was cut short to stay brief; the next one goes on where it ended, so look again at once.
    """

    ready: tuple[Job, ...] = ()
    gone: tuple[str, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    arriving: int = 0
    more: bool = False
