"""The signals that ask a process to end, taken in without doing anything in their handlers."""

import contextlib
import os
import select
import signal
from collections.abc import Iterator
from types import FrameType

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
    numbers = [signal.SIGTERM, signal.SIGINT, signal.SIGCHLD]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    previous = {number: signal.signal(number, caught.handle) for number in numbers}
    try:
        yield caught
    finally:
        for number, old in previous.items():
            signal.signal(number, old)
        caught.close()
