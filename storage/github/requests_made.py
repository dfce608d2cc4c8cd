"""What the API was asked, by kind: the figures for the status file and for comparing with the rate limit."""

import threading
from collections import Counter


class RequestsMade:
    """Counts requests by kind. Thread-safe. A 304 is counted as `<kind> (304)`: it costs nothing of the limit."""

    def __init__(self) -> None:
        """Start at zero."""
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def add(self, kind: str) -> None:
        """Count one."""
        with self._lock:
            self._counts[kind] += 1

    def counts(self) -> dict[str, int]:
        """Return the counts so far."""
        with self._lock:
            return dict(self._counts)
