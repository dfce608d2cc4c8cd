"""The line between a supervisor and a worker: a pipe on which the worker is told to end.

Its end tells as much: a supervisor that was killed leaves no worker behind. A pipe rather than a signal, because
whoever signals a group of processes would reach the worker twice, and twice means: at once.
"""

import os
import threading
from collections.abc import Callable

from panini_daemon.exit_codes import ExitCode

DRAIN = b"drain\n"

_MARGIN = 2.0


class Tether:
    """The worker's end of the line."""

    def __init__(self, pipe: int, drain_time: float, leave: Callable[[int], object] = os._exit) -> None:
        """Listen on the file descriptor `pipe`.

        `leave` ends the process `drain_time` seconds after the word came, if it still lives then.
        """
        self._pipe, self._patience, self._leave = pipe, drain_time + _MARGIN, leave
        self._stop: Callable[[], None] | None = None
        self._told = False
        self._lock = threading.Lock()

    def start(self) -> None:
        """Start the thread that listens."""
        threading.Thread(target=self.listen, name="tether", daemon=True).start()

    def attach(self, stop: Callable[[], None]) -> None:
        """Say how the work is ended well; until then there is none, and the process just ends."""
        with self._lock:
            self._stop = stop
            told = self._told
        if told:
            stop()

    def listen(self) -> None:
        """Wait for the word or the pipe's end, then see to it that the process ends."""
        os.read(self._pipe, len(DRAIN))  # not through sys.stdin: its lock would be held at the interpreter's end
        with self._lock:
            self._told, stop = True, self._stop
        if stop is None:
            self._leave(ExitCode.OK)
            return
        patience = threading.Timer(self._patience, self._leave, [ExitCode.ERROR])
        patience.daemon = True
        patience.start()
        stop()
