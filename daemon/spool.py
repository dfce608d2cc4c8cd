"""A local working folder: fetched chunks and payloads on their way to the tree."""

import contextlib
import fcntl
import itertools
import os
import queue
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

from panini_daemon.errors import SpoolUnavailable

_LOCK = "lock"
_SMALL = 1 << 20


@dataclass(frozen=True, slots=True)
class Place:
    """Room for one chunk: where its bytes and its payload go."""

    original: Path
    payload: Path


class Spool:
    """One process's own sub-folder of `parent`. It holds nothing that the tree does not hold too.

    Sub-folders of processes that died are removed at the start: a locked file tells the living from the dead.
    """

    def __init__(self, parent: Path) -> None:
        """Make the folder. Raises SpoolUnavailable."""
        self.parent = parent
        try:
            parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            sweep(parent)
            self._folder, self._lock = _make_folder(parent)
        except OSError as error:
            raise unavailable(parent, error) from error
        self._numbers = itertools.count()
        self._free: queue.LifoQueue[Place] = queue.LifoQueue()

    @contextlib.contextmanager
    def places(self, count: int) -> Iterator[list[Place]]:
        """Lend room for `count` chunks; the files may hold what was there before.

        They are used again rather than deleted: file systems take their time to make a file where many were
        deleted a moment ago. Large ones are emptied when the block ends.
        """
        places = [self._take() for _ in range(count)]
        try:
            yield places
        finally:
            for place in places:
                _empty(place.original)
                _empty(place.payload)
                self._free.put(place)

    def _take(self) -> Place:
        try:
            return self._free.get_nowait()
        except queue.Empty:
            number = next(self._numbers)
            return Place(self._folder / f"{number}.in", self._folder / f"{number}.out")

    def close(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._lock.close()

    def __enter__(self) -> Self:
        """Use the spool in a with statement."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()


def _empty(path: Path) -> None:
    with contextlib.suppress(OSError):  # not written, or about to be written over
        if path.stat().st_size > _SMALL:
            os.truncate(path, 0)


def _make_folder(parent: Path) -> tuple[Path, BinaryIO]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix="worker-", dir=parent))
        lock = (folder / _LOCK).open("wb")
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (folder / _LOCK).exists():  # else a sweep came between making the folder and locking it
            return folder, lock
        lock.close()


def sweep(parent: Path) -> None:
    """Remove the folders of processes that are gone."""
    for folder in parent.glob("worker-*"):
        try:
            with (folder / _LOCK).open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:  # alive, being made, or another user's: not ours to remove
            continue


def unavailable(path: Path, error: OSError) -> SpoolUnavailable:
    """Turn an OSError on the local working folder into the typed error."""
    return SpoolUnavailable(
        f"the working folder {path} cannot be used ({error.strerror}): free local disk space, or set `spool` to "
        "a folder on a disk with room"
    )
