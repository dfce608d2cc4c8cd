"""From a candidate in a commit to a job whose every byte is pinned by the id of a git object."""

import math
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

from panini_daemon.storage.allowance import Allowance
from panini_daemon.storage.arrival import Arrival, Context
from panini_daemon.storage.claims import claim_of
from panini_daemon.storage.clock import Clock
from panini_daemon.storage.dispatch import ACTIONS
from panini_daemon.storage.errors import ChunkMissing, ManifestInvalid, UnsafeName
from panini_daemon.storage.forms import TREE_MANIFEST, parse_manifest
from panini_daemon.storage.github.blobs import WORTH_KEEPING, Blobs
from panini_daemon.storage.github.candidates import Candidate, is_data
from panini_daemon.storage.github.commit_store import CommitStore
from panini_daemon.storage.github.errors import GithubMissing, GithubRefused
from panini_daemon.storage.github.git_trees import Entry
from panini_daemon.storage.github.lfs import POINTER_LIMIT, parse_pointer
from panini_daemon.storage.github.pins import Pin
from panini_daemon.storage.github.progress import is_open, read_status
from panini_daemon.storage.job_manifest import FORMAT
from panini_daemon.storage.jobs import Chunk, Job, Rejected
from panini_daemon.storage.json_input import MAX_MANIFEST_BYTES, MAX_METADATA_BYTES, parse_object
from panini_daemon.storage.parts import METADATA, Committed
from panini_daemon.storage.plans import CHUNK_FOLDER, Plan

_SMALLEST_POINTER = 100
_LOOKS = 4
"""Looks after which an arrival with no time-out has come to an end."""


@dataclass(frozen=True, slots=True)
class Revision:
    """The commit that is looked at; `ref` is the full name that led to it, None for a commit by its id."""

    repository: str
    commit: str
    ref: str | None
    store: CommitStore

    def name(self, path: str) -> str:
        """Return what a file of the commit is called outside the repository."""
        return f"github:{self.repository}@{self.commit}:{path}"

    def source(self) -> dict[str, object]:
        """Return what goes into the recipes of its chunks."""
        told = {"repository": self.repository, "commit": self.commit, "ref": self.ref}
        return {name: value for name, value in told.items() if value is not None}


