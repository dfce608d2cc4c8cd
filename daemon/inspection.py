"""Looking at committed files: each chunk's hashes and place, each file's completeness, with `deep` every byte."""

import hashlib
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from panini_daemon.compressors.errors import CompressorError
from panini_daemon.errors import DaemonError
from panini_daemon.reader import CHUNK_FOLDER, Reader
from panini_daemon.restoration import expected_hashes, expected_ids, read_manifest, told_total
from panini_daemon.storage.commits import MANIFEST, Commit
from panini_daemon.storage.errors import HashMismatch, NotCommitted, NotFound, StorageError, StoreUnavailable
from panini_daemon.storage.recipe import Recipe

_AHEAD = 2
"""Chunks that are read ahead of the one whose turn it is, beside one for each thread."""

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where, the error's class, and what to do."""

    path: str
    error: str
    message: str


@dataclass(frozen=True, slots=True)
class ChunkLook:
    """One look at a chunk's folder: its commit, or why there is none that can be used; `size` in bytes.

    `commit` is there with an `error`, too, where the two files agree and are wrong in this place.
    """

    path: str
    commit: Commit | None = None
    size: int = 0
    exact: bool = True
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class FileLook:
    """One look at a file: its manifest as it stands there, its chunks by id, and what is wrong with it as a whole.

    `missing` are ids that the manifest lists. `digest` is the SHA-256 of the whole file where it was found out.
    """

    folder: str
    manifest: Mapping[str, object]
    chunks: Mapping[int, ChunkLook]
    missing: tuple[int, ...] = ()
    digest: str | None = None
    problems: tuple[Problem, ...] = ()


def list_problems(look: FileLook) -> Iterator[Problem]:
    """Yield all that is wrong with a file and its chunks."""
    yield from look.problems
    for chunk_id in look.missing:
        yield Problem(
            f"{look.folder}/chunk_{chunk_id:04d}",
            "NotCommitted",
            f"the manifest of {look.folder} lists chunk {chunk_id}, which is not there; it may still be in the inbox, "
            "else submit the file again",
        )
    for chunk in look.chunks.values():
        if chunk.error is not None:
            yield Problem(chunk.path, type(chunk.error).__name__, str(chunk.error))


def look_at_files(
    reader: Reader,
    folder: str,
    *,
    deep: bool,
    threads: int = 1,
    on_chunk: Callable[[], None] = lambda: None,
) -> Iterator[FileLook]:
    """Look at every file below `folder`, with `deep` at every byte. Raises StoreUnavailable."""
    with ThreadPoolExecutor(threads) as pool:
        for base, chunk_folders in walk(reader, folder):
            yield _look_at_file(reader, base, chunk_folders, pool, threads + _AHEAD, deep, on_chunk)


def look_at_chunk(
    reader: Reader, path: str, *, deep: bool, chunk_id: int, expected: str | None
) -> tuple[ChunkLook, bytes]:
    """Look at one chunk; return its bytes, too, which only `deep` decodes. `expected` is the manifest's hash of it.

    Raises StoreUnavailable.
    """
    try:
        commit = reader.find(path)
        if error := _misplaced(commit.recipe, path, chunk_id, expected):
            return ChunkLook(path, commit, error=error), b""
        if not deep:
            return ChunkLook(path, commit, commit.recipe.size or 0), b""
        chunk = reader.decode(commit.recipe, commit.payload_path)
    except StoreUnavailable:
        raise
    except (StorageError, CompressorError, DaemonError) as error:
        return ChunkLook(path, error=error), b""
    return ChunkLook(path, commit, len(chunk.data), chunk.exact), chunk.data


def walk(reader: Reader, folder: str) -> Iterator[tuple[str, dict[int, str]]]:
    """Yield every base below `folder` with its chunk folders by id."""
    try:
        entries = reader.store.list(folder)
    except NotFound:
        return
    names = [entry.name for entry in entries if entry.kind == "folder"]
    # A manifest alone counts as well: it tells that every chunk is missing.
    if any(CHUNK_FOLDER.fullmatch(name) for name in names) or any(entry.name == MANIFEST for entry in entries):
        yield folder, reader.chunk_folders(folder)
    for name in sorted(names):
        if not CHUNK_FOLDER.fullmatch(name):
            yield from walk(reader, f"{folder}/{name}" if folder else name)


