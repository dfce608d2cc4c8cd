"""The steps of a plan, as they are written one behind the other, a parent before what is inside it.

`docs/containers.md` has each step's fields.
"""

from enum import IntEnum

DEEPEST = 24
"""Steps inside one another."""


class Step(IntEnum):
    """The first byte of a step. Part of the format: never changed, never used anew."""

    END = 0
    LITERAL = 1
    STREAM = 2
    PNG = 3
    CHUNK = 4
    SPLIT = 5
    ROWS = 6
    ENTRY = 7
    DIRECTORY = 8
    FONT = 9
    KNOWN = 10


def limit_content(size: int) -> int:
    """Tell how many bytes a file of `size` bytes may be taken apart to, the tree's own bytes included."""
    return max(32 << 20, 64 * size)