class JobReader:
    """Reads candidates by the rules of the inbox; what is not in the commit never comes."""

    def __init__(self, blobs: Blobs, *, clock: Clock, committed: Committed) -> None:
        """Read nothing yet. `committed` is as for the inbox."""
        self._blobs, self._clock, self._committed = blobs, clock, committed
        self._claims: dict[str, frozenset[str]] = {}

    def list_needs(self, store: CommitStore, candidate: Candidate) -> dict[str, int]:
        """Return the files to read first, all at once, by blob id with their sizes in bytes."""
        paths = [candidate.path]
        if candidate.error is not None:
            return {}
        if candidate.tree is not None:
            paths += [f"{folder}/{METADATA}" for folder in _list_chunks(store, candidate.tree)]
        return self._files(store, paths)

    def list_more_needs(self, store: CommitStore, candidate: Candidate) -> dict[str, int]:
        """Return, once those are read, the files that a manifest outside any chunk tree makes necessary."""
        plan = None
        with suppress(GithubMissing, GithubRefused):  # reading the job tells of it
            plan = self._parse(store, candidate) if candidate.tree is None else None
        return self._files(store, _list_described(plan)) if plan else {}

    def list_statuses(self, store: CommitStore, folders: Iterable[str]) -> dict[str, int]:
        """Return the files that tell the statuses of chunks, as `list_needs` does."""
        return self._files(store, (f"{folder}/{METADATA}" for folder in folders))

    def status(self, store: CommitStore, folder: str) -> str:
        """Return what the metadata.json of a chunk's folder says of its status, "" where nothing."""
        if not CHUNK_FOLDER.fullmatch(folder.rpartition("/")[2]):
            return ""
        entry = _file_at(store, f"{folder}/{METADATA}")
        if entry is None or entry.size > MAX_METADATA_BYTES:
            return ""
        return read_status(self._blobs.read(entry.sha))

    def list_claimed(self, store: CommitStore, candidates: Iterable[Candidate]) -> set[str]:
        """Return the folders whose chunks are named by manifests outside them."""
        manifests = [candidate for candidate in candidates if candidate.tree is None]
        self._claims = {each.job_id: self._claims[each.job_id] for each in manifests if each.job_id in self._claims}
        unread = [candidate for candidate in manifests if candidate.job_id not in self._claims]
        self._blobs.read_many(self._files(store, (candidate.path for candidate in unread)))
        for candidate in unread:
            plan = None
            with suppress(GithubMissing, GithubRefused):  # reading the job tells of it
                plan = self._parse(store, candidate)
            trees = claim_of(plan).trees if plan else ()
            self._claims[candidate.job_id] = frozenset(store.place(tree) for tree in trees)
        return {tree for trees in self._claims.values() for tree in trees}

    def read(self, revision: Revision, candidate: Candidate) -> Job | Rejected | None:
        """Return the job, its refusal, or None where nothing is left to be done. Raises GithubError."""
        result, store = self._look(revision.store, candidate)
        if isinstance(result, Job):
            return self._pin_all(revision, store, candidate, result)
        if result is None:
            return None
        return replace(result, job_id=candidate.job_id, manifest_path=revision.name(candidate.path), leftovers=())

    def _look(self, store: CommitStore, candidate: Candidate) -> tuple[Job | Rejected | None, CommitStore]:
        if candidate.error is not None:
            return Rejected(candidate.job_id, candidate.path, b"", candidate.error), store
        left_out: set[int] = set()
        if candidate.tree is not None:
            folders = list(_list_chunks(store, candidate.tree))
            left_out = {_number(folder) for folder in folders if not is_open(self.status(store, folder))}
            if folders and len(left_out) == len(folders):
                return None, store
        elif not store.root and not self._is_ours(store, candidate):
            return None, store
        result = self._arrive(store, candidate, left_out)
        if isinstance(result, Rejected) and isinstance(result.error, ChunkMissing):
            sizes = self._follow_pointers(store, candidate)
            if sizes:
                store = store.seeing(sizes)
                result = self._arrive(store, candidate, left_out)
        return result, store

    def _arrive(self, store: CommitStore, candidate: Candidate, left_out: set[int]) -> Job | Rejected | None:
        """Let the inbox's rules decide; the data of chunks that are not to be done need not be there."""

        def committed(base: str, chunk_id: int, sha256: str) -> bool:
            return chunk_id in left_out or self._committed(base, chunk_id, sha256)

        context = Context(store, self._clock, store.root, 0.0, committed)
        arrival = Arrival(context, candidate.path, candidate.tree)
        for _ in range(_LOOKS):
            result = arrival.look(Allowance(self._clock, sys.maxsize, math.inf))
            if result is not None:
                return result
        return None

    def _is_ours(self, store: CommitStore, candidate: Candidate) -> bool:
        """Tell whether a file at the top of a repository, where anything may lie, is a manifest."""
        fields = self._fields(store, candidate)
        return fields.get("format") == FORMAT or fields.get("action") in ACTIONS

    def _fields(self, store: CommitStore, candidate: Candidate) -> dict[str, object]:
        entry = _file_at(store, candidate.path)
        if entry is None or entry.size > MAX_MANIFEST_BYTES:
            return {}
        try:
            return parse_object(self._blobs.read(entry.sha), candidate.path)
        except ManifestInvalid:
            return {}

    def _parse(self, store: CommitStore, candidate: Candidate) -> Plan | None:
        """Return what a manifest says, None where it will be refused."""
        entry = _file_at(store, candidate.path)
        if entry is None or entry.size > MAX_MANIFEST_BYTES:
            return None
        data = self._blobs.read(entry.sha)
        try:
            return parse_manifest(data, candidate.path, store.root)
        except (ManifestInvalid, UnsafeName):
            return None

    def _follow_pointers(self, store: CommitStore, candidate: Candidate) -> dict[str, int]:
        """Return the sizes that Git LFS pointers tell, by the pointer's blob id."""
        if candidate.tree is not None:
            folders, paths = list(_list_chunks(store, candidate.tree)), set()
        else:
            plan = self._parse(store, candidate)
            chunks = plan.chunks if plan else ()
            folders = [folder for chunk in chunks for folder in chunk.folders]
            paths = {chunk.data_path for chunk in chunks if chunk.data_path}
        entries = [_entry_at(store, path) for path in paths]
        for folder in folders:
            entries += [_entry_at(store, f"{folder}/{name}") for name in _list_names(store, folder) if is_data(name)]
        small = {
            entry.sha: entry.size
            for entry in entries
            if entry is not None and entry.kind == "file" and _SMALLEST_POINTER <= entry.size < POINTER_LIMIT
        }
        texts = self._blobs.read_texts(small) if self._blobs.batched else self._blobs.read_many(small)
        pointers = {sha: parse_pointer(data) for sha, data in texts.items()}
        return {sha: pointer.size for sha, pointer in pointers.items() if pointer is not None}

    def _pin_all(self, revision: Revision, store: CommitStore, candidate: Candidate, job: Job) -> Job | None:
        chunks = tuple(_pin(store, candidate, chunk) for chunk in job.chunks if self._is_wanted(store, chunk))
        if not chunks and (job.chunks or not self._says_empty(store, candidate)):
            return None
        return replace(
            job,
            job_id=candidate.job_id,
            manifest_path=revision.name(candidate.path),
            chunks=chunks,
            source={**job.source, **revision.source()},
            leftovers=(),
        )

    def _is_wanted(self, store: CommitStore, chunk: Chunk) -> bool:
        return is_open(self.status(store, store.place(chunk.data_path).rpartition("/")[0]))

    def _says_empty(self, store: CommitStore, candidate: Candidate) -> bool:
        """Tell whether a manifest without chunks means a file without bytes; anything is called manifest.json."""
        fields = self._fields(store, candidate)
        return fields.get("format") == FORMAT or fields.get("total_chunks") in (0, "0")

    def _files(self, store: CommitStore, paths: Iterable[str]) -> dict[str, int]:
        entries = (_file_at(store, path) for path in paths)
        return {
            entry.sha: entry.size
            for entry in entries
            if entry is not None and entry.size <= WORTH_KEEPING and not self._blobs.knows(entry.sha)
        }


