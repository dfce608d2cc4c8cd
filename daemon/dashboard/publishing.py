"""status.html in the tree, which opens from Drive on any device."""

from panini_daemon.dashboard.page import format_page
from panini_daemon.dashboard.reading import DashboardReader
from panini_daemon.dashboard.view import Life
from panini_daemon.storage.store import Store

PAGE = "status.html"
EVERY = 60.0
"""Seconds between two pages."""


class Publisher:
    """Writes the page for all workers of a tree.

    One of them does, the first by name of those alive: two mounts that write one file may make two of it. While they
    see each other late, two may write for a while, and both pages are right.
    """

    def __init__(self, store: Store, reader: DashboardReader, worker: str) -> None:
        """Write for the tree that `reader` looks at, on behalf of `worker`."""
        self._store, self._reader, self._worker = store, reader, worker

    def publish(self) -> None:
        """Write the page where it is this worker's turn. Raises StorageError."""
        view = self._reader.read()
        living = [worker.name for worker in view.workers if worker.life is Life.ALIVE and worker.name != self._worker]
        if all(self._worker < name for name in living):
            self._store.write(PAGE, format_page(view).encode("utf-8", "replace"), durable=False)
