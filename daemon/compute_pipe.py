"""One compute process and the pipe to it."""

import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from panini_daemon import errors as daemon_errors
from panini_daemon.compressors import errors as compressor_errors
from panini_daemon.compressors.errors import CompressorError, PluginFailed
from panini_daemon.errors import (
    ComputeDied,
    ComputeOutOfMemory,
    ComputeStopped,
    ComputeTimeout,
    DaemonError,
)
from panini_daemon.slow_work import Told

Message = dict[str, Any]

_LOOK_EVERY_MS = 100
_PIECE = 1 << 16


def _tell_nobody(method: str, done: int, total: int) -> None:
    """Ignore a sign of progress."""


class ComputeProcess:
    """A child process that runs plugins. Not thread-safe: one caller at a time.

    A call that runs out of time, or whose process dies, ends the process; `alive` is then False.
    """

    def __init__(
        self, device: str, memory_limit: int, models: Sequence[Path] = (), *, start_timeout: float = 300.0
    ) -> None:
        """Start the process; `memory_limit` in bytes, 0 for none; `models` are folders that may hold weights.

        Raises ComputeDied, ComputeTimeout, DeviceUnavailable.
        """
        self.device = device
        self._buffer = b""
        self._ended = False
        self._process = subprocess.Popen(  # noqa: S603  the command is this package's own module
            [sys.executable, "-m", "panini_daemon.compute_process", device, str(memory_limit), *map(str, models)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # a Ctrl-C in the terminal is the daemon's to handle
        )
        self.hello = self._receive(start_timeout, threading.Event(), {})
        if "error" in self.hello:
            self.end()
            raise error_from(self.hello)

    @property
    def alive(self) -> bool:
        """Whether the process can take another call; one that died since the last call shows at the next."""
        return not self._ended

    def call(
        self, request: Mapping[str, Any], *, timeout: float, stop: threading.Event, told: Told = _tell_nobody
    ) -> Message:
        """Send one request and wait for its answer, `timeout` seconds at most after the last sign of progress.

        `told` hears of each such sign.
        Raises ComputeTimeout, ComputeDied, ComputeOutOfMemory, ComputeStopped (each with the method that was at
        work, where known, as `method`), and what the request itself failed with.
        """
        trial: Message = {}
        try:
            assert self._process.stdin is not None  # noqa: S101  for the type checker: it was opened above
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
        except OSError as error:
            self.end()
            raise ComputeDied(f"a compute process was gone before it was given work ({error})") from error
        reply = self._receive(timeout, stop, trial, told)
        if "error" in reply:
            raise error_from(reply, trial.get("trial"))
        return reply

    def end(self) -> None:
        """Kill the process and reap it."""
        self._ended = True
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:  # closing flushes; the reader is gone
                    continue

    def _receive(self, timeout: float, stop: threading.Event, trial: Message, told: Told = _tell_nobody) -> Message:
        started = time.monotonic()
        deadline = started + timeout
        while True:
            line, newline, rest = self._buffer.partition(b"\n")
            if newline:
                self._buffer = rest
                message: Message = json.loads(line)
                if "progress" in message:
                    deadline = time.monotonic() + timeout  # who gets on does not hang
                    told(message["progress"], message["done"], message["total"])
                elif "trial" in message:
                    trial.update(message)
                else:
                    return message
                continue
            self._wait_readable(started, deadline, stop, trial)

    def _wait_readable(self, started: float, deadline: float, stop: threading.Event, trial: Message) -> None:
        assert self._process.stdout is not None  # noqa: S101
        method, now = trial.get("trial"), time.monotonic()
        if stop.is_set():
            self.end()
            raise ComputeStopped("the daemon is ending; the chunk goes back untouched")
        if now >= deadline:
            self.end()
            raise ComputeTimeout(
                f"{method or 'a plugin'} was still at work after {now - started:.0f} s, the most that a chunk "
                "of this size may take (chunk_timeout); its process was ended",
                method,
            )
        poll = select.poll()
        poll.register(self._process.stdout, select.POLLIN | select.POLLHUP)
        if not poll.poll(min(_LOOK_EVERY_MS, (deadline - now) * 1000)):
            return
        piece = os.read(self._process.stdout.fileno(), _PIECE)
        if not piece:
            self.end()
            if stop.is_set():
                raise ComputeStopped("the daemon is ending; the chunk goes back untouched")
            raise ComputeDied(
                f"the compute process ended with status {self._process.returncode} while "
                f"{method or 'a plugin'} was at work: a crash in a native library, or killed for memory",
                method,
            )
        self._buffer += piece


def error_from(reply: Message, method: str | None = None) -> CompressorError | DaemonError:
    """Rebuild the error that a compute process reported, by its class name."""
    kind, message = str(reply["error"]), str(reply.get("message", ""))
    if kind == ComputeOutOfMemory.__name__:
        return ComputeOutOfMemory(f"{method or 'a plugin'}: {message}", method)
    for module, base in ((daemon_errors, DaemonError), (compressor_errors, CompressorError)):
        found = getattr(module, kind, None)
        if isinstance(found, type) and issubclass(found, base):
            return found(message)
    return PluginFailed(f"{kind}: {message}")
