"""Seconds by step, for the log and the recipe."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Stopwatch:
    """Seconds that each step took for one of `count` chunks."""

    def __init__(self, count: int) -> None:
        """Start with no step."""
        self.seconds: dict[str, float] = {}
        self._count = max(count, 1)

    def split(self, name: str, seconds: float, rest: str) -> None:
        """Count `seconds` of the step `name` as its own and what is left as `rest`."""
        own = seconds / self._count
        self.seconds[rest] = max(0.0, self.seconds[name] - own)
        self.seconds[name] = own

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time the block."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = (time.perf_counter() - start) / self._count
