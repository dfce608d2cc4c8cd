"""Whether what was written on a mount has been uploaded, where the mount tells.

Two kinds are known. Google's own mount gives a file the extended attribute `user.drive.id`, which begins with `local`
until the file has been uploaded for the first time; it says nothing of later versions, so it can only tell that a
file has *not* arrived. rclone answers over its remote control (`rclone mount --rc --rc-addr unix:///...`) with the
queue of its write-back cache: what is not in it has arrived (rclone's manual, `vfs/queue`).
"""

import http.client
import json
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from panini_daemon.storage.errors import StoreUnavailable

Flags = Callable[[Sequence[str]], bool | None]
"""Given full paths, tells whether all have been uploaded (True) or one has not (False); None where nothing tells."""

_DRIVE_ID = "user.drive.id"
_TIMEOUT = 10.0
_MAX_ANSWER = 64 << 20
_NO_ANSWER = (OSError, http.client.HTTPException, ValueError, LookupError, TypeError, RecursionError)


def read_drive_ids(paths: Sequence[str]) -> bool | None:
    """Return False where Google's mount says that one of the files is only on this machine so far."""
    for path in paths:
        try:
            found = os.getxattr(path, _DRIVE_ID)
        except (OSError, AttributeError):  # no such attribute, no such file, not Linux
            continue
        if found.startswith(b"local"):
            return False
    return None


class RcloneQueue:
    """Asks an rclone mount on this machine, through the Unix socket of its remote control."""

    def __init__(self, address: Path) -> None:
        """Ask nothing yet."""
        self._address = address

    def __call__(self, paths: Sequence[str]) -> bool | None:
        """Tell whether none of the files waits for its upload.

        A name in the queue is relative to a mount point that rclone does not tell: a path that ends in it counts as
        waiting. Raises StoreUnavailable where rclone does not answer: then nothing is known of its queue.
        """
        waiting = {f"/{name}" for name in self._list()}
        return not any(path.endswith(name) for path in paths for name in waiting)

    def delay(self) -> float:
        """Return how many seconds the mount may take to show what another one like it wrote, its upload apart.

        Raises StoreUnavailable.
        """
        try:
            options = [self._call("vfs/stats", {"fs": mount})["opt"] for mount in self._call("vfs/list", {})["vfses"]]
            return max(_read_nanoseconds(option) for option in options) / 1e9
        except _NO_ANSWER as error:
            raise self._unavailable(error) from error

    def _list(self) -> Iterator[str]:
        try:
            for mount in self._call("vfs/list", {})["vfses"]:
                for entry in self._call("vfs/queue", {"fs": mount})["queue"]:
                    yield str(entry["name"])
        except _NO_ANSWER as error:
            raise self._unavailable(error) from error

    def _unavailable(self, error: Exception) -> StoreUnavailable:
        return StoreUnavailable(
            f"rclone does not answer at {self._address} as it should ({type(error).__name__}: {error}); expected the "
            "socket of a running `rclone mount --rc --rc-addr unix://...`; start it, or unset rclone_socket"
        )

    def _call(self, command: str, fields: dict[str, str]) -> Any:
        connection = _UnixConnection(self._address)
        try:
            connection.request("POST", f"/{command}", json.dumps(fields), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            data = answer.read(_MAX_ANSWER)
        finally:
            connection.close()
        if answer.status != 200:
            raise ValueError(f"{command} was answered with status {answer.status}: {data[:200]!r}")
        return json.loads(data)


def _read_nanoseconds(option: Any) -> int:
    found = [option[name] for name in ("DirCacheTime", "WriteBack")]
    if any(type(time) is not int or not 0 <= time < 1 << 63 for time in found):
        raise ValueError(f"DirCacheTime and WriteBack are {found!r:.200}; expected nanoseconds")
    return sum(found)


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, address: Path) -> None:
        super().__init__("localhost", timeout=_TIMEOUT)
        self._address = address

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(os.fspath(self._address))
