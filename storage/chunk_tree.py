"""The first form: a chunk tree, `<base>/manifest.json` and `<base>/chunk_0000/metadata.json` beside the data."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, FailFast, Field, model_validator

from panini_daemon.storage.errors import ManifestInvalid
from panini_daemon.storage.jobs import SourceFile
from panini_daemon.storage.json_input import MAX_METADATA_BYTES, parse_object
from panini_daemon.storage.manifest_fields import (
    MAX_CHUNKS,
    ChunkIds,
    Hint,
    LenientNumber,
    Sha256,
    respell,
    validate,
)
from panini_daemon.storage.names import safe_base
from panini_daemon.storage.plans import (
    CHUNK_FOLDER,
    Plan,
    Wanted,
    check_total,
    check_unique,
    make_job_id,
    strip_pending,
)

_EXPECTED = "a chunk tree's manifest.json"
_CHUNK_SPELLINGS = {
    "chunk_id": ("id",),
    "hash": ("original_hash",),
    "pattern": ("pattern_type",),
    "dependencies": ("depends_on",),
}
_METADATA_SPELLINGS = {
    "chunk_id": ("id",),
    "original_hash": ("hash",),
    "pattern_type": ("pattern",),
    "dependencies": ("depends_on",),
}


class TreeChunk(BaseModel):
    """A chunk in manifest.json; `offset` and `size` in bytes."""

    model_config = ConfigDict(frozen=True, extra="allow")

    chunk_id: LenientNumber
    offset: LenientNumber | None = None
    size: LenientNumber | None = None
    hash: Sha256 | None = None
    pattern: Hint = None
    grammar_id: Hint = None
    dependencies: ChunkIds = Field(default_factory=list)

    @model_validator(mode="before")
    @classmethod
    def _respell(cls, fields: object) -> object:
        return respell(fields, _CHUNK_SPELLINGS)


class TreeManifest(BaseModel):
    """manifest.json in either documented spelling; what else it holds is kept."""

    model_config = ConfigDict(frozen=True, extra="allow")

    base_name: Hint = None
    total_chunks: Annotated[LenientNumber, Field(le=MAX_CHUNKS)] | None = None
    created_at: Hint = None
    grammar_id: Hint = None
    total_size: LenientNumber | None = None
    original_hash: Sha256 | None = None
    chunks: Annotated[list[TreeChunk], FailFast()] = Field(default_factory=list, max_length=MAX_CHUNKS)


class Metadata(BaseModel):
    """metadata.json. `status` is not looked at: a chunk is done when its commit is there, not before."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    chunk_id: LenientNumber | None = None
    offset: LenientNumber | None = None
    size: LenientNumber | None = None
    original_hash: Sha256 | None = None
    pattern_type: Hint = None
    grammar_id: Hint = None
    dependencies: ChunkIds = Field(default_factory=list)

    @model_validator(mode="before")
    @classmethod
    def _respell(cls, fields: object) -> object:
        return respell(fields, _METADATA_SPELLINGS)


def base_of_tree(folder: str, root: str) -> str:
    """Return the base of the tree in `folder` of the inbox `root`. Raises UnsafeName, ManifestInvalid."""
    base = strip_pending(folder.removeprefix(root).removeprefix("/"))
    if not base:
        raise ManifestInvalid(
            f"{folder} holds a manifest.json or chunk folders itself; expected them in a folder of their own, "
            f"{folder}/<name>/; move them there"
        )
    return safe_base(base)


def parse_tree(fields: dict[str, Any], data: bytes, path: str, root: str) -> Plan:
    """Return what a tree's manifest.json says; where its chunks lie is told by the place of the manifest.

    Without a list of chunks, `total_chunks` says how many folders to look for. Raises ManifestInvalid, UnsafeName.
    """
    folder = path.rpartition("/")[0]
    base = base_of_tree(folder, root)
    file, chunks = read_tree(fields, base, path)
    return Plan(
        job_id=make_job_id(base, path, data),
        manifest_path=path,
        manifest=data,
        files=(file,),
        chunks=tuple(_place(chunk, folder, root) for chunk in chunks),
        created_at=str((file.manifest or {}).get("created_at") or ""),
        tree=folder,
    )


