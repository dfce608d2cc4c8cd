"""The signals that ask a process to end, taken in without doing anything in their handlers."""

import contextlib
import os
import select
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

from panini_daemon.exit_codes import ExitCode

_MOST = 64


class EndingSignals:
    """Tells which signals came; `wait` ends early for one, and when a child process ends.

    The handler only writes a byte: whatever lock it would take, the interrupted code may hold it.
    """

    def __init__(self) -> None:
        """Take in nothing yet."""
        self._reading, self._writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def wait(self, seconds: float) -> list[signal.Signals]:
        """Wait at most `seconds`; return what came, without SIGCHLD."""
        select.select([self._reading], [], [], seconds)
        try:
            came = os.read(self._reading, _MOST)
        except BlockingIOError:
            came = b""
        return [signal.Signals(number) for number in came if number != signal.SIGCHLD]

    def handle(self, number: int, _frame: FrameType | None) -> None:
        """Note a signal."""
        with contextlib.suppress(BlockingIOError):  # 64 kB of them lie there unread: one more tells nothing new
            os.write(self._writing, bytes([number]))

    def close(self) -> None:
        """Close the pipe."""
        os.close(self._reading)
        os.close(self._writing)


@contextlib.contextmanager
def catching_signals() -> Iterator[EndingSignals]:
    """Catch SIGTERM, SIGINT, SIGHUP (unless it is ignored, as under nohup) and SIGCHLD while the block runs."""
    caught = EndingSignals()
    try:
        with _handling(caught.handle, signal.SIGCHLD):
            yield caught
    finally:
        caught.close()


@contextlib.contextmanager
def ending_on_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Let SIGTERM, SIGINT and SIGHUP call `stop`, and a second one end the process at once (exit status 130)."""
    came: list[int] = []
    reading, writing = os.pipe()

    def handle(number: int, _frame: FrameType | None) -> None:
        if came:
            os._exit(ExitCode.KILLED)
        came.append(number)
        message = f"{signal.Signals(number).name}: ending; once more ends at once\n"
        with contextlib.suppress(OSError):  # not through sys.stderr: it may be in the middle of a write
            os.write(2, message.encode())
        os.write(writing, b".")

    def obey() -> None:
        """Stop from a thread: whatever lock that takes, the code that the signal interrupted may hold it."""
        if os.read(reading, 1):
            stop()

    thread = threading.Thread(target=obey, name="signals", daemon=True)
    thread.start()
    try:
        with _handling(handle):
            yield
    finally:
        os.close(writing)
        thread.join()
        os.close(reading)


@contextlib.contextmanager
def _handling(handle: Callable[[int, FrameType | None], None], *others: signal.Signals) -> Iterator[None]:
    numbers = [signal.SIGTERM, signal.SIGINT, *others]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup means: go on without the terminal
        numbers.append(signal.SIGHUP)
    previous = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield
    finally:
        for number, old in previous.items():
            signal.signal(number, old)
