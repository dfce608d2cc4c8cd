"""The chunk trees in a checked-out repository: which chunks wait to be compressed, and whether their data is sound."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from panini_daemon.storage.allowance import Allowance
from panini_daemon.storage.arrival import Arrival, Context
from panini_daemon.storage.chunk_state import PENDING, QUEUED
from panini_daemon.storage.clock import Clock
from panini_daemon.storage.errors import ChunkMissing, ManifestInvalid, NameCollision, NotFound, StorageError
from panini_daemon.storage.fetch import fetch
from panini_daemon.storage.folders import Folders
from panini_daemon.storage.forms import TREE_MANIFEST
from panini_daemon.storage.jobs import Chunk, Job, Rejected
from panini_daemon.storage.json_input import MAX_METADATA_BYTES, parse_object
from panini_daemon.storage.names import Names
from panini_daemon.storage.parts import METADATA
from panini_daemon.storage.plans import CHUNK_FOLDER
from panini_daemon.storage.reading import read_bounded
from panini_daemon.storage.store import Kind, Store

_UNLIMITED = 2**62
_LOOKS = 8
"""Looks at one tree: with a time-out of 0, the second one or the third decides."""
_POINTER = b"version https://git-lfs.github.com/spec/"


@dataclass(frozen=True, slots=True)
class PendingTree:
    """One file's tree that has something to do, or of which that cannot be told.

    `folder` is its path in the checkout. `chunks` are those that wait, in the order of the file. `hashes` has the
    SHA-256, in hex, of each chunk whose data is in the checkout; `noted` are the ids of those that have a
    metadata.json. Where `problem` is not None the tree cannot be sent as it is, and `job` may be None.
    """

    base: str
    folder: str
    job: Job | None = None
    chunks: tuple[Chunk, ...] = ()
    hashes: Mapping[int, str] = field(default_factory=dict)
    noted: frozenset[int] = frozenset()
    problem: StorageError | None = None

    @property
    def size(self) -> int:
        """Bytes of the chunks that wait."""
        return sum(chunk.size for chunk in self.chunks)


def read_trees(
    store: Store, folder: str, *, clock: Clock, statuses: frozenset[str] = frozenset((PENDING, QUEUED))
) -> list[PendingTree]:
    """Read every chunk tree below `folder` as the worker does, and hash the data of those that have chunks to do.

    A chunk waits where the `status` in its metadata.json is one of `statuses`, or is not given. A chunk of another
    status need not have its data any more. Trees in which no chunk waits are left out; a tree that is wrong or
    damaged is returned with its `problem`. Empty where `folder` is not there. Raises StoreUnavailable.
    """
    reader = _Reader(store, folder, clock)
    bases, trees = Names(), list[PendingTree]()
    for place in reader.find():
        tree = reader.read(place, statuses)
        if tree is None:
            continue
        try:
            bases.check(tree.base)
        except NameCollision as error:
            tree = PendingTree(tree.base, place, problem=error)
        bases.add(tree.base)
        trees.append(tree)
    return trees


class _Reader:
    def __init__(self, store: Store, folder: str, clock: Clock) -> None:
        self._store, self._folder = store, folder
        self._allowance = Allowance(clock, _UNLIMITED, float("inf"))
        self._context = Context(store, clock, folder, 0.0, self._is_over)
        self._statuses: dict[str, str | None] = {}

    def find(self) -> list[str]:
        """Return the folders of all trees, sorted."""
        folders = Folders(self._store, self._folder)
        try:
            top = self._store.list(self._folder)
        except NotFound:
            return []
        folders.look(top, lambda _: False, self._allowance)
        # A file needs a folder of its own; said rather than overlooked.
        stray = any(entry.name == TREE_MANIFEST or CHUNK_FOLDER.fullmatch(entry.name) for entry in top)
        return [*([self._folder] if stray else []), *sorted(folders.trees)]

    def read(self, place: str, statuses: frozenset[str]) -> PendingTree | None:
        base = place.removeprefix(f"{self._folder}/")
        arrival = Arrival(self._context, f"{place}/{TREE_MANIFEST}", place)
        try:
            looks = (arrival.look(self._allowance) for _ in range(_LOOKS))
            result = next((found for found in looks if found is not None), None)
            if result is None:
                return None
            if isinstance(result, Rejected):
                return PendingTree(base, place, problem=self._explain(result.error, place))
            return self._examine(place, result, statuses)
        except ManifestInvalid as error:
            return PendingTree(base, place, problem=self._explain(error, place))

    def _examine(self, place: str, job: Job, statuses: frozenset[str]) -> PendingTree | None:
        told = {chunk.chunk_id: self._status(_folder_of(chunk)) for chunk in job.chunks}
        chunks = sorted(job.chunks, key=lambda chunk: chunk.chunk_id)
        waiting = tuple(chunk for chunk in chunks if (told[chunk.chunk_id] or PENDING) in statuses)
        if not waiting:
            return None
        wanted = {chunk.chunk_id for chunk in waiting}
        hashes, problems = dict[int, str](), list[StorageError]()
        for chunk in chunks:
            try:
                hashes[chunk.chunk_id] = fetch(self._store, chunk, Path(os.devnull))
            except StorageError as error:
                if chunk.chunk_id in wanted:
                    problems.append(error)
        noted = frozenset(number for number, status in told.items() if status is not None)
        problem = None
        if problems:
            more = f" ({len(problems)} chunks are wrong in all)" if len(problems) > 1 else ""
            first = type(problems[0])(f"{problems[0]}{more}")
            problem = self._explain(first, place)
        return PendingTree(job.files[0].base, place, job, waiting, hashes, noted, problem)

    def _is_over(self, base: str, chunk_id: int, _sha256: str) -> bool:
        status = self._status(f"{self._folder}/{base}/chunk_{chunk_id:04d}")
        return (status or PENDING) not in (PENDING, QUEUED)

    def _status(self, folder: str) -> str | None:
        """Return what a chunk's metadata.json says, "" where it gives no status, None where there is no such file."""
        if folder not in self._statuses:
            path = f"{folder}/{METADATA}"
            try:
                status = parse_object(read_bounded(self._store, path, MAX_METADATA_BYTES), path).get("status")
                self._statuses[folder] = status if isinstance(status, str) else ""
            except NotFound:
                self._statuses[folder] = None
        return self._statuses[folder]

    def _explain(self, error: Exception, tree: str) -> StorageError:
        """Return the problem, which is another one where Git LFS left its pointers instead of the files."""
        folders = [tree, *self._list(tree, "folder")]
        files = (path for folder in folders for path in self._list(folder, "file"))
        pointer = next((path for path in files if self._is_pointer(path)), None)
        if pointer is not None:
            return ChunkMissing(
                f"{pointer} is a Git LFS pointer; expected the file itself; check the repository out with LFS "
                "(actions/checkout with `lfs: true`, or `git lfs pull`)"
            )
        return error if isinstance(error, StorageError) else ManifestInvalid(str(error))

    def _list(self, folder: str, kind: Kind) -> list[str]:
        try:
            entries = self._store.list(folder)
        except StorageError:
            return []
        return sorted(f"{folder}/{entry.name}" for entry in entries if entry.kind == kind)

    def _is_pointer(self, path: str) -> bool:
        try:
            with self._store.open(path) as file:
                return file.read(len(_POINTER)) == _POINTER
        except StorageError:
            return False


def _folder_of(chunk: Chunk) -> str:
    return chunk.data_path.rpartition("/")[0]
