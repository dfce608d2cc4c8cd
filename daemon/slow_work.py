"""What slow codecs are at: how far they are with which chunk, and how fast they get on."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from panini_daemon.logs import Logger
from panini_daemon.storage.clock import Clock

LOG_EVERY = 60.0
"""Seconds before a call is first told of in the log, and between two lines about it."""
_FIRST_RATE = 1.0
"""Seconds before a rate means anything."""

Told = Callable[[str, int, int], None]
"""Is told a method, and how many of how many bytes are done."""


@dataclass(frozen=True, slots=True)
class Ongoing:
    """One call to a slow codec: the chunk, `task` compress, verify or decode, bytes done of `total`, and a second."""

    chunk: str
    task: str
    method: str
    done: int
    total: int
    bytes_per_second: float

    @property
    def seconds_left(self) -> float | None:
        """The seconds until this call is done at its present rate, None where there is none yet."""
        return (self.total - self.done) / self.bytes_per_second if self.bytes_per_second else None


class SlowWork:
    """Keeps what codecs tell of themselves while they work. Thread-safe."""

    def __init__(self, clock: Clock, log: Logger | None = None) -> None:
        """Write a line a minute about each long call to `log`, where there is one."""
        self._clock, self._log = clock, log
        self._calls: dict[Told, Ongoing] = {}
        self._lock = threading.Lock()

    @contextmanager
    def follow(self, chunks: Sequence[str], task: str) -> Iterator[Told]:
        """Lend what a call for these chunks tells of its progress to; when it ends, it is forgotten."""
        told = self.begin(chunks, task)
        try:
            yield told
        finally:
            with self._lock:
                self._calls.pop(told, None)

    def begin(self, chunks: Sequence[str], task: str) -> Told:
        """Return what a call for these chunks tells of its progress to, for a caller that ends with the call."""
        name = chunks[0] if len(chunks) == 1 else f"{chunks[0]} and {len(chunks) - 1} more"
        call = _Call(self._clock.monotonic(), name, task)

        def told(method: str, done: int, total: int) -> None:
            ongoing = call.advance(self._clock.monotonic(), method, done, total)
            with self._lock:
                self._calls[told] = ongoing
            if self._log is not None and call.is_due(self._clock.monotonic()):
                _write(self._log, ongoing)

        return told

    def now(self) -> list[Ongoing]:
        """Return what is under way and has told of itself, the oldest call first."""
        with self._lock:
            return list(self._calls.values())


class _Call:
    """Measures one call. Not thread-safe."""

    def __init__(self, started: float, chunk: str, task: str) -> None:
        self._logged = started
        self._since, self._before = started, 0
        self._last = Ongoing(chunk, task, "", 0, 0, 0.0)

    def advance(self, now: float, method: str, done: int, total: int) -> Ongoing:
        """Take in what was told at `now`; where a codec begins anew, so does the measurement."""
        last = self._last
        if (method, total) != (last.method, last.total) or done < last.done:
            self._since, self._before = now, done
        seconds = now - self._since
        rate = (done - self._before) / seconds if seconds >= _FIRST_RATE else 0.0
        self._last = replace(last, method=method, done=done, total=total, bytes_per_second=round(rate, 1))
        return self._last

    def is_due(self, now: float) -> bool:
        """Tell whether a minute has gone by since the last line, and count from here if so."""
        if now - self._logged < LOG_EVERY:
            return False
        self._logged = now
        return True


def _write(log: Logger, one: Ongoing) -> None:
    log.info(
        "chunk_progress",
        chunk=one.chunk,
        task=one.task,
        method=one.method,
        done=one.done,
        total=one.total,
        bytes_per_second=one.bytes_per_second,
        seconds_left=None if one.seconds_left is None else round(one.seconds_left),
    )
