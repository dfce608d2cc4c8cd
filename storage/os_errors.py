"""What an operating system's error on a path of the tree means to the user: one table."""

import errno

from panini_daemon.storage.errors import (
    NotFound,
    StorageError,
    StoreFull,
    StoreReadOnly,
    StoreUnavailable,
    UnsafeName,
)

_ABSENT = (NotFound, "check the name, or wait if it is still arriving")
_GONE = (StoreUnavailable, "check the mount and the network; the operation is tried again")
_FULL = (StoreFull, "free space or quota; the work is done again")
_CLOSED = (StoreReadOnly, "give this user write permission or choose another root")
_BAD = (UnsafeName, "rename or remove what stands there")

_MEANING: dict[int, tuple[type[StorageError], str]] = {
    errno.ENOENT: _ABSENT,
    errno.ENOTCONN: _GONE,
    errno.EIO: _GONE,
    errno.ESTALE: _GONE,
    errno.ETIMEDOUT: _GONE,
    errno.EHOSTDOWN: _GONE,
    errno.ENODEV: _GONE,
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EROFS: _CLOSED,
    errno.EACCES: _CLOSED,
    errno.EPERM: _CLOSED,
    errno.ELOOP: _BAD,
    errno.ENAMETOOLONG: _BAD,
    errno.ENXIO: _BAD,
    errno.ENOTDIR: _BAD,
    errno.EISDIR: _BAD,
    errno.ENOTEMPTY: _BAD,
    errno.EEXIST: _BAD,
}


def storage_error(error: OSError, path: str) -> StorageError:
    """Return the storage error that `error` on `path` means, with what to do about it.

    An error that is not in the table counts as an outage: it is tried again and never taken for absence.
    """
    kind, remedy = _MEANING.get(error.errno or 0, _GONE)
    name = errno.errorcode.get(error.errno or 0, "no error number")
    return kind(f"{path or 'the root'}: {error.strerror or error} ({name}); {remedy}")
