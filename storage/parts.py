"""Looking for the data of a job's chunks: one look at one chunk folder, or at one data file."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from panini_daemon.storage.chunk_tree import apply_metadata
from panini_daemon.storage.errors import ChunkMissing, ManifestUnreadable, NotFound, StorageError
from panini_daemon.storage.job_manifest import data_needed
from panini_daemon.storage.json_input import MAX_METADATA_BYTES
from panini_daemon.storage.names import TEMPORARY_SUFFIX
from panini_daemon.storage.plans import Plan, Wanted
from panini_daemon.storage.reading import read_bounded, stat_file
from panini_daemon.storage.store import Store

DATA = "data.bin"
METADATA = "metadata.json"
_CONTENT = "content"
_SECOND = " (1)"
"""What a shared folder adds to the name of a second folder: two programs that make one at once get one each."""
_UNFINISHED = (TEMPORARY_SUFFIX, ".partial", ".part", ".crdownload", "~")

Committed = Callable[[str, int, str], bool]
"""Tells by base, chunk id and SHA-256 whether a chunk is already committed: its data need not be here then."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one look found: the chunks that are wholly there, or why they are not.

    `evidence` changes when something arrived; `error` is what to say if nothing more ever does.
    """

    chunks: tuple[Wanted, ...] = ()
    evidence: object = None
    error: StorageError | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """What can be looked at by itself: chunks whose data is in one file of at least `needed` bytes."""

    chunks: tuple[Wanted, ...]
    needed: int | None = None

    def look(self, store: Store, committed: Committed, *, last: bool) -> Look:
        """Look once. With `last`, a chunk whose metadata.json never came goes on without.

        Data longer than declared counts as there: fetching it fails, for this job alone, with SizeMismatch.
        Raises ManifestInvalid, UnsafeName.
        """
        if self.needed is not None:
            return self._look_at_file(store, committed, self.needed)
        return _look_at_folder(store, self.chunks[0], committed, last=last)

    def _look_at_file(self, store: Store, committed: Committed, needed: int) -> Look:
        path = self.chunks[0].data_path
        try:
            size = stat_file(store, path).size
        except NotFound:
            size = None
        if size is not None and size >= needed:
            return Look(self.chunks)
        if all(_is_committed(chunk, committed) for chunk in self.chunks):
            return Look(self.chunks)
        found = "nothing" if size is None else f"{size} bytes"
        return Look(
            evidence=size,
            error=ChunkMissing(f"{path}: found {found}; expected {needed} bytes; upload the file again"),
        )


def parts_of(plan: Plan) -> Iterator[Part]:
    """Yield what has to be looked at before the plan is a job: chunk folders one by one, data files once each."""
    by_path: dict[str, list[Wanted]] = {}
    for chunk in plan.chunks:
        if chunk.folders:
            yield Part((chunk,))
        else:
            by_path.setdefault(chunk.data_path, []).append(chunk)
    needed = data_needed(chunk for chunks in by_path.values() for chunk in chunks)
    for path, chunks in by_path.items():
        yield Part(tuple(chunks), needed[path])


def _look_at_folder(store: Store, chunk: Wanted, committed: Committed, *, last: bool) -> Look:
    folder, name, size = _find_data(store, chunk)
    told, why = _read_metadata(store, chunk, folder, there=size is not None)
    placed = replace(told or chunk, data_path=f"{folder}/{name or DATA}")
    if placed.size is None and last and placed.original_hash:
        placed = replace(placed, size=size)  # the hash will tell whether that is all
    placed = replace(placed, data_size=placed.size)
    there = size is not None and placed.size is not None and size >= placed.size
    if there and (told or last):
        return Look((placed,))
    if not there and _is_committed(placed, committed):
        return Look((replace(placed, offset=placed.offset or 0),))
    if size is None:
        found = "no data.bin and no content file"
    elif placed.size is None:
        found = f"{size} bytes of data, but neither a manifest nor {METADATA} that tells the size"
    else:
        found = f"{size} bytes of data"
    expected = "the data" if placed.size is None else f"{placed.size} bytes"
    return Look(
        evidence=(size, told is None),
        error=ChunkMissing(f"{folder}: found {found}; expected {expected}{why}; upload the chunk again"),
    )


def _is_committed(chunk: Wanted, committed: Committed) -> bool:
    return bool(chunk.original_hash) and committed(chunk.base, chunk.chunk_id, chunk.original_hash or "")


def _find_data(store: Store, chunk: Wanted) -> tuple[str, str | None, int | None]:
    """Return folder, file name and size of a chunk's data; the first folder and None where there is none.

    A folder in which it is not, or not whole, may have a second one of its name. Where it is whole in none, the
    first one that has any counts.
    """
    folders, partial = list(chunk.folders), list[tuple[str, str, int]]()
    for folder in folders:  # it may grow
        try:
            name, size = _look_for_data(store, folder)
        except NotFound:
            continue
        if name is not None and size >= (chunk.size or 0):
            return folder, name, size
        if name is not None:
            partial.append((folder, name, size))
        if folder in chunk.folders:
            folders.append(f"{folder}{_SECOND}")
    return partial[0] if partial else (folders[0], None, None)


def _look_for_data(store: Store, folder: str) -> tuple[str | None, int]:
    """Return the name and size of the data in a folder, None and 0 where it has none. Raises NotFound without it."""
    try:
        return DATA, stat_file(store, f"{folder}/{DATA}").size
    except NotFound:
        names = sorted(entry.name for entry in store.list(folder) if _is_content(entry.name))
        return (names[0], stat_file(store, f"{folder}/{names[0]}").size) if names else (None, 0)


def _is_content(name: str) -> bool:
    return name == _CONTENT or (name.startswith(f"{_CONTENT}.") and not name.endswith(_UNFINISHED))


def _read_metadata(store: Store, chunk: Wanted, folder: str, *, there: bool) -> tuple[Wanted | None, str]:
    """Read metadata.json beside the data, else, where the data is `there`, in the other folder of the name."""
    others = (*chunk.folders, f"{folder}{_SECOND}") if there else ()
    for place in dict.fromkeys((folder, *others)):
        path = f"{place}/{METADATA}"
        try:
            return apply_metadata(chunk, read_bounded(store, path, MAX_METADATA_BYTES), path), ""
        except NotFound:
            continue
        except ManifestUnreadable as error:
            return None, f" and a whole {METADATA} ({error})"
    return None, f" and {METADATA}"
