"""How much of what a chunk holds, once it is taken apart, the slowest coders may have."""

from panini_daemon.compressors.protocol import Level

_BYTES, _FOR_EACH = 20 << 20, 2
"""Bytes that they may have, and more for each of the chunk's: they code 100 kB a second and more."""
_LARGER, _MOST = 4096, 32 << 20
"""How much larger than a chunk what it holds can be, and bytes up to which that is looked at whatever its size."""
_SLOW_TAKE, _QUICK_TAKE = 40, 20
"""Bytes of memory that coders of pixels take for each sample: the slowest, and those of `balanced`."""


def estimate_inside(size: int, level: Level) -> int:
    """Return the bytes of memory that coding what a small chunk of `size` bytes holds may take."""
    if level in (Level.BEST, Level.MAX):
        return _SLOW_TAKE * min(_LARGER * size, _BYTES)
    return _QUICK_TAKE * min(_LARGER * size, _MOST)


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
