"""A machine: its clocks, its local disk, whether it runs, sleeps or is dead."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from random import Random
from types import SimpleNamespace
from typing import Any

from fakes.simulation.scheduler import Killed, Scheduler

from panini_daemon.compute import Compressed
from panini_daemon.keeping import Ask
from panini_daemon.spool import Place

_EPOCH = datetime(2024, 1, 1, tzinfo=UTC)


class MachineClock:
    """Skewed: the monotonic clock has its own origin and rate, the wall clock is hours off and jumps."""

    def __init__(self, scheduler: Scheduler, random: Random, skew: float) -> None:
        self._scheduler = scheduler
        self._origin = random.uniform(0, 1e6)
        self._rate = 1 + random.uniform(-skew, skew)
        self._wall = _EPOCH + timedelta(seconds=random.uniform(-1e5, 1e5))

    def monotonic(self) -> float:
        return self._origin + self._scheduler.now * self._rate

    def now(self) -> datetime:
        return self._wall + timedelta(seconds=self._scheduler.now)

    def true_seconds(self, seconds: float) -> float:
        """Return how long it takes until so many seconds have passed on the monotonic clock, and a little more."""
        return seconds / self._rate + 0.001

    def jump(self, seconds: float) -> None:
        """Set the wall clock forward or back."""
        self._wall += timedelta(seconds=seconds)


class Machine:
    """What runs on one machine shares its fate. A process that starts again after a crash is another Machine."""

    def __init__(self, clock: MachineClock) -> None:
        self.clock = clock
        self.dead = False
        self.paused_until = 0.0


class MemoryFile:
    """As much of a Path as what writes and reads local files here uses."""

    def __init__(self, name: str, data: bytes = b"") -> None:
        self.name = name
        self.data = data

    def read_bytes(self) -> bytes:
        return self.data

    def write_bytes(self, data: bytes) -> None:
        self.data = data

    def is_file(self) -> bool:
        return True

    exists = is_file

    def stat(self) -> Any:
        return SimpleNamespace(st_size=len(self.data), st_mtime_ns=0)

    def open(self, mode: str) -> BytesIO:
        return _Writer(self) if mode == "wb" else BytesIO(self.data)


class _Writer(BytesIO):
    def __init__(self, file: MemoryFile) -> None:
        super().__init__()
        self._file = file

    def close(self) -> None:
        if not self.closed:
            self._file.data = self.getvalue()
        super().close()


class MemorySpool:
    """Stands in for `Spool`."""

    @contextmanager
    def places(self, count: int) -> Iterator[list[Place]]:
        files: Any = [(MemoryFile("in"), MemoryFile("out")) for _ in range(count)]
        yield [Place(original, payload) for original, payload in files]


class MemoryKeep:
    """Stands in for `Keep`, on a disk that outlives the process of `machine`."""

    def __init__(self, machine: Machine, disk: dict[tuple[str, Ask], tuple[Compressed, bytes]]) -> None:
        self._machine = machine
        self._disk = disk

    def add(self, original_hash: str, ask: Ask, encoded: Compressed, payload: Any) -> None:
        if self._machine.dead:
            raise Killed
        data = payload.read_bytes()
        if hashlib.sha256(data).hexdigest() == encoded.payload_hash:
            self._disk[original_hash, ask] = (replace(encoded), data)

    def take(self, original_hash: str | None, ask: Ask, target: Any) -> Compressed | None:
        found = self._disk.get((original_hash or "", ask))
        if found is None:
            return None
        target.write_bytes(found[1])
        return found[0]

    def drop(self, original_hash: str | None) -> None:
        if self._machine.dead:
            raise Killed
        for key in [key for key in self._disk if key[0] == original_hash]:
            del self._disk[key]
