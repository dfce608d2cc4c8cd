"""Real daemon processes on a tree of their own: every wait has a limit, and nothing stays alive at the end."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from panini_daemon.compressors import Device, Registry
from panini_daemon.reader import Reader
from panini_daemon.restoration import restore_file
from panini_daemon.storage.clock import SystemClock
from panini_daemon.storage.local import LocalStore
from panini_daemon.storage.root import open_root
from panini_daemon.storage.submission import submit

LIMIT = 60.0
"""Seconds after which a wait is a failure, on a loaded machine too."""

SETTINGS = {
    "device": "cpu",
    "level": "fast",
    "cpu_workers": "1",
    "status_interval": "1s",
    "lease_refresh": "500ms",
    "lease_stale": "3s",
    "retry_delay": "100ms",
    "retry_delay_max": "500ms",
}


class Site:
    """A folder with a tree in `root`, and the daemons that were started on it, wherever they see it."""

    def __init__(self, folder: Path, tree: Path | None = None, **settings: str) -> None:
        self.folder, self.root = folder, tree or folder / "root"
        self.environment: dict[str, str] = {}
        self.unread = False
        """Whether nobody reads what the daemons say on standard error."""
        self._settings = {**SETTINGS, "root": str(self.root), "spool": str(folder / "spool"), **settings}
        self._started: list[Daemon] = []
        self.submitted: dict[str, bytes] = {}
        self.jobs: dict[str, str] = {}
        """The id of each base's job."""

    @property
    def started(self) -> "Sequence[Daemon]":
        """Every daemon that was started here, the dead too."""
        return self._started

    @property
    def store(self) -> LocalStore:
        """The tree, made where it is not there."""
        store = LocalStore(self.root)
        open_root(store, create=True, clock=SystemClock())
        return store

    def submit(self, base: str, data: bytes, **options: Any) -> None:
        """Put a job into the inbox."""
        path = self.folder / "submitted.bin"
        path.write_bytes(data)
        (told,) = submit(self.store, [path], clock=SystemClock(), base=base, **options)
        self.submitted[base], self.jobs[base] = data, told.job_id

    def start(self, *arguments: str, worker: str = "w1", **settings: str) -> "Daemon":
        """Start a daemon; without arguments as `python -m panini_daemon` alone."""
        merged = {**self._settings, "worker": worker, **settings}
        environment = {
            **{name: value for name, value in os.environ.items() if not _is_setting(name)},
            **{f"PANINI_{name.upper()}": value for name, value in merged.items()},
            **self.environment,
        }
        self._started.append(Daemon(self, arguments, environment, worker, len(self._started)))
        return self._started[-1]

    def start_idle(self, worker: str = "w1", **settings: str) -> "Daemon":
        """Start a daemon and wait until it looks at the inbox."""
        daemon = self.start(worker=worker, **settings)
        daemon.wait_for_state("idle")
        return daemon

    def run_once(self, *arguments: str, **options: str) -> "Daemon":
        """Run a daemon until the inbox is empty."""
        daemon = self.start("run", "--once", *arguments, **options)
        daemon.wait()
        return daemon

    def names(self, folder: str) -> list[str]:
        """Return the sorted names in a folder of the tree; what is being written does not count."""
        return sorted(path.name for path in (self.root / folder).iterdir() if not path.name.startswith("."))

    def events(self, worker: str = "*") -> list[dict[str, Any]]:
        """Return the log lines of one worker, or of all."""
        files = sorted((self.root / "logs").glob(f"{worker}.jsonl*"))
        return [json.loads(line) for file in files for line in file.read_text().splitlines()]

    def status(self, worker: str = "w1") -> dict[str, Any]:
        """Return what the worker last said of itself."""
        status: dict[str, Any] = json.loads((self.root / "status" / f"{worker}.json").read_text())
        return status

    def restored(self, base: str) -> bytes:
        """Rebuild a file from the tree."""
        target = self.folder / "restored.bin"
        restore_file(Reader(LocalStore(self.root), Registry(), Device()), f"compressed_chunks/{base}", target)
        return target.read_bytes()

    def assert_all_restore(self) -> None:
        """Compare every submitted file with what the tree gives back."""
        for base, data in self.submitted.items():
            assert self.restored(base) == data, base

    def assert_nothing_left(self) -> None:
        """Demand that nobody holds a lease and that no process of this site is alive."""
        assert self.names("leases") == []
        wait_until(lambda: not self.alive(), "every process of this site to end", 10)

    def alive(self) -> list[int]:
        """Return the ids of the living processes that were started here, compute processes among them."""
        mark = f"PANINI_SPOOL={self._settings['spool']}".encode()
        found = []
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit() and int(folder.name) != os.getpid():
                try:
                    environment = (folder / "environ").read_bytes()  # of a zombie it is empty
                except OSError:
                    continue
                if mark in environment:
                    found.append(int(folder.name))
        return found

    def close(self) -> None:
        """Kill what is left."""
        for daemon in self._started:
            daemon.kill()
        for pid in self.alive():
            os.kill(pid, signal.SIGKILL)


