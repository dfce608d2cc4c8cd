"""What a running worker tells of itself in its heartbeat."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from panini_daemon.config import Settings
from panini_daemon.gpu_use import GpuUse, read_gpus
from panini_daemon.heartbeat import Machine, format_status
from panini_daemon.history import History, Point, read_points
from panini_daemon.service import Service
from panini_daemon.slow_work import Ongoing
from panini_daemon.storage.clock import Clock


class WorkerStatus:
    """Renders the heartbeat of one worker, whose history goes on where an earlier run under its name ended."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        service: Service,
        *,
        earlier: Sequence[Mapping[str, Any]],
        device: Callable[[], str],
        ongoing: Callable[[], Sequence[Ongoing]],
        github: Callable[[], Mapping[str, object] | None],
        gpus: Callable[[], Sequence[GpuUse]] = read_gpus,
    ) -> None:
        """Tell of `service`; `earlier` are the tree's heartbeats, the functions are asked each time."""
        self._settings, self._clock, self._service = settings, clock, service
        self._device, self._ongoing, self._github, self._gpus = device, ongoing, github, gpus
        self._started = clock.now()
        self._history = History(_find_points(earlier, settings.worker))

    def render(self) -> bytes:
        """Return the heartbeat as JSON."""
        service, now = self._service, self._clock.now()
        totals = service.tally.totals(self._clock.monotonic())
        self._history.add(now.timestamp(), totals.bytes_in, totals.bytes_out)
        return format_status(
            worker=self._settings.worker,
            phase=service.phase,
            device=self._device(),
            started=self._started,
            now=now,
            interval=self._settings.status_interval,
            queue={
                "jobs": len(service.queue),
                "bytes": service.queue.size,
                "running": service.running,
                "arriving": service.arriving,
            },
            ongoing=self._ongoing(),
            totals=totals,
            failures=service.tally.failures(),
            history=self._history.points(),
            machine=Machine(_measure_space(self._settings.root), self._gpus()),
            github=self._github(),
        )


def _find_points(earlier: Sequence[Mapping[str, Any]], worker: str) -> list[Point]:
    """Return the history that an earlier run under the same name left."""
    return next((read_points(one.get("history")) for one in earlier if one.get("worker") == worker), [])


def _measure_space(root: object) -> dict[str, int] | None:
    """Tell how many bytes the root's disk has and has free; an object store does not tell."""
    if not isinstance(root, Path):
        return None
    try:
        usage = shutil.disk_usage(root)
    except OSError:
        return None
    return {"total": usage.total, "free": usage.free}
