"""What a manifest says, before anything was looked for: the common shape of all three forms."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from panini_daemon.storage.errors import ManifestInvalid
from panini_daemon.storage.jobs import SourceFile

PENDING = "pending_compression"
"""The repository's folder of chunk trees; it may or may not be part of a path that arrives."""

MAX_CHUNK_BYTES = 1 << 30
"""Bytes of the largest chunk that is taken, as many as are ever decoded again: ten times what GitHub has in a file."""

CHUNK_FOLDER = re.compile(r"chunk_([0-9]{4}|[1-9][0-9]{4,17})")

_COPY = re.compile(r" ?\([0-9]+\)(?=\.json$)")
_NO_SLUG = re.compile(r"[^A-Za-z0-9._-]+")
_SLUG_LENGTH = 48


@dataclass(frozen=True, slots=True)
class Wanted:
    """A chunk as far as it is described; None where metadata.json is to tell.

    Its data is in one of `folders`, or at `data_offset` of the file `data_path`. All paths are of the store;
    `chunk_path` is what the manifest called it. `data_size` is the data file's whole size where declared.
    """

    base: str
    chunk_id: int
    offset: int | None = None
    size: int | None = None
    original_hash: str | None = None
    pattern_type: str | None = None
    grammar_id: str | None = None
    depends_on: tuple[int, ...] = ()
    folders: tuple[str, ...] = ()
    data_path: str = ""
    data_offset: int = 0
    data_size: int | None = None
    chunk_path: str | None = None

    @property
    def name(self) -> str:
        """How messages call the chunk."""
        return f"{self.base}/chunk_{self.chunk_id:04d}"


@dataclass(frozen=True, slots=True)
class Plan:
    """A parsed manifest. `tree` is the folder of a chunk tree; `looks_up` asks for the bases' own manifests."""

    job_id: str
    manifest_path: str
    manifest: bytes
    files: tuple[SourceFile, ...]
    chunks: tuple[Wanted, ...]
    priority: int = 0
    created_at: str = ""
    level: str | None = None
    method: str | None = None
    source: Mapping[str, object] = field(default_factory=dict)
    tree: str | None = None
    looks_up: bool = False


def make_job_id(hint: str, path: str, content: bytes) -> str:
    """Return the id of the job in a manifest: a safe file name that says `hint` and hashes path and content.

    A shared folder's copy `name (1).json` has the id of `name.json` with the same content.
    """
    digest = hashlib.sha256(_COPY.sub("", path).encode("utf-8", "surrogateescape") + b"\0" + content)
    slug = _NO_SLUG.sub("-", hint)[:_SLUG_LENGTH].strip("-._") or "job"
    return f"{slug}-{digest.hexdigest()[:16]}"


def strip_pending(path: str) -> str:
    """Return `path` without the leading folder of the repository."""
    return "" if path == PENDING else path.removeprefix(f"{PENDING}/")


def check_unique(chunks: Iterable[Wanted], what: str) -> None:
    """Raise ManifestInvalid where two chunks have one base and id."""
    seen: set[tuple[str, int]] = set()
    for chunk in chunks:
        key = (chunk.base, chunk.chunk_id)
        if key in seen:
            raise ManifestInvalid(f"{what} names {chunk.name} twice; expected each chunk once; write it again")
        seen.add(key)


def check_total(total: int | None, count: int, what: str) -> None:
    """Raise ManifestInvalid where fewer chunks are announced than named."""
    if total is not None and total < count:
        raise ManifestInvalid(
            f"{what} names {count} chunks but says total_chunks {total}; "
            "expected total_chunks to count them; write it again"
        )
