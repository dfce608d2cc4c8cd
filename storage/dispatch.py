"""The second form: the payload that the earlier workflow posted to a webhook, for one chunk or a batch."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, FailFast, Field

from panini_daemon.storage.errors import ManifestInvalid
from panini_daemon.storage.jobs import SourceFile
from panini_daemon.storage.manifest_fields import (
    MAX_CHUNKS,
    Hint,
    LenientNumber,
    Priority,
    Sha256,
    validate,
)
from panini_daemon.storage.names import safe_base, safe_path
from panini_daemon.storage.plans import (
    CHUNK_FOLDER,
    Plan,
    Wanted,
    check_unique,
    make_job_id,
    strip_pending,
)

ACTIONS = ("compress_chunk", "compress_batch")


class ChunkInfo(BaseModel):
    """One chunk of a payload; `size` in bytes. `base_dir` and `chunk_path` may each stand for the other."""

    model_config = ConfigDict(frozen=True, extra="allow")

    base_dir: str | None = None
    chunk_id: LenientNumber | None = None
    chunk_path: str | None = None
    pattern_type: Hint = None
    grammar_id: Hint = None
    size: LenientNumber | None = None
    hash: Sha256 | None = None


class Dispatch(BaseModel):
    """The payload; who sent it is passed on as it is."""

    model_config = ConfigDict(frozen=True, extra="allow")

    action: Literal["compress_chunk", "compress_batch"]
    chunk_info: ChunkInfo | None = None
    chunks: Annotated[list[ChunkInfo], FailFast()] = Field(default_factory=list, max_length=MAX_CHUNKS)
    repository: object = None
    workflow: object = None
    priority: Priority = 0
    created_at: Hint = None


def parse_dispatch(fields: dict[str, Any], data: bytes, path: str, root: str) -> Plan:
    """Return what a dispatch payload says. Raises ManifestInvalid, UnsafeName."""
    payload = validate(Dispatch, fields, path, "a compress_chunk or compress_batch payload")
    infos = [*([payload.chunk_info] if payload.chunk_info else []), *payload.chunks]
    if not infos:
        raise ManifestInvalid(f"{path} names no chunk; expected chunk_info or chunks; send it again")
    chunks = tuple(_want(info, path, root) for info in infos)
    check_unique(chunks, path)
    bases = dict.fromkeys(chunk.base for chunk in chunks)
    source = {
        "action": payload.action,
        "repository": payload.repository,
        "workflow": payload.workflow,
    }
    return Plan(
        job_id=make_job_id(chunks[0].name, path, data),
        manifest_path=path,
        manifest=data,
        files=tuple(SourceFile(base) for base in bases),
        chunks=chunks,
        priority=payload.priority,
        created_at=payload.created_at or "",
        source={name: value for name, value in source.items() if value is not None},
        looks_up=True,
    )


def _want(info: ChunkInfo, what: str, root: str) -> Wanted:
    base_dir = (info.base_dir or "").rstrip("/")
    chunk_path = (info.chunk_path or "").rstrip("/")
    if not chunk_path:
        if not base_dir or info.chunk_id is None:
            raise ManifestInvalid(
                f"{what} has a chunk without chunk_path, and base_dir {info.base_dir!r}, chunk_id "
                f"{info.chunk_id!r}; expected chunk_path, or both of the others; send it again"
            )
        chunk_path = f"{base_dir}/chunk_{info.chunk_id:04d}"
    parent, _, last = safe_path(chunk_path).rpartition("/")
    match = CHUNK_FOLDER.fullmatch(last)
    chunk_id = info.chunk_id if info.chunk_id is not None or match is None else int(match[1])
    if chunk_id is None or (match and int(match[1]) != chunk_id):
        raise ManifestInvalid(
            f"{what} has chunk_path {chunk_path!a} with chunk_id {info.chunk_id!r}; "
            "expected a path that ends in chunk_ and that number; send it again"
        )
    base = strip_pending(base_dir) or strip_pending(parent)
    if not base:
        raise ManifestInvalid(
            f"{what} has chunk_path {chunk_path!a} and base_dir {info.base_dir!a}, which name no file; "
            "expected <base>/chunk_0000; send it again"
        )
    folders = dict.fromkeys((f"{root}/{chunk_path}", f"{root}/{strip_pending(chunk_path)}"))
    return Wanted(
        base=safe_base(base),
        chunk_id=chunk_id,
        size=info.size,
        original_hash=info.hash,
        pattern_type=info.pattern_type,
        grammar_id=info.grammar_id,
        folders=tuple(folders),
        chunk_path=chunk_path,
    )
