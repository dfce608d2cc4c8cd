"""Writing chunk trees into an inbox as few jobs: the data of many chunks in one file, then the manifest of them."""

import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from panini_daemon.storage.errors import HashMismatch
from panini_daemon.storage.fetch import fetch
from panini_daemon.storage.job_manifest import JobChunk, JobFile
from panini_daemon.storage.jobs import Chunk, Job, SourceFile
from panini_daemon.storage.pending_trees import PendingTree
from panini_daemon.storage.plans import make_job_id
from panini_daemon.storage.root import INBOX
from panini_daemon.storage.store import Store
from panini_daemon.storage.submission import make_manifest, wish

MAX_BYTES = 256 * 1024 * 1024
MAX_CHUNKS = 10_000
_SPELLED = {"base_name", "total_chunks", "grammar_id", "total_size", "original_hash", "chunks"}
"""What the published manifest of a tree says in fields of the job manifest that have other names."""


class Drop(Protocol):
    """Where jobs are put: a Store, or something with just these two of its methods."""

    def put(self, path: str, source: Path) -> None:
        """Copy a local file, replacing one of the same name. Raises StoreUnavailable, StoreFull, StoreReadOnly."""

    def write(self, path: str, data: bytes) -> None:
        """Write a file that appears whole or not at all. Raises like `put`."""


@dataclass(frozen=True, slots=True)
class SubmittedTrees:
    """One job that was written into the inbox; `size` is the bytes of all its data files."""

    job_id: str
    manifest_path: str
    data_paths: tuple[str, ...]
    bases: tuple[str, ...]
    chunks: int
    size: int


@dataclass(frozen=True, slots=True)
class _Placed:
    chunk: Chunk
    sha256: str | None
    file: int | None
    """Which data file has the chunk, None where its data is not in the checkout: it was compressed before."""
    offset: int


def submit_trees(
    target: Drop,
    checkout: Store,
    trees: Sequence[PendingTree],
    *,
    scratch: Path,
    source: Mapping[str, object],
    level: str | None = None,
    method: str | None = None,
    priority: int = 0,
    folder: str = INBOX,
    max_bytes: int = MAX_BYTES,
    max_chunks: int = MAX_CHUNKS,
    progress: Callable[[int], None] = lambda _size: None,
) -> list[SubmittedTrees]:
    """Write the trees as one job, or as several of at most `max_bytes` of data and `max_chunks` chunks.

    The trees must have no problem. A file is never split over jobs, because the manifest that is published beside
    its chunks comes from one job and must name them all: a file beyond a limit is a job of its own, with several
    data files. For the same reason a file's other chunks go along; a worker does not compress again what is
    committed. The names come from the content: the same trees and wishes give the same files. `scratch` is a local
    folder with room for `max_bytes`; `progress` is told the bytes of each data file that was written.

    Raises StoreUnavailable, StoreFull, StoreReadOnly, HashMismatch where data changed since it was looked at,
    ManifestInvalid where a manifest would be too long. Jobs whose manifest was written before stay.
    """
    return [
        _submit(target, checkout, group, scratch, source, wish(level, method, priority), folder, max_bytes, progress)
        for group in _group(trees, max_bytes, max_chunks)
    ]


def _group(trees: Iterable[PendingTree], max_bytes: int, max_chunks: int) -> Iterator[list[PendingTree]]:
    """Put whole trees together, in order, as far as the limits let."""
    group, size, count = list[PendingTree](), 0, 0
    for tree in trees:
        chunks = _job_of(tree).chunks
        more = sum(chunk.size for chunk in chunks if chunk.chunk_id in tree.hashes)
        if group and (size + more > max_bytes or count + len(chunks) > max_chunks):
            yield group
            group, size, count = [], 0, 0
        group.append(tree)
        size, count = size + more, count + len(chunks)
    if group:
        yield group


def _submit(
    target: Drop,
    checkout: Store,
    trees: Sequence[PendingTree],
    scratch: Path,
    source: Mapping[str, object],
    wishes: Mapping[str, object],
    folder: str,
    max_bytes: int,
    progress: Callable[[int], None],
) -> SubmittedTrees:
    placed = list(_place(trees, max_bytes))
    created = [str(told) for tree in trees if (told := (_file_of(tree).manifest or {}).get("created_at"))]
    options = {**({"created_at": min(created)} if created else {}), **wishes, "source": dict(source)}
    # What runs differ in, the source, is not in the name: a repeated drop replaces what the first one wrote.
    content = json.dumps([wishes, list(_describe(trees, placed, ""))], sort_keys=True)
    place = make_job_id(trees[0].base, trees[0].base, content.encode())
    data = make_manifest(options, list(_describe(trees, placed, place)), f"the manifest of {len(trees)} chunk trees")
    manifest_path = f"{folder}/{place}.json"
    numbers = sorted({one.file for one in placed if one.file is not None})
    data_paths = tuple(f"{folder}/{_data_path(place, number)}" for number in numbers)
    size = 0
    for number, path in zip(numbers, data_paths, strict=True):
        local = scratch / f"{place}-{number}.bin"
        try:
            written = _join(checkout, [one for one in placed if one.file == number], local, scratch / f"{place}.chunk")
            target.put(path, local)
        finally:
            local.unlink(missing_ok=True)
        size += written
        progress(written)
    target.write(manifest_path, data)
    return SubmittedTrees(
        job_id=make_job_id(trees[0].base, manifest_path, data),
        manifest_path=manifest_path,
        data_paths=data_paths,
        bases=tuple(tree.base for tree in trees),
        chunks=len(placed),
        size=size,
    )


