"""From a store path to a full path in a local folder, with no link on the way."""

# ruff: noqa: PTH103, PTH112
import contextlib
import os
import time
from collections.abc import Callable
from stat import S_ISLNK

from panini_daemon.storage.errors import UnsafeName
from panini_daemon.storage.names import split_path

_TRUSTED_SECONDS = 1.0
_MOST = 4096


class Paths:
    """Finds places below `root`. A folder that was seen to be one is believed to stay one for a second.

    `before_making` is asked before a folder is made; it raises where the root is not what it was.
    """

    def __init__(self, root: str, before_making: Callable[[], None]) -> None:
        self._root = root
        self._before_making = before_making
        self._seen: dict[str, float] = {}

    def find(self, path: str) -> str:
        """Return the full path of what may be there. Raises UnsafeName for a link among its folders, OSError."""
        full, now = self._root, time.monotonic()
        segments = split_path(path)
        for segment in segments[:-1]:
            full = f"{full}/{segment}"
            if not self._is_trusted(full, now):
                self._demand_no_link(full, path)
                self._trust(full, now)
        return f"{full}/{segments[-1]}" if segments else full

    def place(self, path: str) -> str:
        """Return the full path of a file to be written; make its folders. Raises UnsafeName for links, OSError."""
        full, now = self._root, time.monotonic()
        segments = split_path(path)
        if not segments:
            raise UnsafeName("the root itself is a folder; expected the path of a file in it")
        if len(segments) == 1 and not os.path.isdir(full):
            self._make(full)
        for segment in segments[:-1]:
            full = f"{full}/{segment}"
            if self._is_trusted(full, now):
                continue
            try:
                self._demand_no_link(full, path)
            except FileNotFoundError:
                self._make(full)
            self._trust(full, now)
        full = f"{full}/{segments[-1]}"
        with contextlib.suppress(FileNotFoundError):
            self._demand_no_link(full, path)
        return full

    def forget(self) -> None:
        """Trust no folder any more: one was deleted or moved."""
        self._seen.clear()

    def _is_trusted(self, full: str, now: float) -> bool:
        seen = self._seen.get(full)
        return seen is not None and now - seen < _TRUSTED_SECONDS

    def _trust(self, full: str, now: float) -> None:
        if len(self._seen) >= _MOST:
            self._seen.clear()
        self._seen[full] = now

    def _make(self, full: str) -> None:
        self._before_making()
        os.makedirs(full, exist_ok=True)

    def _demand_no_link(self, full: str, path: str) -> None:
        if S_ISLNK(os.lstat(full).st_mode):
            raise link_error(path)


def link_error(path: str) -> UnsafeName:
    """Return the error for a symbolic link where none may be."""
    return UnsafeName(f"{path}: a symbolic link stands in the path; expected plain files and folders; remove the link")
