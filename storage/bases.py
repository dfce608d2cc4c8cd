"""Keeping bases apart that some systems could not tell apart."""

import contextlib

from panini_daemon.storage.clock import Clock
from panini_daemon.storage.errors import NotFound
from panini_daemon.storage.names import Names
from panini_daemon.storage.root import CHUNKS
from panini_daemon.storage.store import Store

_FRESH_SECONDS = 60.0


class Bases:
    """Remembers the names under compressed_chunks/, so that a folder is listed about once a minute at most."""

    def __init__(self, store: Store, clock: Clock) -> None:
        """Look at nothing yet."""
        self._store, self._clock = store, clock
        self._folders: dict[str, tuple[float, Names]] = {}

    def claim(self, base: str) -> None:
        """Take `base` into use. Raises NameCollision where the tree has it in another spelling."""
        folder = CHUNKS
        for segment in base.split("/"):
            names = self._look(folder)
            names.check(segment)
            names.add(segment)
            folder = f"{folder}/{segment}"

    def _look(self, folder: str) -> Names:
        now = self._clock.monotonic()
        seen, names = self._folders.get(folder, (float("-inf"), Names()))
        if now - seen > _FRESH_SECONDS:
            with contextlib.suppress(NotFound):
                for entry in self._store.list(folder):
                    names.add(entry.name)
            self._folders[folder] = (now, names)
        return names
