"""Writing jobs into the inbox: a file's data first, then the manifest that names its chunks."""

import hashlib
import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from os import stat_result
from pathlib import Path
from typing import Any

from panini_daemon.storage.clock import Clock, iso
from panini_daemon.storage.errors import ManifestInvalid, NameCollision, NotFound, UnsafeName
from panini_daemon.storage.job_manifest import FORMAT, VERSION
from panini_daemon.storage.json_input import check_size
from panini_daemon.storage.manifest_fields import MAX_CHUNKS
from panini_daemon.storage.names import check_collision, safe_base
from panini_daemon.storage.plans import MAX_CHUNK_BYTES, make_job_id
from panini_daemon.storage.root import INBOX
from panini_daemon.storage.store import Store

DEFAULT_CHUNK_SIZE = 64 * 1024 * 1024
_PIECE = 256 * 1024
_UNSAFE = re.compile(r'[\x00-\x1f\x7f-\x9f\ud800-\udfff\\/:*?"<>|]+')
_MAX_BASE_BYTES = 200


@dataclass(frozen=True, slots=True)
class Submitted:
    """One file that was written into the inbox; sizes in bytes, the hash SHA-256 in hex."""

    file: Path
    base: str
    job_id: str
    manifest_path: str
    data_path: str
    size: int
    original_hash: str
    chunks: int


@dataclass(frozen=True, slots=True)
class _Cut:
    size: int
    original_hash: str
    chunks: tuple[tuple[int, int, str], ...]
    """Offset, size and SHA-256 of each chunk."""


def submit(
    store: Store,
    files: Sequence[Path],
    *,
    clock: Clock,
    base: str | None = None,
    chunk_size: int = DEFAULT_CHUNK_SIZE,
    level: str | None = None,
    method: str | None = None,
    priority: int = 0,
    grammar_id: str | None = None,
    folder: str = INBOX,
    progress: Callable[[int], None] = lambda _size: None,
) -> list[Submitted]:
    """Write one job for each file into the inbox. `progress` is told the bytes of each piece that was read.

    Each file is cut into chunks of `chunk_size` bytes, in one data file; an empty file is one empty chunk.
    Submitting a file again writes the same data file and a new manifest. Nothing is written where a name is
    refused. Raises NotFound, UnsafeName, NameCollision where two files have one base, ManifestInvalid where a
    file changes meanwhile or would have too many chunks.
    """
    if chunk_size <= 0:
        raise ValueError(f"chunk_size is {chunk_size}; expected a number of bytes above 0")
    bases = _name(files, base)
    for file in files:
        _check(file, chunk_size)
    options = {"created_at": iso(clock.now()), **wish(level, method, priority)}
    return [
        _submit_one(store, file, name, chunk_size, options, grammar_id, folder, progress)
        for file, name in zip(files, bases, strict=True)
    ]


def wish(level: str | None, method: str | None, priority: int) -> dict[str, Any]:
    """Return what a manifest asks of the worker."""
    return {
        "priority": priority,
        **({"level": level} if level else {}),
        **({"method": method} if method else {}),
    }


def make_manifest(options: Mapping[str, Any], files: Sequence[Mapping[str, Any]], what: str) -> bytes:
    """Return a job manifest; `what` names it in messages. Raises ManifestInvalid where it is too long."""
    manifest = {"format": FORMAT, "version": VERSION, **options, "files": list(files)}
    data = (json.dumps(manifest, ensure_ascii=False) + "\n").encode()
    check_size(len(data), what)
    return data


def make_base(name: str) -> str:
    """Return a base for a file called `name`: what no system's file names may hold becomes `_`."""
    text = _UNSAFE.sub("_", unicodedata.normalize("NFC", name)).rstrip(". ").lstrip()
    text = text.encode()[:_MAX_BASE_BYTES].decode(errors="ignore").rstrip(". ")
    try:
        return safe_base(text)
    except UnsafeName:
        return safe_base(f"file-{text.lstrip('.')}" if text.strip("._ ") else "file")