def _look_at_file(
    reader: Reader,
    base: str,
    chunk_folders: Mapping[int, str],
    pool: ThreadPoolExecutor,
    ahead: int,
    deep: bool,  # noqa: FBT001
    on_chunk: Callable[[], None],
) -> FileLook:
    problems: list[Problem] = []
    manifest: Mapping[str, object] = {}
    try:
        manifest = read_manifest(reader, base)
    except StoreUnavailable:
        raise
    except StorageError as error:
        problems.append(Problem(base, type(error).__name__, str(error)))
    expected, listed = expected_hashes(manifest), expected_ids(manifest)
    jobs = [
        partial(look_at_chunk, reader, path, deep=deep, chunk_id=chunk_id, expected=expected.get(chunk_id))
        for chunk_id, path in chunk_folders.items()
    ]
    whole, chunks = _Whole(), dict[int, ChunkLook]()
    for chunk_id, (look, data) in zip(chunk_folders, _run(pool, jobs, ahead), strict=True):
        chunks[chunk_id] = look
        whole.add(look, data)
        on_chunk()
    missing = tuple(sorted(listed - chunks.keys()))
    digest = whole.digest() if deep and not missing and chunks else None
    problems += _check_whole(base, manifest, whole.size, digest)
    if not problems:
        problems += _check_total(base, listed, chunks)
    return FileLook(base, manifest, chunks, missing, digest, tuple(problems))


class _Whole:
    """The hash of a file whose chunks come in order, each right behind the one before."""

    def __init__(self) -> None:
        self.size = 0
        self._hash, self._sound = hashlib.sha256(), True

    def add(self, look: ChunkLook, data: bytes) -> None:
        recipe = look.commit.recipe if look.commit and not look.error and look.exact else None
        if recipe is None or (recipe.assembly_info.size is not None and recipe.offset != self.size):
            self._sound = False
        if self._sound:
            self._hash.update(data)
            self.size += len(data)

    def digest(self) -> str | None:
        return self._hash.hexdigest() if self._sound else None


def _misplaced(recipe: Recipe, path: str, chunk_id: int, expected: str | None) -> StorageError | None:
    """Return what is wrong with a chunk in this place whose files agree with each other."""
    if recipe.chunk_id != chunk_id:
        return NotCommitted(
            f"{path} holds chunk {recipe.chunk_id}, its recipe says; expected chunk {chunk_id}; "
            "put its files where they belong, or submit the file again"
        )
    if expected and recipe.original_hash not in ("", expected):
        return HashMismatch(
            f"{path} holds a chunk with SHA-256 {recipe.original_hash}, its file's manifest expects {expected}: "
            "one of the two is of another file; submit the file again under another base"
        )
    return None


def _check_whole(base: str, manifest: Mapping[str, object], size: int, digest: str | None) -> Iterator[Problem]:
    if digest is None:
        return
    wanted_size, wanted = manifest.get("total_size"), manifest.get("original_hash")
    if (isinstance(wanted, str) and wanted and wanted != digest) or (
        isinstance(wanted_size, int) and wanted_size != size
    ):
        yield Problem(
            f"{base}/{MANIFEST}",
            "HashMismatch",
            f"the chunks of {base} give {size} bytes with SHA-256 {digest}, its manifest expects {wanted_size} with "
            f"{wanted}; the chunks agree with their own hashes, so the manifest is wrong, or of another file",
        )


def _check_total(base: str, listed: Collection[int], chunks: Mapping[int, ChunkLook]) -> Iterator[Problem]:
    total = told_total(chunk.commit.recipe for chunk in chunks.values() if chunk.commit)
    if len({*listed, *chunks}) < total:
        yield Problem(
            base,
            "Incomplete",
            f"the recipes in {base} tell of {total} chunks, {len(chunks)} are there, and no manifest lists the others; "
            "they may still be in the inbox, else submit the file again",
        )
    elif listed and len(listed) < total:
        yield Problem(
            f"{base}/{MANIFEST}",
            "Incomplete",
            f"it lists {len(listed)} chunks, the recipes beside it tell of {total}: `restore` would leave some out",
        )


def _run(pool: ThreadPoolExecutor, jobs: Iterable[Callable[[], R]], ahead: int) -> Iterator[R]:
    """Yield the results in order; at most `ahead` are kept that were not asked for yet."""
    running: deque[Future[R]] = deque()
    for job in jobs:
        running.append(pool.submit(job))
        if len(running) > ahead:
            yield running.popleft().result()
    while running:
        yield running.popleft().result()
