"""Checking a whole tree: every commit's hashes, every file's completeness, with `deep` every byte."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from panini_daemon.compressors.errors import CompressorError
from panini_daemon.errors import DaemonError
from panini_daemon.reader import CHUNK_FOLDER, Reader
from panini_daemon.restoration import expected_ids, read_manifest
from panini_daemon.storage.commits import MANIFEST, find_commit
from panini_daemon.storage.errors import NotFound, StorageError, StoreUnavailable


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where, the error's class, and what to do."""

    path: str
    error: str
    message: str


@dataclass(slots=True)
class Verified:
    """What was looked at and what is wrong; sizes in bytes."""

    files: int = 0
    chunks: int = 0
    original_size: int = 0
    compressed_size: int = 0
    reencoded: int = 0
    problems: list[Problem] = field(default_factory=list)


def verify_tree(
    reader: Reader,
    folder: str,
    *,
    deep: bool,
    threads: int = 1,
    on_chunk: Callable[[], None] = lambda: None,
) -> Verified:
    """Check every chunk below `folder`. Raises StoreUnavailable where the tree cannot be read at all."""
    result = Verified()

    def check(path: str) -> tuple[str, int, int, bool, Exception | None]:
        try:
            if deep:
                commit, chunk = reader.read(path)
                return path, len(chunk.data), commit.payload_size, chunk.exact, None
            commit = find_commit(reader.store, path)
        except StoreUnavailable:
            raise
        except (StorageError, CompressorError, DaemonError) as error:
            return path, 0, 0, True, error
        return path, commit.recipe.size or 0, commit.payload_size, True, None

    with ThreadPoolExecutor(threads) as pool:
        for base, chunk_folders in walk(reader, folder):
            result.files += 1
            result.problems += _missing(reader, base, set(chunk_folders))
            for path, size, payload, exact, error in pool.map(check, chunk_folders.values()):
                result.chunks += 1
                result.original_size += size
                result.compressed_size += payload
                result.reencoded += not exact
                if error is not None:
                    result.problems.append(Problem(path, type(error).__name__, str(error)))
                on_chunk()
    return result


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


def _missing(reader: Reader, base: str, found: set[int]) -> list[Problem]:
    try:
        manifest = read_manifest(reader, base)
    except StorageError as error:
        return [Problem(base, type(error).__name__, str(error))]
    return [
        Problem(
            f"{base}/chunk_{chunk_id:04d}",
            "NotCommitted",
            f"the manifest of {base} lists chunk {chunk_id}, which is not there; it may still be in the inbox, "
            "else submit the file again",
        )
        for chunk_id in sorted(expected_ids(manifest) - found)
    ]
