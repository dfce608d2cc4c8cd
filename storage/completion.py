"""From a plan whose chunks were all found to the job that is handed out."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from panini_daemon.storage.errors import ManifestInvalid
from panini_daemon.storage.jobs import Chunk, Job, SourceFile
from panini_daemon.storage.ordering import chunk_key
from panini_daemon.storage.plans import MAX_CHUNK_BYTES, Plan, Wanted, make_job_id


def complete(plan: Plan, found: Iterable[Wanted], root: str) -> Job:
    """Return the job of a plan.

    Raises ManifestInvalid where nothing tells a chunk's size or place, and for a chunk that is too large.
    """
    chunks = _fill_offsets(sorted(found, key=lambda chunk: (chunk.base, chunk.chunk_id)))
    files = {file.base: file for file in plan.files}
    if not plan.manifest:
        plan = _describe_bare(plan, chunks)
    return Job(
        job_id=plan.job_id,
        manifest_path=plan.manifest_path,
        manifest=plan.manifest,
        files=_publish_all(plan.files, chunks),
        chunks=tuple(sorted((_make(chunk, files[chunk.base]) for chunk in chunks), key=chunk_key)),
        priority=plan.priority,
        created_at=plan.created_at,
        level=plan.level,
        method=plan.method,
        source=plan.source,
        leftovers=tuple(list_leftovers(plan, chunks, root)),
    )


def list_leftovers(plan: Plan, chunks: Sequence[Wanted], root: str) -> list[str]:
    """Return what a job leaves behind beside its manifest: data first, then folders that may be empty then."""
    places = dict.fromkeys(place for chunk in chunks for place in _places_of(chunk))
    parents = dict.fromkeys(place.rpartition("/")[0] for place in places)
    if plan.tree:
        parents[plan.tree] = None
    deepest_first = sorted(parents, key=lambda path: -path.count("/"))
    return [*places, *(path for path in deepest_first if path.startswith(f"{root}/") and path not in places)]


def _places_of(chunk: Wanted) -> tuple[str, ...]:
    if not chunk.folders:
        return (chunk.data_path,)
    return (chunk.data_path.rpartition("/")[0],) if chunk.data_path else chunk.folders


def _fill_offsets(chunks: Sequence[Wanted]) -> list[Wanted]:
    """Place chunks whose offset nobody told behind the chunk before them, as a file is cut: in order, without gaps."""
    filled: list[Wanted] = []
    for chunk in chunks:
        offset = chunk.offset
        if offset is None and chunk.chunk_id == 0:
            offset = 0
        elif offset is None and filled:
            before = filled[-1]
            if (before.base, before.chunk_id) == (chunk.base, chunk.chunk_id - 1):
                offset = (before.offset or 0) + (before.size or 0)
        if offset is None or chunk.size is None:
            unknown = "size" if chunk.size is None else "offset"
            raise ManifestInvalid(
                f"{chunk.name}: nothing tells its {unknown}; expected it in the manifest or in metadata.json; "
                "send the chunk with its metadata.json"
            )
        if chunk.size > MAX_CHUNK_BYTES:
            raise ManifestInvalid(
                f"{chunk.name} has {chunk.size} bytes; a chunk has at most {MAX_CHUNK_BYTES}; "
                "cut the file into smaller ones"
            )
        filled.append(replace(chunk, offset=offset))
    return filled


def _make(chunk: Wanted, file: SourceFile) -> Chunk:
    return Chunk(
        base=chunk.base,
        chunk_id=chunk.chunk_id,
        offset=chunk.offset or 0,
        data_path=chunk.data_path,
        size=chunk.size or 0,
        data_offset=chunk.data_offset,
        original_hash=chunk.original_hash,
        pattern_type=chunk.pattern_type,
        grammar_id=chunk.grammar_id or file.grammar_id,
        total_chunks=file.total_chunks,
        depends_on=chunk.depends_on,
        chunk_path=chunk.chunk_path,
        data_size=chunk.data_size,
    )


def _publish_all(files: Iterable[SourceFile], chunks: Iterable[Wanted]) -> tuple[SourceFile, ...]:
    by_base: dict[str, list[Wanted]] = {}
    for chunk in chunks:
        by_base.setdefault(chunk.base, []).append(chunk)
    return tuple(_publish(file, by_base.get(file.base, [])) for file in files)


def _publish(file: SourceFile, chunks: Iterable[Wanted]) -> SourceFile:
    """Fill in, in the manifest to be copied, what only the metadata told."""
    if file.manifest is None:
        return file
    entries = {entry["chunk_id"]: entry for entry in _entries(file.manifest)}
    for chunk in chunks:
        entry = dict(entries.get(chunk.chunk_id, {"chunk_id": chunk.chunk_id}))
        told = {
            "offset": chunk.offset,
            "size": chunk.size,
            "hash": chunk.original_hash,
            "pattern": chunk.pattern_type,
        }
        entry.update({name: value for name, value in told.items() if entry.get(name) is None})
        entries[chunk.chunk_id] = entry
    total = file.total_chunks if file.total_chunks is not None else len(entries)
    manifest = {**file.manifest, "total_chunks": total, "chunks": list(entries.values())}
    return replace(file, total_chunks=total, manifest=manifest)


def _entries(manifest: Mapping[str, object]) -> Iterable[dict[str, object]]:
    chunks = manifest["chunks"]
    return chunks if isinstance(chunks, list) else []


def _describe_bare(plan: Plan, chunks: Sequence[Wanted]) -> Plan:
    """Give a tree without manifest.json one that says what its metadata said, the same on every worker."""
    told = {
        "base_name": plan.files[0].base,
        "chunks": [
            {
                "chunk_id": chunk.chunk_id,
                "offset": chunk.offset,
                "size": chunk.size,
                "hash": chunk.original_hash,
                "pattern": chunk.pattern_type,
            }
            for chunk in chunks
        ],
    }
    manifest = json.dumps(told, ensure_ascii=False).encode()
    job_id = make_job_id(plan.files[0].base, plan.manifest_path, manifest)
    return replace(plan, manifest=manifest, job_id=job_id)
