"""Reading of small files from outside: never more than their bound, and never a file of another kind."""

from os import SEEK_END

from panini_daemon.storage.errors import ManifestUnreadable, NotFound, StoreReadOnly, UnsafeName
from panini_daemon.storage.json_input import check_size
from panini_daemon.storage.store import Stat, Store


def stat_file(store: Store, path: str) -> Stat:
    """Tell the size and stamp of a plain file. Raises NotFound, UnsafeName for a link or device."""
    found = store.stat(path)
    if found.kind == "folder":
        raise NotFound(f"{path} is a folder; expected a file; remove it")
    if found.kind == "other":
        raise UnsafeName(f"{path} is a link or device; expected a plain file; upload the file itself")
    return found


def stamp_of(store: Store, path: str) -> tuple[int, int] | None:
    """Return what changes when a file does, None where it is not there."""
    try:
        found = store.stat(path)
    except NotFound:
        return None
    return (found.size, found.stamp)


def read_bounded(store: Store, path: str, limit: int) -> bytes:
    """Return the content of a JSON file of at most `limit` bytes.

    Raises NotFound, UnsafeName, ManifestInvalid where it is larger, ManifestUnreadable where this user may
    not read it (yet).
    """
    try:
        with store.open(path) as file:
            # Asked first: of a file that is far too large not even `limit` bytes are read.
            check_size(file.seek(0, SEEK_END), path, limit)
            file.seek(0)
            data = file.read(limit + 1)
    except StoreReadOnly as error:
        raise ManifestUnreadable(f"{path} cannot be read: {error}") from error
    check_size(len(data), path, limit)
    return data


def holds(store: Store, path: str, data: bytes) -> bool:
    """Tell whether a file has this content, or none that could be read where `data` is empty; or is not there."""
    try:
        with store.open(path) as file:
            return not data or file.read(len(data) + 1) == data
    except NotFound:
        return True
    except (UnsafeName, StoreReadOnly):
        return not data