def _name(files: Sequence[Path], base: str | None) -> list[str]:
    bases: list[str] = []
    for file in files:
        name = make_base(file.name) if base is None else safe_base(base)
        if name in bases:
            raise NameCollision(
                f"{file} would have the base {name!a}, as another file of this call has; "
                "expected one base for each file; submit them one by one under different bases"
            )
        check_collision(name, bases)
        bases.append(name)
    return bases


def _check(file: Path, chunk_size: int) -> None:
    size = _stat(file).st_size
    if min(size, chunk_size) > MAX_CHUNK_BYTES:
        raise ManifestInvalid(
            f"{file} would be cut into chunks of {min(size, chunk_size)} bytes; a chunk has at most {MAX_CHUNK_BYTES}; "
            "choose a smaller chunk size"
        )
    if size > chunk_size * MAX_CHUNKS:
        raise ManifestInvalid(
            f"{file} has {size} bytes, over {MAX_CHUNKS} chunks of {chunk_size}; choose a larger chunk size"
        )


def _stat(file: Path) -> stat_result:
    if not file.is_file():
        raise NotFound(f"{file} is not there or no plain file; expected a file to submit; check the path")
    return file.stat()


def _submit_one(
    store: Store,
    file: Path,
    base: str,
    chunk_size: int,
    options: dict[str, Any],
    grammar_id: str | None,
    folder: str,
    progress: Callable[[int], None],
) -> Submitted:
    before = _stat(file)
    cut = _cut(file, before.st_size, chunk_size, progress)
    place = make_job_id(base, base, cut.original_hash.encode())
    data_path, manifest_path = f"{place}/data.bin", f"{folder}/{place}.json"
    described = {
        "base": base,
        "name": unicodedata.normalize("NFC", file.name).encode(errors="replace").decode(),
        "size": cut.size,
        "original_hash": cut.original_hash,
        **({"grammar_id": grammar_id} if grammar_id else {}),
        "total_chunks": len(cut.chunks),
        "chunks": list(_describe(cut, data_path)),
    }
    data = make_manifest(options, [described], f"the manifest of {file}, with {len(cut.chunks)} chunks")
    store.put(f"{folder}/{data_path}", file)
    after = _stat(file)
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or after.st_size != cut.size:
        store.delete(f"{folder}/{data_path}")
        raise ManifestInvalid(f"{file} changed while it was submitted; expected it to stay as it is; submit it again")
    store.write(manifest_path, data)
    return Submitted(
        file=file,
        base=base,
        job_id=make_job_id(base, manifest_path, data),
        manifest_path=manifest_path,
        data_path=f"{folder}/{data_path}",
        size=cut.size,
        original_hash=cut.original_hash,
        chunks=len(cut.chunks),
    )


def _cut(file: Path, total: int, chunk_size: int, progress: Callable[[int], None]) -> _Cut:
    """Read the first `total` bytes of the file once: where its chunks begin, and what they hash to."""
    whole, chunks, offset = hashlib.sha256(), list[tuple[int, int, str]](), 0
    with file.open("rb") as source:
        while offset < total or not chunks:
            digest, size, wanted = hashlib.sha256(), 0, min(chunk_size, total - offset)
            while size < wanted and (piece := source.read(min(_PIECE, wanted - size))):
                whole.update(piece)
                digest.update(piece)
                size += len(piece)
                progress(len(piece))
            chunks.append((offset, size, digest.hexdigest()))
            offset += size
            if size < wanted:  # the file became shorter, which the caller finds out
                break
    return _Cut(offset, whole.hexdigest(), tuple(chunks))


def _describe(cut: _Cut, path: str) -> Iterable[dict[str, Any]]:
    for number, (offset, size, digest) in enumerate(cut.chunks):
        yield {
            "chunk_id": number,
            "offset": offset,
            "size": size,
            "hash": digest,
            "path": path,
            "path_offset": offset,
        }
