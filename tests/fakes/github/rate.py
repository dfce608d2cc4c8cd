"""GitHub's primary rate limit: so many requests until the hour of its first one is over."""

import threading
from collections.abc import Callable
from datetime import datetime

HOUR = 3600


class Rate:
    """`limit`, `remaining`, `used` and `reset` (seconds since 1970), each of which a test may set."""

    def __init__(self, clock: Callable[[], datetime], resource: str, limit: int = 5000) -> None:
        self.resource = resource
        self.limit = limit
        self._remaining = limit
        self._reset: int | None = None
        self._clock = clock
        self._lock = threading.RLock()

    @property
    def remaining(self) -> int:
        """How many requests are left in this hour."""
        with self._lock:
            self._turn_over()
            return self._remaining

    @remaining.setter
    def remaining(self, value: int) -> None:
        with self._lock:
            self._turn_over()
            self._remaining = value

    @property
    def used(self) -> int:
        """How many requests were counted in this hour."""
        return self.limit - self.remaining

    @used.setter
    def used(self, value: int) -> None:
        self.remaining = self.limit - value

    @property
    def reset(self) -> int:
        """When the hour ends."""
        with self._lock:
            self._turn_over()
            assert self._reset is not None
            return self._reset

    @reset.setter
    def reset(self, value: int) -> None:
        with self._lock:
            self._reset = value

    def take(self) -> bool:
        """Count one request; False where none is left."""
        with self._lock:
            self._turn_over()
            if self._remaining <= 0:
                return False
            self._remaining -= 1
            return True

    def give_back(self) -> None:
        """Take back one that does not count."""
        with self._lock:
            self._remaining += 1

    def headers(self) -> dict[str, str]:
        """Return what every answer carries."""
        with self._lock:
            return {
                f"x-ratelimit-{name}": str(value) for name, value in {**self.json(), "resource": self.resource}.items()
            }

    def json(self) -> dict[str, int]:
        """Return what /rate_limit says."""
        with self._lock:
            return {"limit": self.limit, "remaining": self.remaining, "reset": self.reset, "used": self.used}

    def _turn_over(self) -> None:
        now = int(self._clock().timestamp())
        if self._reset is None:
            self._reset = now + HOUR
        elif now >= self._reset:
            self._reset, self._remaining = now + HOUR, self.limit
