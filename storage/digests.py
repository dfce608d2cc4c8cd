"""SHA-256 of files in the tree."""

import hashlib
from os import SEEK_END

from panini_daemon.storage.errors import NotCommitted
from panini_daemon.storage.store import Store

MAX_PAYLOAD_BYTES = 1 << 31
"""No payload is larger: a chunk has at most half of that, and hardly any payload is larger than its chunk."""

_PIECE = 1 << 20


def hash_file(store: Store, path: str) -> tuple[str, int]:
    """Return the SHA-256, in hex, and the size in bytes of a file. Raises NotFound."""
    digest, size = hashlib.sha256(), 0
    with store.open(path) as file:
        if (found := file.seek(0, SEEK_END)) > MAX_PAYLOAD_BYTES:
            raise NotCommitted(f"{path} has {found} bytes; a payload has at most {MAX_PAYLOAD_BYTES}; remove it")
        file.seek(0)
        while piece := file.read(_PIECE):
            digest.update(piece)
            size += len(piece)
    return digest.hexdigest(), size


class Digests:
    """Remembers the hashes of files that many chunks refer to, each as long as its size and stamp stay the same.

    Thread-safe: two threads may hash one file at the same time, and come to the same.
    """

    def __init__(self) -> None:
        """Know nothing yet."""
        self._known: dict[str, tuple[tuple[int, int], tuple[str, int]]] = {}

    def hash(self, store: Store, path: str) -> tuple[str, int]:
        """Return what `hash_file` does. Raises NotFound."""
        found = store.stat(path)
        stamp = (found.size, found.stamp)
        known = self._known.get(path)
        if known is None or known[0] != stamp:
            known = (stamp, hash_file(store, path))
            self._known[path] = known
        return known[1]
