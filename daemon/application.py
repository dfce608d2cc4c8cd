"""A running worker: the service with everything around it, from settings to a clean end."""

import math
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from panini_daemon.assembly import GPU_BATCH, assemble, is_committed
from panini_daemon.compressors import choose_device
from panini_daemon.compute import Compute
from panini_daemon.compute_pool import ComputeLimits
from panini_daemon.config import Settings
from panini_daemon.dashboard.publishing import EVERY, Publisher
from panini_daemon.dashboard.reading import DashboardReader
from panini_daemon.exit_codes import ExitCode
from panini_daemon.heartbeat import Heartbeat, StatusWriter
from panini_daemon.logs import TreeLog, make_logger
from panini_daemon.pipeline import Outcome
from panini_daemon.service import Service
from panini_daemon.slow_work import SlowWork
from panini_daemon.spool import Spool
from panini_daemon.storage.clock import Clock, SystemClock
from panini_daemon.storage.errors import StorageError, StoreReadOnly
from panini_daemon.storage.propagation import LOOK
from panini_daemon.storage.root import INBOX, log_path, open_root, status_path
from panini_daemon.storage.upload_flags import RcloneQueue, read_drive_ids
from panini_daemon.storage.watching import Watcher
from panini_daemon.stores import demand_leases, may_be_new, open_store, secrets_of
from panini_daemon.weights import model_folders
from panini_daemon.worker_status import WorkerStatus

if TYPE_CHECKING:
    from panini_daemon.github import GithubLink

_END_MARGIN = 2.0
"""Seconds of drain_time kept for ending processes, giving leases back and the last log lines."""
_GOODBYE = 30.0
"""Seconds for the last reports to GitHub where nobody asked the daemon to end."""


