"""One rclone mount of a folder, and everything that can happen to it."""

import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from fakes.mounts import guardian
from fakes.mounts.ground import Ground, find_rclone

from panini_daemon.storage.upload_flags import RcloneQueue

LIMIT = 30.0
"""Seconds for a mount to answer, on a loaded machine too."""


@dataclass(frozen=True, slots=True)
class Delays:
    """How late a mount is, in seconds: until it looks at a folder again, until it uploads what was written, and for
    how long the kernel believes what it was told.
    """

    dir_cache: float = 20.0
    write_back: float = 2.0
    attributes: float = 1.0
    cache_mode: str = "writes"

    @property
    def propagation(self) -> float:
        """How long a small change may take from one mount to another."""
        return self.dir_cache + self.write_back + self.attributes


class MountRefused(Exception):
    """rclone cannot mount here; the message has its own words."""


class Mount:
    """The folder `back` seen through FUSE at `point`, with a cache and a process of its own."""

    def __init__(self, ground: Ground, back: Path, name: str, delays: Delays) -> None:
        """Mount nothing yet."""
        self.point, self.name = ground.folder / name, name
        self.socket = ground.folder / f"{name}.sock"
        self._ground, self._back, self._delays = ground, back, delays
        self._cache, self._log = ground.folder / f"{name}-cache", ground.folder / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Mount, and wait until the folder answers. Raises MountRefused."""
        self.point.mkdir(exist_ok=True)
        self.socket.unlink(missing_ok=True)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **self._ground.environment},
                start_new_session=True,  # Ctrl-C is for whoever tests, who ends this one in its own time
            )
        deadline = time.monotonic() + LIMIT
        while not (self.point.is_mount() and self.socket.exists()):
            code = self._process.poll()
            if code is not None or time.monotonic() > deadline:
                state = f"ended with {code}" if code is not None else f"did not mount within {LIMIT:g} s"
                raise MountRefused(f"rclone {state}: {self._log.read_text()[-500:].strip()}")
            time.sleep(0.02)
        list(self.point.iterdir())  # it must answer, too

    def kill(self) -> None:
        """Kill rclone with -9: what was not uploaded stays in its cache, and the folder is dead (ENOTCONN)."""
        assert self._process is not None, "never started"
        self._process.kill()
        try:
            self._process.wait(guardian.PATIENCE)
        except subprocess.TimeoutExpired:  # it tells the kernel of a change in a folder locked by one who waits for it
            guardian.abort(self.point)
            self._process.wait(guardian.PATIENCE)

    def unmount(self) -> None:
        """Take the mount away although it may be in use: the folder is then an empty one."""
        guardian.unmount(self.point)

    def close(self) -> None:
        """End it, alive or dead."""
        if self._process is not None:
            self.kill()
            self.unmount()

    def remount(self, *, keep_cache: bool) -> None:
        """Mount again after a kill; without its cache, what was not uploaded is lost for good."""
        self.unmount()
        if not keep_cache:
            shutil.rmtree(self._cache)
        self.start()

    def suspend(self) -> None:
        """Stop rclone for a while: whoever touches the folder waits."""
        self._send(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a suspended rclone go on."""
        self._send(signal.SIGCONT)

    def has_uploaded(self) -> bool:
        """Tell whether everything that is seen through this mount has been uploaded."""
        files = [os.path.join(folder, name) for folder, _, names in os.walk(self.point) for name in names]  # noqa: PTH118
        return RcloneQueue(self.socket)(files) is True

    def _send(self, number: int) -> None:
        assert self._process is not None, "never started"
        self._process.send_signal(number)

    def _command(self) -> list[str]:
        rclone = find_rclone()
        assert rclone is not None, "look at why_no_mounts first"
        options = {
            "vfs-cache-mode": self._delays.cache_mode,
            "dir-cache-time": f"{self._delays.dir_cache}s",
            "attr-timeout": f"{self._delays.attributes}s",
            "vfs-write-back": f"{self._delays.write_back}s",
            "cache-dir": str(self._cache),
            "rc-addr": f"unix://{self.socket}",
            "config": "/dev/null",
        }
        return [
            str(rclone),
            "mount",
            str(self._back),
            str(self.point),
            "--rc",
            *(f"--{name}={value}" for name, value in options.items()),
        ]
