"""A clock that moves only when it is told to."""

from datetime import UTC, datetime, timedelta


class FakeClock:
    """Both times of the storage's Clock; they move by `advance`, the wall alone by `set_wall`."""

    def __init__(self, monotonic: float = 1000.0, now: datetime = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)) -> None:
        self._monotonic = monotonic
        self._now = now

    def monotonic(self) -> float:
        return self._monotonic

    def now(self) -> datetime:
        return self._now

    def advance(self, seconds: float) -> None:
        """Let time pass on both clocks."""
        self._monotonic += seconds
        self._now += timedelta(seconds=seconds)

    def set_wall(self, now: datetime) -> None:
        """Let the wall clock jump, as after a time correction."""
        self._now = now
