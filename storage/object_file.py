"""Objects opened for streaming: read in ranges, so that neither memory nor a slow line limits their size."""

import io
from typing import TYPE_CHECKING, Any

from panini_daemon.storage.object_connection import Client
from panini_daemon.storage.object_errors import mapped

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

FIRST, LARGEST = 1 << 20, 1 << 23
"""Bytes of the first range that is asked for, and of the largest: reading on doubles it, seeking begins anew."""


class ObjectFile(io.RawIOBase):
    """One version of an object; where it is overwritten meanwhile, reading raises StoreUnavailable."""

    def __init__(self, client: Client, path: str, size: int, e_tag: str | None) -> None:
        """Ask for nothing yet."""
        super().__init__()
        self._client, self._path, self._size, self._tag = client, path, size, e_tag
        self._position, self._piece, self._start, self._ask = 0, memoryview(b""), 0, FIRST

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tell that it can be read from anywhere."""
        return True

    def tell(self) -> int:
        """Return the position in bytes."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move to another position; nothing is read."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        """Read at most one range."""
        view = memoryview(buffer).cast("B")
        if self._position >= self._size or not view:
            return 0
        inside = self._position - self._start
        if not 0 <= inside < len(self._piece):
            self._fetch()
            inside = 0
        piece = self._piece[inside : inside + len(view)]
        view[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)

    def readall(self) -> bytes:
        """Read the rest."""
        rest = bytearray(max(0, self._size - self._position))
        view = memoryview(rest)
        while view and (count := self.readinto(view)):
            view = view[count:]
        return bytes(rest)

    def _fetch(self) -> None:
        goes_on = bool(self._piece) and self._position == self._start + len(self._piece)
        self._ask = min(LARGEST, 2 * self._ask) if goes_on else FIRST
        options: dict[str, Any] = {"if_match": self._tag} if self._tag else {}
        end = min(self._size, self._position + self._ask)
        if (self._position, end) != (0, self._size):  # some servers do not answer as for a range where it is all
            options["range"] = (self._position, end)
        with mapped(self._path):
            self._piece = memoryview(self._client.get(self._path, options=options).bytes()).cast("B")
        self._start = self._position
