"""Checking a whole tree: every commit's hashes, every file's completeness, with `deep` every byte."""

from collections.abc import Callable
from dataclasses import dataclass, field

from panini_daemon.inspection import FileLook, Problem, list_problems, look_at_files
from panini_daemon.reader import Reader
from panini_daemon.storage.solid import parse_slice


@dataclass(slots=True)
class Verified:
    """What was looked at and what is wrong; sizes in bytes, each run's counted once."""

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
    result, runs = Verified(), set[str]()
    for look in look_at_files(reader, folder, deep=deep, threads=threads, on_chunk=on_chunk):
        count(result, look, runs)
    return result


def count(result: Verified, look: FileLook, runs: set[str]) -> None:
    """Add one file to what was verified; `runs` are those that were counted."""
    result.files += 1
    result.problems += list_problems(look)
    for chunk in look.chunks.values():
        result.chunks += 1
        result.original_size += chunk.size
        result.reencoded += not chunk.exact
        if chunk.commit and not chunk.error:
            result.compressed_size += chunk.commit.payload_size
            if chunk.commit.run and chunk.commit.run not in runs:
                runs.add(chunk.commit.run)
                result.compressed_size += parse_slice(chunk.commit.recipe).run.file.size
