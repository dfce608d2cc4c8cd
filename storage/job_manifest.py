"""The third form: this project's own job manifest. Its JSON Schema is made from the models here."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, FailFast, Field

from panini_daemon.storage.errors import ManifestInvalid
from panini_daemon.storage.jobs import SourceFile
from panini_daemon.storage.manifest_fields import MAX_CHUNKS, Number, Priority, Sha256, validate
from panini_daemon.storage.names import safe_base, safe_path
from panini_daemon.storage.plans import Plan, Wanted, check_total, check_unique, make_job_id

FORMAT = "panini-job"
VERSION = 1

_Text = Annotated[str, Field(max_length=200)]


class JobChunk(BaseModel):
    """One chunk: `size` bytes at `path_offset` of the file `path`, which is relative to the inbox."""

    model_config = ConfigDict(frozen=True, extra="allow")

    chunk_id: Number
    offset: Number = Field(description="Where the chunk begins in the original file, in bytes.")
    size: Number = Field(description="Bytes.")
    hash: Sha256 | None = Field(None, description="SHA-256 of the chunk's bytes, in hex.")
    path: str = Field(
        min_length=1,
        max_length=1024,
        description="The data file, relative to inbox/. One file may hold all the chunks of a job.",
    )
    path_offset: Number = Field(0, description="Where the chunk begins in the data file, in bytes.")
    pattern_type: _Text | None = Field(None, description="A hint: a class or a part's name.")
    grammar_id: _Text | None = Field(None, description="A hint; where absent, that of the file.")
    depends_on: Annotated[list[Number], FailFast()] = Field(
        default_factory=list, max_length=MAX_CHUNKS, description="Ids of chunks of the same file."
    )


class JobFile(BaseModel):
    """One original file and the chunks of it that are in this job."""

    model_config = ConfigDict(frozen=True, extra="allow")

    base: str = Field(
        min_length=1,
        max_length=1024,
        description="Names the file's folder under compressed_chunks/; segments are separated by '/'.",
    )
    name: str | None = Field(None, max_length=1024, description="What the file was called.")
    size: Number | None = Field(None, description="Bytes of the whole file.")
    original_hash: Sha256 | None = Field(None, description="SHA-256 of the whole file, in hex.")
    grammar_id: _Text | None = None
    total_chunks: Number | None = Field(None, description="Chunks of the whole file, also those in other jobs.")
    chunks: Annotated[list[JobChunk], FailFast()] = Field(default_factory=list, max_length=MAX_CHUNKS)


class JobManifest(BaseModel):
    """A job for panini-daemon: files cut into chunks whose data lies in the inbox.

    Write the data first and the manifest last. Unknown properties are kept and ignored.
    """

    model_config = ConfigDict(frozen=True, extra="allow", title="panini-job 1")

    format: Literal["panini-job"]
    version: Literal[1]
    job_id: _Text | None = Field(None, description="Shown in the job's id, which is made from the content.")
    created_at: _Text | None = Field(None, description="ISO 8601, UTC; older jobs come first.")
    priority: Priority = 0
    level: _Text | None = Field(None, description="Where absent, the worker's own setting.")
    method: _Text | None = Field(None, description="Where absent, the worker's own setting.")
    source: dict[str, object] = Field(
        default_factory=dict, description="Where the files come from; copied into each recipe."
    )
    files: Annotated[list[JobFile], FailFast()] = Field(min_length=1, max_length=MAX_CHUNKS)


def job_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of what `parse_job` reads."""
    schema = JobManifest.model_json_schema(mode="validation")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def parse_job(fields: dict[str, Any], data: bytes, path: str, root: str) -> Plan:
    """Return what a job manifest says. Raises ManifestInvalid, UnsafeName."""
    if fields.get("version") != VERSION:
        raise ManifestInvalid(
            f"{path} is a {FORMAT} of version {fields.get('version')!r:.80}; this program knows {VERSION}; "
            "install the version that wrote it or a later one"
        )
    manifest = validate(JobManifest, fields, path, f"{FORMAT} version {VERSION}")
    for file in manifest.files:
        safe_base(file.base)
        check_total(file.total_chunks, len(file.chunks), path)
    if len({file.base for file in manifest.files}) < len(manifest.files):
        raise ManifestInvalid(f"{path} names one base twice; expected a base for each file; write it again")
    chunks = tuple(_want(chunk, file, path, root) for file in manifest.files for chunk in file.chunks)
    check_unique(chunks, path)
    return Plan(
        job_id=make_job_id(manifest.job_id or manifest.files[0].base, path, data),
        manifest_path=path,
        manifest=data,
        files=tuple(_describe(file, manifest.created_at) for file in manifest.files),
        chunks=chunks,
        priority=manifest.priority,
        created_at=manifest.created_at or "",
        level=manifest.level,
        method=manifest.method,
        source=manifest.source,
    )


def data_needed(chunks: Iterable[Wanted]) -> dict[str, int]:
    """Return how many bytes each data file must have at least."""
    needed: dict[str, int] = {}
    for chunk in chunks:
        end = chunk.data_offset + (chunk.size or 0)
        needed[chunk.data_path] = max(end, needed.get(chunk.data_path, 0))
    return needed


def _want(chunk: JobChunk, file: JobFile, what: str, root: str) -> Wanted:
    path = safe_path(chunk.path)
    if path.rpartition("/")[2] == "manifest.json" or ("/" not in path and path.endswith(".json")):
        raise ManifestInvalid(
            f"{what}: the data file {path!a} would be taken for a manifest; "
            "expected another name, such as <folder>/data.bin; rename it and write the manifest again"
        )
    return Wanted(
        base=file.base,
        chunk_id=chunk.chunk_id,
        offset=chunk.offset,
        size=chunk.size,
        original_hash=chunk.hash,
        pattern_type=chunk.pattern_type or None,
        grammar_id=chunk.grammar_id or file.grammar_id or None,
        depends_on=tuple(chunk.depends_on),
        data_path=f"{root}/{path}",
        data_offset=chunk.path_offset,
        chunk_path=f"{file.base}/chunk_{chunk.chunk_id:04d}",
    )


def _describe(file: JobFile, created_at: str | None) -> SourceFile:
    total = file.total_chunks if file.total_chunks is not None else len(file.chunks)
    published = {
        "base_name": file.name or file.base,
        "total_chunks": total,
        "created_at": created_at,
        "grammar_id": file.grammar_id,
        "total_size": file.size,
        "original_hash": file.original_hash,
        **(file.model_extra or {}),
        "chunks": [
            {
                "chunk_id": chunk.chunk_id,
                "offset": chunk.offset,
                "size": chunk.size,
                "hash": chunk.hash,
                "pattern": chunk.pattern_type,
                **(chunk.model_extra or {}),
            }
            for chunk in file.chunks
        ],
    }
    return SourceFile(file.base, total, file.size, file.original_hash, file.grammar_id, published)
