"""One worker as a process of its own, under a supervisor."""

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from typing import IO

from panini_daemon.tether import DRAIN


class WorkerProcess:
    """A `panini_daemon run` with these arguments; what it prints is kept, what it logs goes to standard error."""

    def __init__(self, arguments: Sequence[str]) -> None:
        """Start it. Raises OSError."""
        self._output: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  read after the process's end
        self._process = subprocess.Popen(  # noqa: S603  this very program
            [sys.executable, "-m", "panini_daemon", "run", "--supervised", *arguments],
            stdin=subprocess.PIPE,
            stdout=self._output,
            start_new_session=True,  # a Ctrl-C in the terminal is the supervisor's to handle
        )

    @property
    def output(self) -> bytes:
        """What it has printed so far."""
        self._output.seek(0)
        return self._output.read()

    def poll(self) -> int | None:
        """Return the exit status, negative for a signal's number, None while it lives."""
        return self._process.poll()

    def drain(self) -> None:
        """Tell it to finish what it is at and end."""
        assert self._process.stdin is not None  # noqa: S101  for the type checker: it was opened above
        with contextlib.suppress(OSError):  # it has ended already
            self._process.stdin.write(DRAIN)
            self._process.stdin.flush()

    def kill(self) -> None:
        """End it at once; its compute processes end with the pipes to it."""
        self._process.kill()