def read_tree(fields: dict[str, Any], base: str, what: str) -> tuple[SourceFile, list[Wanted]]:
    """Return the file and chunks that a tree's manifest.json describes, wherever they lie."""
    manifest = validate(TreeManifest, fields, what, _EXPECTED)
    check_total(manifest.total_chunks, len(manifest.chunks), what)
    chunks = [
        Wanted(
            base=base,
            chunk_id=chunk.chunk_id,
            offset=chunk.offset,
            size=chunk.size,
            original_hash=chunk.hash,
            pattern_type=chunk.pattern,
            grammar_id=chunk.grammar_id or manifest.grammar_id,
            depends_on=tuple(chunk.dependencies),
        )
        for chunk in manifest.chunks
    ] or [Wanted(base, number, grammar_id=manifest.grammar_id) for number in range(manifest.total_chunks or 0)]
    check_unique(chunks, what)
    return _describe(manifest, base), chunks


def parse_bare_tree(folder: str, root: str, names: Iterable[str]) -> Plan:
    """Return the plan of a tree whose manifest.json never came: its chunk folders, to be told by metadata.json."""
    base = base_of_tree(folder, root)
    numbers = sorted(int(match[1]) for name in names if (match := CHUNK_FOLDER.fullmatch(name)))
    return Plan(
        job_id="",
        manifest_path=f"{folder}/manifest.json",
        manifest=b"",
        files=(SourceFile(base),),
        chunks=tuple(_place(Wanted(base, number), folder, root) for number in numbers),
        tree=folder,
    )


def apply_metadata(chunk: Wanted, data: bytes, what: str) -> Wanted:
    """Complete a chunk from its metadata.json.

    Hints are taken from the metadata; offset, size and hash must agree where both tell them. Raises
    ManifestUnreadable, ManifestInvalid.
    """
    fields = parse_object(data, what, MAX_METADATA_BYTES)
    told = validate(Metadata, fields, what, "a chunk's metadata.json")
    if told.chunk_id not in (None, chunk.chunk_id):
        raise ManifestInvalid(
            f"{what} says chunk_id {told.chunk_id}; expected {chunk.chunk_id}; put it into the right folder"
        )
    return merge(
        chunk,
        Wanted(
            base=chunk.base,
            chunk_id=chunk.chunk_id,
            offset=told.offset,
            size=told.size,
            original_hash=told.original_hash,
            pattern_type=told.pattern_type,
            grammar_id=told.grammar_id,
            depends_on=tuple(told.dependencies),
        ),
        what,
    )


def merge(chunk: Wanted, told: Wanted, what: str) -> Wanted:
    """Return `chunk` with what `told` adds. Raises ManifestInvalid where they disagree on bytes."""
    for name in ("offset", "size", "original_hash"):
        old, new = getattr(chunk, name), getattr(told, name)
        if old is not None and new is not None and old != new:
            raise ManifestInvalid(
                f"{what} says {name} {new} of {chunk.name}, the manifest {old}; "
                "expected them to agree; cut the file again"
            )
    return replace(
        chunk,
        offset=told.offset if chunk.offset is None else chunk.offset,
        size=told.size if chunk.size is None else chunk.size,
        original_hash=chunk.original_hash or told.original_hash,
        pattern_type=told.pattern_type or chunk.pattern_type,
        grammar_id=told.grammar_id or chunk.grammar_id,
        depends_on=told.depends_on or chunk.depends_on,
    )


def _place(chunk: Wanted, folder: str, root: str) -> Wanted:
    where = f"{folder}/chunk_{chunk.chunk_id:04d}"
    return replace(chunk, folders=(where,), chunk_path=where.removeprefix(f"{root}/"))


def _describe(manifest: TreeManifest, base: str) -> SourceFile:
    others = dict(manifest.model_extra or {})
    source_name = others.get("source_file")
    published = {
        "base_name": manifest.base_name or (source_name if isinstance(source_name, str) else None) or base,
        "total_chunks": manifest.total_chunks,
        "created_at": manifest.created_at,
        "grammar_id": manifest.grammar_id,
        "total_size": manifest.total_size,
        "original_hash": manifest.original_hash,
        **others,
        "chunks": [
            {
                "chunk_id": chunk.chunk_id,
                "offset": chunk.offset,
                "size": chunk.size,
                "hash": chunk.hash,
                "pattern": chunk.pattern,
                **({"grammar_id": chunk.grammar_id} if chunk.grammar_id else {}),
                **({"dependencies": chunk.dependencies} if chunk.dependencies else {}),
                **(chunk.model_extra or {}),
            }
            for chunk in manifest.chunks
        ],
    }
    return SourceFile(
        base=base,
        total_chunks=manifest.total_chunks if manifest.total_chunks is not None else len(manifest.chunks) or None,
        size=manifest.total_size,
        original_hash=manifest.original_hash,
        grammar_id=manifest.grammar_id,
        manifest=published,
    )
