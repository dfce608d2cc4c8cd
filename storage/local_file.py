"""Files of the tree opened for streaming, which raise storage errors."""

import errno
import io
import os
from stat import S_ISDIR, S_ISREG
from typing import TYPE_CHECKING, BinaryIO

from panini_daemon.storage.errors import NotFound, UnsafeName
from panini_daemon.storage.os_errors import storage_error

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

# Without O_NONBLOCK, opening a pipe that somebody put there would wait for ever.
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_BUFFER = 1 << 16


def open_file(full: str, path: str) -> BinaryIO:
    """Open the regular file `full` for reading; `path` is its name in the tree.

    Raises OSError, NotFound for a folder and UnsafeName for a link, pipe or device.
    """
    try:
        descriptor = os.open(full, _FLAGS)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):
            raise _special(path) from error
        raise
    try:
        _demand_file(os.fstat(descriptor).st_mode, path)
        return io.BufferedReader(_TreeFile(descriptor, path), _BUFFER)
    except BaseException:
        os.close(descriptor)
        raise


class _TreeFile(io.FileIO):
    """A file on a mount that may go away between two reads."""

    def __init__(self, descriptor: int, path: str) -> None:
        super().__init__(descriptor, "rb")
        self._path = path

    def readinto(self, buffer: "WriteableBuffer", /) -> int | None:
        try:
            return super().readinto(buffer)
        except OSError as error:
            raise storage_error(error, self._path) from error

    def readall(self) -> bytes:
        try:
            return super().readall()
        except OSError as error:
            raise storage_error(error, self._path) from error

    def close(self) -> None:
        try:
            super().close()
        except OSError as error:  # a mount may check only now what it gave, and find that it was no whole file
            raise storage_error(error, self._path) from error


def _demand_file(mode: int, path: str) -> None:
    if S_ISDIR(mode):
        raise NotFound(f"{path} is a folder; expected a file; check the name")
    if not S_ISREG(mode):
        raise _special(path)


def _special(path: str) -> UnsafeName:
    return UnsafeName(f"{path} is a link, pipe or device; expected a plain file; remove it")
