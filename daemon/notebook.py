"""A worker under a notebook's cell: secrets, Drive, the daemon as a process, its dashboard beneath.

For `notebooks/workers/compression_worker.ipynb`. Importing it needs no notebook; IPython and google.colab are asked
for when they are used.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, MutableMapping, Sequence
from contextlib import suppress
from html import escape
from importlib import import_module
from pathlib import Path
from typing import IO, Any, Protocol

from panini_daemon.config import load
from panini_daemon.dashboard.page import format_body
from panini_daemon.dashboard.reading import DashboardReader
from panini_daemon.storage.clock import SystemClock
from panini_daemon.storage.errors import StorageError
from panini_daemon.stores import open_store

SECRETS = ("GITHUB_TOKEN", "GITHUB_REPO")
MOUNT = "/content/drive"

_LINES = 12
_REMOUNT_AFTER, _REMOUNT_AGAIN = 60.0, 300.0
"""Seconds that a folder may be away before it is mounted anew, and between two tries."""
_GRACE = 60.0
"""Seconds for a worker that was asked to end: its own drain_time, and a margin."""

Show = Callable[[str], None]


class Worker(Protocol):
    """A running daemon, as far as a cell needs it."""

    def poll(self) -> int | None:
        """Return the exit status, None while it runs."""

    def interrupt(self) -> None:
        """Ask it to end cleanly."""

    def wait(self, timeout: float) -> int:
        """Wait for its end; raise TimeoutError after `timeout` seconds."""

    def kill(self) -> None:
        """End it at once."""

    def last_lines(self) -> list[str]:
        """Return the last lines that it logged."""


def read_secrets(environ: MutableMapping[str, str] = os.environ) -> list[str]:
    """Copy the notebook's secrets into the environment of the worker; return the names that were found.

    One that is not set, or that this notebook may not read, is left out: it may not be needed.
    """
    try:
        from google.colab import userdata  # noqa: PLC0415  there is one only in Colab
    except ImportError:
        return [name for name in SECRETS if environ.get(name)]
    for name in SECRETS:
        with suppress(userdata.SecretNotFoundError, userdata.NotebookAccessError):
            if value := userdata.get(name):
                environ[name] = value
    return [name for name in SECRETS if environ.get(name)]


def mount_drive(*, again: bool = False) -> bool:
    """Mount Google Drive; with `again`, although it may seem to be mounted. False outside Colab."""
    try:
        from google.colab import drive  # noqa: PLC0415
    except ImportError:
        return False
    drive.mount(MOUNT, force_remount=again)
    return True


def run_worker(
    *flags: str,
    every: float = 5.0,
    start: Callable[[Sequence[str]], Worker] | None = None,
    show: Show | None = None,
    mount: Callable[[], object] = lambda: mount_drive(again=True),
    sleep: Callable[[float], object] = time.sleep,
    monotonic: Callable[[], float] = time.monotonic,
) -> int:
    """Run the daemon with these flags until it ends or the cell is interrupted; return its exit status.

    The dashboard is drawn anew every so many seconds. Where the tree stays away, `mount` is called; the daemon waits
    meanwhile and goes on by itself.
    """
    settings = load({}, environ=os.environ, cwd=Path.cwd()).settings
    reader = DashboardReader(open_store(settings.root), str(settings.root), SystemClock())
    show = show or _make_display()
    worker = (start or _Process)(flags)
    away_since: float | None = None
    next_mount = 0.0
    try:
        while worker.poll() is None:
            try:
                show(_render(format_body(reader.read()), worker))
                away_since = None
            except StorageError as error:
                now = monotonic()
                away_since = now if away_since is None else away_since
                show(_render(f"<p>waiting for the folder: {escape(str(error))}</p>", worker))
                if now - away_since >= _REMOUNT_AFTER and now >= next_mount:
                    next_mount = now + _REMOUNT_AGAIN
                    mount()
            sleep(every)
    except KeyboardInterrupt:
        _end(worker, show)
    with suppress(StorageError):
        show(_render(format_body(reader.read()), worker))
    return worker.wait(0.0)


def _end(worker: Worker, show: Show) -> None:
    """Ask the worker to end, and wait; a second interrupt, or no end, ends it at once."""
    show(_render("<p>ending: chunks in work are finished, leases given back…</p>", worker))
    worker.interrupt()
    try:
        worker.wait(_GRACE)
    except (KeyboardInterrupt, TimeoutError):
        worker.kill()
        worker.wait(_GRACE)


def _render(body: str, worker: Worker) -> str:
    lines = escape("\n".join(worker.last_lines()))
    return f'{body}<pre style="font-size:12px;white-space:pre-wrap;max-height:16em;overflow:auto">{lines}</pre>'


class _Process:
    """The daemon in a process and a session of its own: an interrupt of the kernel reaches it once, through us."""

    def __init__(self, flags: Sequence[str]) -> None:
        self._lines: deque[str] = deque(maxlen=_LINES)
        self._process = subprocess.Popen(  # noqa: S603  this package's own command
            [sys.executable, "-m", "panini_daemon", "run", *flags],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        assert self._process.stdout is not None  # noqa: S101  it was asked for
        self._reading = threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True)
        self._reading.start()

    def poll(self) -> int | None:
        return self._process.poll()

    def interrupt(self) -> None:
        self._process.send_signal(signal.SIGINT)

    def wait(self, timeout: float) -> int:
        try:
            code = self._process.wait(timeout)
        except subprocess.TimeoutExpired as error:
            raise TimeoutError(f"the worker did not end within {timeout} s") from error
        self._reading.join(1.0)
        return code

    def kill(self) -> None:
        self._process.kill()

    def last_lines(self) -> list[str]:
        return list(self._lines)

    def _read(self, stream: IO[str]) -> None:
        with stream:
            for line in stream:
                self._lines.append(line.rstrip("\n"))


def _make_display() -> Show:
    """Return what shows HTML under the cell, always in the same place."""
    display: Any = import_module("IPython.display")  # there is one in every notebook
    handle = display.display(display.HTML(""), display_id=True)
    return lambda html: handle.update(display.HTML(html))
