"""Clears a folder with mounts: kills who works there, unmounts, deletes.

Run as a process, it does so once standard input ends, which is when whoever started it ended, by whatever death.
It imports nothing of its neighbours, so that it starts quickly.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

MARK = "MOUNT_GROUND"
"""The environment variable that says of a process to which folder it belongs."""
PATIENCE = 10.0
"""Seconds for killed processes to go and for mounts to be taken down."""


def clear(folder: Path) -> bool:
    """Kill, unmount and delete what is below `folder`; False where something is still mounted there."""
    deadline = time.monotonic() + PATIENCE
    while (living := find_processes(folder)) and time.monotonic() < deadline:
        for pid in living:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)
    while (points := find_mounts(folder)) and time.monotonic() < deadline:
        for point in points:
            unmount(point)
    if find_mounts(folder):
        return False  # deleting now would delete through the mount
    shutil.rmtree(folder, ignore_errors=True)
    return True


def find_processes(folder: Path) -> list[int]:
    """Return the living processes that say of themselves that they belong to `folder`."""
    mark, found = f"{MARK}={folder}\0".encode(), []
    for place in Path("/proc").iterdir():
        if place.name.isdigit() and int(place.name) != os.getpid():
            with contextlib.suppress(OSError):  # it has ended meanwhile
                if mark in (place / "environ").read_bytes() + b"\0":  # empty for a zombie
                    found.append(int(place.name))
    return found


def find_mounts(folder: Path) -> list[Path]:
    """Return the mount points below `folder`, dead ones included; /proc/mounts tells of those without touching them."""
    lines = Path("/proc/mounts").read_text(encoding="utf-8").splitlines()
    points = [Path(line.split(" ")[1]) for line in lines]
    return [point for point in points if point.is_relative_to(folder)]


def unmount(point: Path) -> None:
    """Take a mount down although it may be dead or in use; no error where there is none."""
    for command in (["fusermount3", "-u", "-z", str(point)], ["umount", "-l", str(point)]):
        with contextlib.suppress(OSError):
            if subprocess.run(command, capture_output=True, timeout=PATIENCE, check=False).returncode == 0:
                return


def abort(point: Path) -> None:
    """End what the kernel and a mount's process still want of each other: who waits for it gets an error."""
    with contextlib.suppress(OSError):
        subprocess.run(["umount", "-f", str(point)], capture_output=True, timeout=PATIENCE, check=False)


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.stdin.buffer.read()
    sys.exit(0 if clear(Path(sys.argv[1])) else 1)
