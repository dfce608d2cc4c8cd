"""Original bytes of damaged chunks, wherever in the tree they are, and the job that brings them to a worker."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from panini_daemon.compressors.errors import CompressorError
from panini_daemon.errors import DaemonError
from panini_daemon.inspection import walk
from panini_daemon.reader import Reader
from panini_daemon.storage.commits import read_recipe
from panini_daemon.storage.errors import NotCommitted, NotFound, StorageError, StoreUnavailable
from panini_daemon.storage.job_manifest import JobFile
from panini_daemon.storage.jobs import SourceFile
from panini_daemon.storage.plans import Wanted, make_job_id
from panini_daemon.storage.recipe import AssemblyInfo, Recipe
from panini_daemon.storage.root import CHUNKS, INBOX
from panini_daemon.storage.store import Store
from panini_daemon.storage.submission import make_manifest

_PIECE = 1 << 20
_SPELLED = {"base_name", "total_chunks", "grammar_id", "total_size", "original_hash", "chunks"}
"""What a published manifest says in fields of the job manifest that have other names."""


@dataclass(frozen=True, slots=True)
class Original:
    """A chunk's bytes in the tree: `pieces` yields them, `where` tells a person."""

    chunk: Wanted
    where: str
    pieces: Callable[[], Iterator[bytes]]


def original_in_file(store: Store, chunk: Wanted) -> Original | None:
    """Return the bytes that a chunk's data file holds, None where they are not the ones that are declared."""
    digest, size = hashlib.sha256(), 0
    try:
        for piece in _read_range(store, chunk):
            digest.update(piece)
            size += len(piece)
    except NotFound:
        return None
    if size != chunk.size or chunk.original_hash not in (None, digest.hexdigest()):
        return None
    found = replace(chunk, original_hash=digest.hexdigest())
    return Original(found, chunk.data_path, lambda: _read_range(store, chunk))


def find_in_leftovers(
    store: Store, paths: Iterable[str], wanted: Mapping[str, Wanted], totals: Mapping[str, int]
) -> Iterator[Original]:
    """Yield the wanted chunks, by SHA-256, that are a whole left-over file, or lie at their place in a file's data.

    `totals` tells the sizes of whole files by base.
    """
    sizes = {chunk.size for chunk in wanted.values()}
    for path in paths:
        try:
            size = store.stat(path).size
        except NotFound:
            continue
        candidates = [replace(chunk, data_offset=chunk.offset or 0) for chunk in wanted.values()]
        places = [chunk for chunk in candidates if totals.get(chunk.base) == size]
        if size in sizes:
            places += [replace(chunk, data_offset=0) for chunk in wanted.values() if chunk.size == size]
        for chunk in places:
            if found := original_in_file(store, replace(chunk, data_path=path)):
                yield found


def find_same(reader: Reader, hashes: set[str]) -> Iterator[tuple[str, str]]:
    """Yield the SHA-256 and the chunk folder of committed chunks that decode to wanted bytes, each hash once."""
    left = set(hashes)
    for _, folders in walk(reader, CHUNKS):
        for folder in folders.values():
            if not left:
                return
            try:
                told = read_recipe(reader.store, folder).original_hash
                if told not in left or not reader.read(folder)[1].exact:
                    continue
            except StoreUnavailable:
                raise
            except (NotCommitted, StorageError, CompressorError, DaemonError):
                continue
            left.discard(told)
            yield told, folder


def original_in_commit(reader: Reader, chunk: Wanted, folder: str) -> Original:
    """Return a chunk's bytes as the commit of the same bytes in another place gives them."""

    def pieces() -> Iterator[bytes]:
        yield reader.read(folder)[1].data

    return Original(chunk, folder, pieces)


def decode_anyway(reader: Reader, recipe: Recipe, path: str, chunk: Wanted) -> Original | None:
    """Return the bytes that a payload gives by a recipe that is damaged or of another payload, where they are right."""
    blank = recipe.model_copy(update={"original_hash": "", "assembly_info": AssemblyInfo(size=chunk.size)})

    def pieces() -> Iterator[bytes]:
        yield reader.decode(blank, path).data

    try:
        digest = hashlib.sha256(reader.decode(blank, path).data).hexdigest()
    except StoreUnavailable:
        raise
    except (StorageError, CompressorError, DaemonError):
        return None
    return Original(chunk, path, pieces) if digest == chunk.original_hash else None


def submit_originals(
    store: Store,
    file: SourceFile,
    originals: Sequence[Original],
    source: Mapping[str, object],
    scratch: Path,
    before_manifest: Callable[[], None],
    ready: Callable[[], None],
) -> str:
    """Put one job with these chunks of a file into the inbox; return its manifest's path.

    The name comes from the content: the same damage gives the same job. `before_manifest` is called once the bytes are
    in the inbox. Raises NotFound where bytes went away,
    ManifestInvalid, UnsafeName.
    """
    described, offset = list[dict[str, Any]](), 0
    for original in originals:
        described.append(_describe(original.chunk, file, offset))
        offset += original.chunk.size or 0
    place = make_job_id(file.base, file.base, "".join(str(one) for one in described).encode())
    for one in described:
        one["path"] = f"{place}/data.bin"
    manifest = _describe_file(file, described)
    told = (file.manifest or {}).get("created_at")
    options = {"created_at": told} if isinstance(told, str) and told else {}
    data = make_manifest({**options, "source": dict(source)}, [manifest], f"the manifest of {len(described)} chunks")
    local = scratch / f"{place}.bin"
    try:
        with local.open("wb") as whole:
            for original in originals:
                for piece in original.pieces():
                    whole.write(piece)
        ready()
        store.put(f"{INBOX}/{place}/data.bin", local)
    finally:
        local.unlink(missing_ok=True)
    before_manifest()
    ready()
    store.write(f"{INBOX}/{place}.json", data)
    return f"{INBOX}/{place}.json"


def _describe_file(file: SourceFile, chunks: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    published = dict(file.manifest or {})
    told = {
        "base": file.base,
        "name": published.get("base_name"),
        "size": file.size,
        "original_hash": file.original_hash,
        "grammar_id": file.grammar_id,
        "total_chunks": max(file.total_chunks or 0, len(chunks)),
    }
    known = {*JobFile.model_fields, *_SPELLED}
    others = {name: value for name, value in published.items() if name not in known}
    return {**{name: value for name, value in told.items() if value is not None}, **others, "chunks": list(chunks)}


def _describe(chunk: Wanted, file: SourceFile, offset: int) -> dict[str, Any]:
    told = {
        "chunk_id": chunk.chunk_id,
        "offset": chunk.offset or 0,
        "size": chunk.size or 0,
        "hash": chunk.original_hash,
        "path_offset": offset,
        "pattern_type": chunk.pattern_type,
        "grammar_id": chunk.grammar_id if chunk.grammar_id != file.grammar_id else None,
        "depends_on": list(chunk.depends_on) or None,
    }
    return {name: value for name, value in told.items() if value is not None}


def _read_range(store: Store, chunk: Wanted) -> Iterator[bytes]:
    left = chunk.size or 0
    with store.open(chunk.data_path) as file:
        file.seek(chunk.data_offset)
        while left and (piece := file.read(min(_PIECE, left))):
            left -= len(piece)
            yield piece
