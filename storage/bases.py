"""Keeping bases apart that some systems could not tell apart."""

from panini_daemon.storage.clock import Clock
from panini_daemon.storage.errors import NotFound
from panini_daemon.storage.names import check_collision
from panini_daemon.storage.root import CHUNKS
from panini_daemon.storage.store import Store

_FRESH_SECONDS = 60.0


class Bases:
    """Remembers the names under compressed_chunks/, so that a folder is listed about once a minute at most."""

    def __init__(self, store: Store, clock: Clock) -> None:
        """Look at nothing yet."""
        self._store, self._clock = store, clock
        self._names: dict[str, tuple[float, set[str]]] = {}

    def claim(self, base: str) -> None:
        """Take `base` into use. Raises NameCollision where the tree has it in another spelling."""
        folder = CHUNKS
        for segment in base.split("/"):
            names = self._list(folder)
            if segment not in names:
                check_collision(segment, names)
                names.add(segment)
            folder = f"{folder}/{segment}"

    def _list(self, folder: str) -> set[str]:
        now = self._clock.monotonic()
        known = self._names.get(folder)
        if known is None or now - known[0] > _FRESH_SECONDS:
            try:
                listed = {entry.name for entry in self._store.list(folder)}
            except NotFound:
                listed = set()
            known = (now, listed | (known[1] if known else set()))
            self._names[folder] = known
        return known[1]