def _pin(store: CommitStore, candidate: Candidate, chunk: Chunk) -> Chunk:
    """Name a chunk's data by its blob; the size of the whole data file stays what was declared, if it was."""
    path = store.place(chunk.data_path)
    entry = store.find(path)
    pin = Pin(entry.sha if entry else "", path)
    size = chunk.data_size
    if size is None and entry is not None:
        size = store.size_of(entry)
    chunk_path = pin.folder if candidate.tree is not None else chunk.chunk_path
    return replace(chunk, data_path=str(pin), data_size=size, chunk_path=chunk_path)


def _list_described(plan: Plan) -> Iterator[str]:
    for chunk in plan.chunks:
        for folder in chunk.folders:
            yield f"{folder}/{METADATA}"
            yield f"{folder.rpartition('/')[0]}/{TREE_MANIFEST}"


def _list_chunks(store: CommitStore, tree: str) -> Iterator[str]:
    """Yield the chunk folders of a tree."""
    for entry in store.list(tree):
        if entry.kind == "folder" and CHUNK_FOLDER.fullmatch(entry.name):
            yield f"{tree}/{entry.name}"


def _number(folder: str) -> int:
    return int(folder.rpartition("_")[2])


def _list_names(store: CommitStore, folder: str) -> list[str]:
    entry = _entry_at(store, folder)
    return [found.name for found in store.list(folder)] if entry is not None and entry.kind == "folder" else []


def _file_at(store: CommitStore, path: str) -> Entry | None:
    entry = _entry_at(store, path)
    return entry if entry is not None and entry.kind == "file" else None


def _entry_at(store: CommitStore, path: str) -> Entry | None:
    """Return what stands at a path, None also where a link stands in the way: reading the job tells that."""
    try:
        return store.find(path)
    except UnsafeName:
        return None
