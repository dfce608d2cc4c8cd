"""status/<worker>.json: what the worker is doing, for whoever looks at the tree."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from panini_daemon.gpu_use import GpuUse
from panini_daemon.history import Point
from panini_daemon.logs import Logger
from panini_daemon.progress import Failure, Totals
from panini_daemon.recipes import SOFTWARE
from panini_daemon.slow_work import Ongoing
from panini_daemon.storage.clock import iso
from panini_daemon.storage.errors import StorageError
from panini_daemon.storage.json_output import write_json
from panini_daemon.storage.store import Store


@dataclass(frozen=True, slots=True)
class Machine:
    """What the machine has: bytes that the root's disk or Drive has and has free, where it tells; its GPUs."""

    space: Mapping[str, int] | None = None
    gpus: Sequence[GpuUse] = ()


def format_status(
    *,
    worker: str,
    phase: str,
    device: str,
    started: datetime,
    now: datetime,
    interval: float,
    queue: Mapping[str, int],
    ongoing: Sequence[Ongoing] = (),
    totals: Totals,
    failures: Sequence[Failure] = (),
    history: Sequence[Point] = (),
    machine: Machine | None = None,
    github: Mapping[str, object] | None = None,
) -> bytes:
    """Return the heartbeat as JSON. Times are UTC, rates bytes a second; it is written every `interval` seconds."""
    machine = machine or Machine()
    status = {
        "worker": worker,
        "state": phase,
        "device": device,
        "started_at": iso(started),
        "updated_at": iso(now),
        "interval": interval,
        "queue": dict(queue),
        "progress": [asdict(one) for one in ongoing],
        "throughput": {"bytes_per_second": totals.bytes_per_second},
        "totals": {
            key: value for key, value in asdict(totals).items() if key not in ("bytes_per_second", "last_error")
        },
        "last_error": totals.last_error,
        "failures": [{**asdict(one), "at": iso(one.at)} for one in failures],
        "history": history,
        "space": machine.space,
        "gpus": [asdict(gpu) for gpu in machine.gpus],
        **({} if github is None else {"github": dict(github)}),
        "version": SOFTWARE,
    }
    return write_json(status)


class Heartbeat:
    """A thread that does small things again and again until it is told to stop.

    Leases are refreshed by one of their own, so that neither a long upload nor a stuck status write delays them.
    """

    def __init__(self, name: str, interval: float, beat: Callable[[], object], log: Logger) -> None:
        """Call `beat` every `interval` seconds; what it raises as StorageError is logged once until it heals."""
        self._interval, self._beat, self._log = interval, beat, log
        self._stop = threading.Event()
        self._failing = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, timeout: float = 2.0) -> None:
        """Stop the thread; do not wait longer than `timeout` seconds for a beat that is stuck."""
        self._stop.set()
        self._thread.join(timeout)

    def beat_once(self) -> None:
        """Do what one beat does."""
        try:
            self._beat()
            self._failing = False
        except StorageError as error:
            if not self._failing:
                self._log.warning("heartbeat_failed", error=f"{type(error).__name__}: {error}")
            self._failing = True

    def _run(self) -> None:
        while not self._stop.wait(self._interval):
            self.beat_once()


class StatusWriter:
    """Writes the status file where its content changed or its age demands it."""

    def __init__(self, store: Store, path: str, render: Callable[[], bytes]) -> None:
        """Write what `render` returns to `path`."""
        self._store, self._path, self._render = store, path, render

    def write(self) -> None:
        """Write the file now. Raises StorageError."""
        self._store.write(self._path, self._render(), durable=False)
