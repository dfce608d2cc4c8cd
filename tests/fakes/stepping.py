"""Threads that do one operation on what they share at a time, in an order that a test chooses."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fakes.memory_store import MemoryStore
from fakes.object_client import ObjectClient

from panini_daemon.storage.root import MARKER


class Steps:
    """The stepped threads by their ids."""

    def __init__(self) -> None:
        self.threads: dict[int, Stepper] = {}

    def stop(self) -> None:
        """Wait, in a stepped thread, until it is told to go on."""
        if stepper := self.threads.get(threading.get_ident()):
            stepper.stop()


class SteppedStore(MemoryStore):
    """Stops before each operation of a stepped thread until that thread is told to go on."""

    def __init__(self, steps: Steps) -> None:
        super().__init__()
        self._steps = steps
        self.write(MARKER, b"{}")

    @contextmanager
    def _operation(self, operation: str, path: str) -> Iterator[None]:
        if operation != "check_root":
            self._steps.stop()
        with super()._operation(operation, path):
            yield


def stepped_client(steps: Steps) -> ObjectClient:
    """Return a client of an object store that stops so before and after the effect of each operation."""
    return ObjectClient(before=steps.stop, after=steps.stop)


class Stepper:
    """A thread that runs `work` one operation at a time."""

    def __init__(self, steps: Steps, work: Callable[[], None]) -> None:
        self._go = threading.Semaphore(0)
        self._stopped = threading.Semaphore(0)
        self.finished = False
        self._thread = threading.Thread(target=self._run, args=(steps, work))
        self._thread.start()
        self._stopped.acquire()

    def _run(self, steps: Steps, work: Callable[[], None]) -> None:
        steps.threads[threading.get_ident()] = self
        try:
            work()
        finally:
            del steps.threads[threading.get_ident()]
            self.finished = True
            self._stopped.release()

    def stop(self) -> None:
        self._stopped.release()
        self._go.acquire()

    def step(self) -> None:
        self._go.release()
        self._stopped.acquire()
