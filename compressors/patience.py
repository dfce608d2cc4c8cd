"""How much of what a chunk holds, once it is taken apart, the slowest coders may have."""

from panini_daemon.compressors.protocol import Level

_BYTES, _FOR_EACH = 20 << 20, 2
"""Bytes that they may have, and more for each of the chunk's: they code 100 kB a second and more."""


class Patience:
    """Counts what is coded slowly; in bytes, so that every machine draws the line at the same place."""

    def __init__(self, size: int) -> None:
        """Begin with a chunk of so many bytes."""
        self._left = _BYTES + _FOR_EACH * size

    def choose(self, level: Level, size: int) -> Level:
        """Return the level for `size` bytes of what was inside: a quicker one where too much was coded slowly."""
        if level not in (Level.BEST, Level.MAX):
            return level
        if size > self._left:
            return Level.BALANCED
        self._left -= size
        return level
