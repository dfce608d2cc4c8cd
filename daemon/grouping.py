"""Which chunks go through the line together."""

from collections.abc import Iterator, Sequence

from panini_daemon.storage.jobs import Chunk

TOGETHER, TOGETHER_BYTES = 16, 1 << 20
"""How many chunks, of how many bytes in all, go through the line together."""


def group(chunks: Sequence[Chunk]) -> Iterator[list[Chunk]]:
    """Put small neighbours together; a large chunk, and one whose hash nobody declared, goes alone."""
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
