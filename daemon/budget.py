"""How much memory may be in use at once."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class MemoryBudget:
    """A number of bytes that chunks reserve before they are worked on.

    First come, first served, so that a large chunk is never starved by small ones. One that needs more than the
    whole budget runs alone.
    """

    def __init__(self, total: int) -> None:
        """Allow `total` bytes."""
        self._total, self._free = total, total
        self._turn = threading.Lock()
        self._changed = threading.Condition()

    @contextmanager
    def reserve(self, amount: int) -> Iterator[None]:
        """Hold `amount` bytes while the block runs; wait for them first."""
        amount = min(amount, self._total)
        with self._turn, self._changed:
            while self._free < amount:
                self._changed.wait()
            self._free -= amount
        try:
            yield
        finally:
            with self._changed:
                self._free += amount
                self._changed.notify_all()
