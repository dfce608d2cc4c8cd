"""How much one look at the inbox may cost, so that it never blocks for long."""

from panini_daemon.storage.clock import Clock


class Allowance:
    """So many store operations and so many seconds; whichever ends first."""

    def __init__(self, clock: Clock, operations: int, seconds: float) -> None:
        self._clock = clock
        self._left = operations
        self._until = clock.monotonic() + seconds
        self.exhausted = False

    def spend(self, operations: int = 1) -> bool:
        """Tell whether that many operations more may be done, and count them."""
        if self._left <= 0 or self._clock.monotonic() > self._until:
            self.exhausted = True
            return False
        self._left -= operations
        return True
