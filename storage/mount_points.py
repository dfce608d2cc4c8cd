"""Whether an empty place on a shared folder is new, or a mount point whose mount is not there."""

from pathlib import Path

from panini_daemon.storage.os_errors import storage_error


def may_be_new(root: Path, *, remote: bool) -> bool:
    """Tell whether a tree may be made at `root`, a folder that others share; `remote`: it surely lies on their mount.

    Before it is mounted, a mount point is an empty folder on the local disk. A tree made there would be nobody else's,
    would hide jobs that wait in the real one, and would keep the mount from being mounted. So where the kind of mount
    tells nothing, the folder that a tree is made in must be mounted itself or hold something. Raises StorageError.
    """
    try:
        place = root if root.is_dir() else root.parent
        return place.is_dir() and (remote or place.is_mount() or any(place.iterdir()))
    except OSError as error:
        raise storage_error(error, "") from error
