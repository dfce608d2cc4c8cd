"""Bytes on their way from a connection into a file, hashed as they come."""

import errno
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import BinaryIO, Protocol

from panini_daemon.storage.errors import StoreFull
from panini_daemon.storage.github.transport import PIECE

_FROM = 4 * PIECE
"""From this many bytes on, a thread for each hash is worth its start."""
_WAITING = 4
"""Pieces that may wait for a hash: what one download holds in memory, beside the piece that is being received."""


class _Digest(Protocol):
    def update(self, data: bytes, /) -> None: ...

    def hexdigest(self) -> str: ...


class Intake:
    """Writes to `file` and hashes: SHA-256, and git's blob id where the size is known beforehand.

    `size` is what the file has of the object, `received` all that came, what was discarded since included. Hashing
    is in threads: SHA-1 and SHA-256 together take longer than a fast network.
    """

    def __init__(self, file: BinaryIO, name: str) -> None:
        """Begin an empty object; `name` is the file's, for errors. Close it."""
        self._file, self._name = file, name
        self._workers: list[_Worker] = []
        self.received = 0
        self.begin(None)

    def begin(self, size: int | None) -> None:
        """Begin anew with nothing, for an object of `size` bytes, None where that is not known."""
        self._file.seek(0)
        self._file.truncate()
        self.size, self._wanted = 0, size
        self._sha256: _Digest = hashlib.sha256()
        self._blob = None if size is None else _begin_blob(size)

    def write(self, piece: bytes) -> None:
        """Take the next bytes. Raises StoreFull."""
        try:
            self._file.write(piece)
        except OSError as error:
            _check_room(error, self._name)
            raise
        self.size += len(piece)
        self.received += len(piece)
        if not self._workers and self.size >= _FROM:
            self._workers = [_Worker(), _Worker()]
        for at, digest in enumerate((self._sha256, self._blob)):
            if digest is not None and self._workers:
                self._workers[at].update(digest, piece)
            elif digest is not None:
                digest.update(piece)

    def sha256(self) -> str:
        """Return the SHA-256 of what came, in hex, once all that came is in the file. Raises StoreFull."""
        try:
            self._file.flush()
        except OSError as error:
            _check_room(error, self._name)
            raise
        self._wait()
        return self._sha256.hexdigest()

    def blob_id(self) -> str:
        """Return git's name for a blob of what came."""
        self._wait()
        if self._blob is None or self._wanted != self.size:
            self._blob = _begin_blob(self.size)
            self._file.seek(0)
            while piece := self._file.read(PIECE):
                self._blob.update(piece)
        return self._blob.hexdigest()

    def close(self) -> None:
        """End the threads."""
        for worker in self._workers:
            worker.close()
        self._workers = []

    def _wait(self) -> None:
        for worker in self._workers:
            worker.wait()


@contextmanager
def open_intake(target: Path) -> Iterator[Intake]:
    """Open a file for an object that is downloaded, emptied. Raises StoreFull."""
    try:
        with target.open("w+b") as file:
            intake = Intake(file, target.name)
            try:
                yield intake
            finally:
                intake.close()
    except OSError as error:  # of opening, or of closing, which writes what is left
        _check_room(error, target.name)
        raise


class _Worker:
    """A thread that updates digests, in the order of the calls."""

    def __init__(self) -> None:
        self._queue: Queue[tuple[_Digest, bytes] | None] = Queue(_WAITING)
        self._thread = Thread(target=self._run, name="hashing", daemon=True)
        self._thread.start()

    def update(self, digest: _Digest, piece: bytes) -> None:
        self._queue.put((digest, piece))

    def wait(self) -> None:
        """Wait until all updates are done."""
        self._queue.join()

    def close(self) -> None:
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (order := self._queue.get()) is not None:
            order[0].update(order[1])
            self._queue.task_done()


def _begin_blob(size: int) -> _Digest:
    digest = hashlib.sha1(usedforsecurity=False)
    digest.update(b"blob %d\0" % size)
    return digest


def _check_room(error: OSError, name: str) -> None:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        raise StoreFull(f"{name} has no room for a download; free local disk space; it is fetched again") from error