class Application:
    """One worker on one tree. Use it as: `with running(settings) as app: app.run()`."""

    def __init__(
        self,
        settings: Settings,
        spool: Spool,
        *,
        once: bool = False,
        screen: TextIO | None = None,
        one_of_several: bool = False,
        clock: Clock | None = None,
        on_outcome: Callable[[Outcome], None] = lambda _: None,
    ) -> None:
        """Put the parts together. Raises StorageError where the root cannot be used.

        `one_of_several` on this machine puts its name on each line on the screen, and claims no more jobs than it can
        begin at once.
        """
        self.settings, self.clock = settings, clock or SystemClock()
        queue = RcloneQueue(settings.rclone_socket) if settings.rclone_socket else None
        self.store = open_store(settings.root, queue or read_drive_ids)
        open_root(self.store, create=may_be_new(settings.root, shared=settings.shared), clock=self.clock)
        demand_leases(self.store, settings.root)
        self.tree_log = TreeLog(
            self.store,
            log_path(settings.worker),
            max_bytes=settings.log_max_bytes,
            backups=settings.log_backups,
        )
        self.log = make_logger(
            clock=self.clock,
            level=settings.log_level,
            tree=self.tree_log,
            screen=screen,
            named=one_of_several,
            secrets=secrets_of(settings, os.environ),
        ).bind(worker=settings.worker)
        self.stopping, self._abort = threading.Event(), threading.Event()
        self.device = choose_device(settings.device)
        if self.device.is_cuda and settings.device != "auto":
            _ = self.device.torch  # raises DeviceUnavailable before anything is started
        self.compute = Compute(
            self.device.spec,
            settings.cpu_workers,
            ComputeLimits.of(settings),
            self._abort,
            GPU_BATCH,
            self._tell_plugin_problem,
            model_folders(settings.root),
            SlowWork(self.clock, self.log),
        )
        self.link = self._connect()
        parts = assemble(
            settings,
            self.store,
            self.clock,
            self.log,
            spool,
            self.compute,
            self.link,
            queue,
            sleep=self.stopping.wait,
            fatal=self._fatal,
            on_outcome=on_outcome,
            one_of_several=one_of_several,
            time_left=self._time_left,
        )
        self._settling, self._index = parts.settling, parts.index
        self.service = Service(parts, self.stopping, once=once)
        self._started = self.clock.monotonic()
        reader = DashboardReader(self.store, str(settings.root), self.clock)
        status = WorkerStatus(
            settings,
            self.clock,
            self.service,
            earlier=reader.statuses(),
            device=lambda: self.compute.device_name or self.device.spec,
            ongoing=self.compute.slow.now,
            github=lambda: self.link.status() if self.link else None,
        )
        self._status = StatusWriter(self.store, status_path(settings.worker), status.render)
        self._page_beat = Heartbeat("page", EVERY, Publisher(self.store, reader, settings.worker).publish, self.log)
        self._status_beat = Heartbeat("status", settings.status_interval, self._write_status, self.log)
        self._heartbeats = self._make_heartbeats()

    def run(self) -> None:
        """Work until told to stop, the time is up, or, with `once`, the inbox is empty; then end cleanly."""
        self._start()
        try:
            with self._watcher():
                while not self.service.finished:
                    delay = self.service.step()
                    if self._time_left() <= 0:
                        self.log.info("runtime_limit_reached", seconds=self.settings.runtime_limit)
                        self.stopping.set()
                    elif not self.service.finished:
                        self.service.wake.wait(min(delay, self._time_left()))
                        self.service.wake.clear()
        finally:
            self._end()

    def stop(self) -> None:
        """Ask the worker to finish what it is at and end."""
        self.stopping.set()
        self.service.wake.set()

    @property
    def problem(self) -> str | None:
        """Why not everything that was to be looked at could be, None where it could."""
        return self.link.problem if self.link else None

    def _connect(self) -> "GithubLink | None":
        """Make the link to the repository, where one is set."""
        if not self.settings.github_repo:
            return None
        from panini_daemon.github import GithubLink  # noqa: PLC0415  only who uses it waits for PyGithub's import

        committed = partial(is_committed, self.store)
        return GithubLink(self.settings, self.store, self.clock, self.log, committed=committed, wake=self._notice)

    def _notice(self) -> None:
        self.service.notice()

    def _tell_plugin_problem(self, problem: str) -> None:
        self.log.warning("plugin_problem", problem=problem)

    def _fatal(self, error: Exception) -> None:
        self.service.stop_for(error)

    def _make_heartbeats(self) -> list[Heartbeat]:
        settings, leases = self.settings, self.service.leases
        beats = [
            Heartbeat("leases", min(settings.lease_refresh / 4, 5.0), leases.refresh, self.log),
            self._status_beat,
            self._page_beat,
            Heartbeat("log", _flush_every(settings), self.tree_log.flush, self.log),
        ]
        if self._settling is not None:
            beats.append(Heartbeat("probe", LOOK, self._settling.beat, self.log))
        if self._index is not None:
            beats.append(Heartbeat("index", 60.0 if settings.shared else 5.0, self._index.beat, self.log))
        return beats

    def _write_status(self) -> None:
        try:
            self._status.write()
        except StoreReadOnly as error:  # told even where there is no job that would meet it
            self._fatal(error)
            raise

    @contextmanager
    def _watcher(self) -> Iterator[None]:
        """Let a change in a local inbox wake the loop at once; it is a hint, polling finds everything anyway."""
        root = self.settings.root
        if self.settings.shared or not isinstance(root, Path):
            yield
            return
        with Watcher(self.service.notice) as watcher:
            if not watcher.start(root / INBOX):
                self.log.debug("no_folder_events", reason=watcher.problem)
            yield

    def _start(self) -> None:
        self.log.info(
            "started",
            root=str(self.settings.root),
            device=self.device.spec,
            compression=self.settings.level,
            method=self.settings.method,
            cpu_workers=self.settings.cpu_workers,
            shared=self.settings.shared,
            **({"repository": self.settings.github_repo} if self.link else {}),
        )
        if self.link and not self.link.reports and self.settings.github_report != "off":
            self.log.warning("github_token_missing", consequence="the repository is told nothing")
        self.service.leases.recover()
        if self.link is not None:
            self.link.start()
        self._status_beat.beat_once()
        if self._index is not None:
            with suppress(StorageError):
                self._index.beat()
        for heartbeat in self._heartbeats:
            heartbeat.start()

    def _end(self) -> None:
        """Drain, give back, say goodbye: within drain_time, whatever is stuck."""
        service, started = self.service, self.clock.monotonic()
        status = ExitCode.OK if service.fatal is None else ExitCode.ERROR
        patience = threading.Timer(self.settings.drain_time, os._exit, [status])
        patience.daemon = True
        if self.stopping.is_set():
            patience.start()
            service.drain(max(0.0, self.settings.drain_time - _END_MARGIN))
        self._abort.set()
        self.compute.close()
        free = service.close(_END_MARGIN / 2)
        if self.link is not None:
            self.link.stop(_END_MARGIN / 2 if self.stopping.is_set() else _GOODBYE)
        for heartbeat in self._heartbeats:
            heartbeat.stop()
        if self._index is not None:
            with suppress(StorageError):  # hints: without them, chunks are compressed once more
                self._index.beat()
        if self._settling is not None:
            with suppress(StorageError):  # others remove it in time
                self._settling.close()
        totals = service.tally.totals(self.clock.monotonic())
        self.log.info(
            "stopped",
            chunks=totals.chunks,
            bytes_in=totals.bytes_in,
            bytes_out=totals.bytes_out,
            jobs_done=totals.jobs_done,
            jobs_failed=totals.jobs_failed,
            drained_in=round(self.clock.monotonic() - started, 2),
        )
        self._status_beat.beat_once()
        self._page_beat.beat_once()
        self.tree_log.flush()
        if free:
            patience.cancel()  # else a thread that hangs in the folder would keep the process from ending

    def _time_left(self) -> float:
        """Return the seconds until work must be drained for the runtime limit, infinite without one."""
        limit = self.settings.runtime_limit or math.inf
        return limit - self.settings.drain_time - (self.clock.monotonic() - self._started)


def _flush_every(settings: Settings) -> float:
    """Return the seconds between two additions to the log; in an object store each one writes the whole file."""
    if not isinstance(settings.root, Path):
        return 15.0
    return 5.0 if settings.shared else 1.0


@contextmanager
def running(settings: Settings, **options: object) -> Iterator[Application]:
    """Lend an application with its spool folder, which is removed at the end."""
    with Spool(settings.spool) as spool:
        yield Application(settings, spool, **options)  # type: ignore[arg-type]