class Daemon:
    """One daemon process; its two outputs go to files, so that no pipe fills."""

    def __init__(
        self, site: Site, arguments: tuple[str, ...], environment: Mapping[str, str], worker: str, number: int
    ) -> None:
        self.worker, self._site = worker, site
        self._out, self._err = (site.folder / f"{name}-{number}.txt" for name in ("out", "err"))
        with self._out.open("wb") as out, _unread_pipe() if site.unread else self._err.open("wb") as err:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "panini_daemon", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env=dict(environment),
                cwd=site.folder,
            )
        self.pid = self._process.pid

    @property
    def out(self) -> str:
        """Standard output so far."""
        return self._out.read_text()

    @property
    def err(self) -> str:
        """Standard error so far."""
        return self._err.read_text()

    def wait(self, seconds: float = LIMIT) -> int:
        """Wait for the end; return the exit status."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {seconds} s; it said:\n{self.err[-2000:]}") from None

    def wait_for_text(self, text: str, seconds: float = LIMIT) -> None:
        """Wait until standard error has `text`."""
        self._wait_until(lambda: text in self.err, f"{text!r} on standard error", seconds)

    def wait_for_state(self, state: str, seconds: float = LIMIT) -> None:
        """Wait until the status file, written by this very process, says `state`."""
        self.wait_for_text("started")
        begin = time.time()

        def reached() -> bool:
            path = self._site.root / "status" / f"{self.worker}.json"
            return path.exists() and path.stat().st_mtime >= begin and self._site.status(self.worker)["state"] == state

        self._wait_until(reached, f"state {state!r}", seconds)

    def wait_until(self, condition: Callable[[], object], what: str, seconds: float = LIMIT) -> float:
        """Wait while the process lives; return how many seconds it took."""
        return self._wait_until(condition, what, seconds)

    def send(self, number: int) -> None:
        """Send a signal."""
        self._process.send_signal(number)

    def stop(self, number: int = signal.SIGTERM) -> float:
        """End it with one signal; return how many seconds it took to end well."""
        begin = time.monotonic()
        self.send(number)
        code = self.wait()
        assert code == 0, self.err[-2000:]
        return time.monotonic() - begin

    def is_alive(self) -> bool:
        """Tell whether it runs."""
        return self._process.poll() is None

    def kill(self) -> None:
        """Kill and reap it, whatever it does."""
        self._process.kill()
        self._process.wait()

    def cpu_seconds(self) -> float:
        """Return the processor time that it has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _wait_until(self, condition: Callable[[], object], what: str, seconds: float) -> float:
        def check() -> bool:
            if condition():
                return True
            code = self._process.poll()
            assert code is None, f"ended with {code} before {what}; it said:\n{self.err[-2000:]}"
            return False

        try:
            return wait_until(check, what, seconds)
        except TimeoutError as error:
            raise AssertionError(f"{error}; it said:\n{self.err[-2000:]}") from None


def _unread_pipe() -> BinaryIO:
    reading, writing = os.pipe()
    os.close(reading)
    return os.fdopen(writing, "wb")


def wait_until(condition: Callable[[], object], what: str, seconds: float = LIMIT) -> float:
    """Look again and again; return how many seconds it took. Raises TimeoutError."""
    begin = time.monotonic()
    while not condition():
        if time.monotonic() - begin > seconds:
            raise TimeoutError(f"waited {seconds} s in vain for {what}")
        time.sleep(0.01)
    return time.monotonic() - begin


def _is_setting(name: str) -> bool:
    return name.startswith("PANINI_") or name == "GITHUB_TOKEN"
