"""Which chunks go through the line together, and which of them are compressed as one run of bytes."""

from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise

from panini_daemon.storage.jobs import Chunk

TOGETHER, TOGETHER_BYTES = 16, 1 << 20
"""How many chunks, of how many bytes in all, go through the line together."""

RUN_CHUNKS, RUN_BYTES = 4096, 32 << 20
"""How many chunks, of how many bytes in all, are compressed as one run at most (docs/solid.md says why)."""


def wants_runs(request: str, methods: Collection[str]) -> bool:
    """Tell whether a file's chunks may be compressed together: not by a method that was asked for by its name.

    Who asks so has a reader that expects each payload beside its recipe. `methods` are the names of all methods.
    """
    return request not in methods


def group(chunks: Sequence[Chunk], *, runs: bool = False) -> Iterator[list[Chunk]]:
    """Yield the chunks of a job in groups, each chunk once; with `runs` those first that are compressed as one.

    What is left goes together where small neighbours allow it; a large chunk, and one whose hash nobody declared,
    goes alone. The groups depend on the chunks alone, so that every worker forms the same.
    """
    found = list(_find_runs(chunks)) if runs else []
    yield from found
    taken = {chunk.name for run in found for chunk in run}
    yield from _put_together([chunk for chunk in chunks if chunk.name not in taken])


def count_work(chunks: Sequence[Chunk], *, runs: bool) -> int:
    """Return how many threads chunks can keep busy, at least 1: with `runs`, all of a run are work for one."""
    return max(1, sum(1 for _ in group(chunks, runs=True)) if runs else len(chunks))


def is_run(chunks: Sequence[Chunk]) -> bool:
    """Tell whether these chunks, a group of their job, are to be compressed as one."""
    size = sum(chunk.size for chunk in chunks)
    return len(chunks) > 1 and 0 < size <= RUN_BYTES and all(_follows(*pair) for pair in pairwise(chunks))


def _put_together(chunks: Sequence[Chunk]) -> Iterator[list[Chunk]]:
    together: list[Chunk] = []
    size = 0
    for chunk in chunks:
        if together and (len(together) == TOGETHER or size + chunk.size > TOGETHER_BYTES or not chunk.original_hash):
            yield together
            together, size = [], 0
        together, size = [*together, chunk], size + chunk.size
        if not chunk.original_hash:
            yield together
            together, size = [], 0
    if together:
        yield together


def _find_runs(chunks: Sequence[Chunk]) -> Iterator[list[Chunk]]:
    neighbours: list[Chunk] = []
    for chunk in [*sorted(chunks, key=lambda one: (one.base, one.offset, one.chunk_id)), None]:
        if chunk is not None and neighbours and _follows(neighbours[-1], chunk):
            neighbours.append(chunk)
            continue
        yield from _divide(neighbours)
        neighbours = [chunk] if chunk is not None else []


def _follows(before: Chunk, after: Chunk) -> bool:
    return (
        before.base == after.base and before.offset + before.size == after.offset and before.chunk_id != after.chunk_id
    )


def _divide(neighbours: Sequence[Chunk]) -> Iterator[list[Chunk]]:
    """Divide neighbours into runs within the limits, in order; one chunk alone is none, nor are empty ones."""
    run: list[Chunk] = []
    size = 0
    for chunk in [*neighbours, None]:
        if chunk is None or len(run) == RUN_CHUNKS or size + chunk.size > RUN_BYTES:
            if len(run) > 1 and size:
                yield run
            run, size = [], 0
        if chunk is not None:
            run.append(chunk)
            size += chunk.size
