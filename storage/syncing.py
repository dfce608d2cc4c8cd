"""Getting bytes from memory onto the medium."""

import ctypes
import errno
import os

_CANNOT = {errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EACCES, errno.EBADF}
"""What file systems answer that cannot sync a folder, as many on FUSE."""


def sync_path(full: str) -> None:
    """Sync one file or folder. A file system that cannot sync folders has no more to give than the file's own sync."""
    descriptor = os.open(full, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _CANNOT:
            raise
    finally:
        os.close(descriptor)


def sync_file_system(folder: str) -> None:
    """Sync all of the file system that `folder` is on, and wait for it: syncfs(2), which reports errors."""
    library = ctypes.CDLL(None, use_errno=True)
    if not hasattr(library, "syncfs"):  # not Linux
        os.sync()
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if library.syncfs(descriptor) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), folder)
    finally:
        os.close(descriptor)