def _place(trees: Iterable[PendingTree], max_bytes: int) -> Iterator[_Placed]:
    """Say for each chunk in which data file it goes, and where; a new file begins where one would become too large."""
    number, offset = 0, 0
    for tree in trees:
        for chunk in _in_order(_job_of(tree), _file_of(tree)):
            sha256 = tree.hashes.get(chunk.chunk_id)
            if sha256 is None:
                yield _Placed(chunk, chunk.original_hash, None, 0)
                continue
            if offset and chunk.size and offset + chunk.size > max_bytes:
                number, offset = number + 1, 0
            yield _Placed(chunk, sha256, number, offset)
            offset += chunk.size


def _in_order(job: Job, file: SourceFile) -> list[Chunk]:
    """Return the chunks in the order of the tree's manifest, which becomes that of the published one."""
    order = {entry.get("chunk_id"): at for at, entry in enumerate(_entries(file))}
    return sorted(job.chunks, key=lambda chunk: (order.get(chunk.chunk_id, len(order)), chunk.chunk_id))


def _join(checkout: Store, placed: Iterable[_Placed], target: Path, piece: Path) -> int:
    """Write the chunks one after the other into `target`, each checked; return the bytes."""
    try:
        with target.open("wb") as whole:
            for one in placed:
                found = fetch(checkout, one.chunk, piece)
                if found != one.sha256:
                    raise HashMismatch(
                        f"{one.chunk.name} has SHA-256 {found}, {one.sha256} a moment ago; expected the checkout to "
                        "stay as it is; run the command again"
                    )
                with piece.open("rb") as part:
                    shutil.copyfileobj(part, whole)
            return whole.tell()
    finally:
        piece.unlink(missing_ok=True)


def _data_path(place: str, number: int | None) -> str:
    if number is None:
        return f"{place}/committed-before.bin"  # never written: a worker asks for it only where it is not committed
    return f"{place}/data.bin" if number == 0 else f"{place}/data-{number:04d}.bin"


def _describe(trees: Iterable[PendingTree], placed: Iterable[_Placed], place: str) -> Iterator[dict[str, Any]]:
    by_base: dict[str, list[_Placed]] = {}
    for one in placed:
        by_base.setdefault(one.chunk.base, []).append(one)
    for tree in trees:
        file = _file_of(tree)
        published, entries = dict(file.manifest or {}), {entry.get("chunk_id"): entry for entry in _entries(file)}
        told = {
            "base": file.base,
            "name": published.get("base_name"),
            "size": file.size,
            "original_hash": file.original_hash,
            "grammar_id": file.grammar_id,
            "total_chunks": file.total_chunks,
        }
        yield {
            **{name: value for name, value in told.items() if value is not None},
            **_others(published, JobFile.model_fields, _SPELLED),
            "chunks": [
                _describe_chunk(one, file, entries.get(one.chunk.chunk_id, {}), place) for one in by_base[file.base]
            ],
        }


def _describe_chunk(one: _Placed, file: SourceFile, entry: Mapping[str, Any], place: str) -> dict[str, Any]:
    chunk = one.chunk
    described: dict[str, Any] = {
        "chunk_id": chunk.chunk_id,
        "offset": chunk.offset,
        "size": chunk.size,
        "path": _data_path(place, one.file),
        "path_offset": one.offset,
    }
    if one.sha256:
        described["hash"] = one.sha256
    if chunk.pattern_type:
        described["pattern_type"] = chunk.pattern_type
    if chunk.grammar_id and chunk.grammar_id != file.grammar_id:
        described["grammar_id"] = chunk.grammar_id
    if chunk.depends_on:
        described["depends_on"] = list(chunk.depends_on)
    same = {"pattern"} if entry.get("pattern", chunk.pattern_type) == chunk.pattern_type else set[str]()
    return {**described, **_others(entry, JobChunk.model_fields, same)}


def _others(fields: Mapping[str, object], known: Iterable[str], spelled: Iterable[str]) -> dict[str, object]:
    """Return what goes along for the published manifest alone; a name that means something in a job cannot."""
    leave_out = {*known, *spelled}
    return {name: value for name, value in fields.items() if name not in leave_out}


def _entries(file: SourceFile) -> list[dict[str, Any]]:
    chunks = (file.manifest or {}).get("chunks")
    return chunks if isinstance(chunks, list) else []


def _job_of(tree: PendingTree) -> Job:
    if tree.job is None:
        raise ValueError(f"{tree.folder} has a problem; expected trees that can be sent: {tree.problem}")
    return tree.job


def _file_of(tree: PendingTree) -> SourceFile:
    return _job_of(tree).files[0]
