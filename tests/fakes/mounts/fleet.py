"""Daemons that share one tree, each seeing it through a mount: submitting, starting, waiting, and the end."""

import itertools
import os
import random
import re
import string
import time
from collections import Counter
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

from fakes.daemon_process import Daemon, Site
from fakes.mounts.ground import Ground
from fakes.mounts.inspection import find_leases, find_problems, is_finished
from fakes.mounts.mount import Delays, Mount

TREE = "PaniniFS"
_COMMITTED = re.compile(r"^\S+ \[\w+\s*\] chunk_committed\b(?P<rest>.*)$", re.MULTILINE)
_CHUNK = re.compile(r"\bchunk=(\S+)")
_WORDS = tuple(string.ascii_lowercase[at : at + 1 + at % 7] for at in range(26))


def settings_for(delays: Delays) -> dict[str, str]:
    """Return the daemon's settings that suit mounts as late as these."""
    settle = 1.15 * delays.propagation
    refresh = settle / 4
    stop = 2 * settle
    return {
        "lease_settle": f"{settle}s",
        "lease_refresh": f"{refresh}s",
        "lease_stop": f"{stop}s",
        "lease_stale": f"{stop + 1.2 * settle}s",
        "removal_delay": f"{settle}s",
        "poll_max": f"{max(delays.dir_cache / 4, 0.5)}s",
    }


class Fleet:
    """A tree behind `mounts` mounts, and daemons on them. Jobs come from behind, as from another machine.

    With `asking` the daemons ask rclone what it has uploaded, instead of waiting for as long as that may take.
    """

    def __init__(self, ground: Ground, delays: Delays, *, mounts: int, asking: bool = False, **settings: str) -> None:
        """Mount everything. Raises MountRefused."""
        back = ground.folder / "back"
        back.mkdir()
        self.site = Site(ground.folder, back / TREE, **{**settings_for(delays), **settings})
        self.site.environment |= ground.environment
        self.mounts = [Mount(ground, back, f"mount-{number}", delays) for number in range(mounts)]
        self._asking = asking
        self._places: dict[str, Mount] = {}
        self._living: dict[str, Daemon] = {}
        for mount in self.mounts:
            mount.start()

    @property
    def living(self) -> Mapping[str, Daemon]:
        """The daemons that were neither killed nor stopped, by worker."""
        return self._living

    def submit_many(self, chunks: int, *, each: int, size: int, seed: int) -> None:
        """Put jobs of `each` chunks of `size` bytes of text into the inbox, until there are `chunks` of this `seed`."""
        content = random.Random(seed)
        for first in range(0, chunks, each):
            count = min(each, chunks - first)
            self.site.submit(f"file-{seed}-{first:05d}.txt", make_text(content, count * size), chunk_size=size)

    def start(self, worker: str, mount: Mount, **settings: str) -> Daemon:
        """Start a daemon on a mount, with a spool of its own as on a machine of its own."""
        place = {"root": os.fspath(mount.point / TREE), "spool": os.fspath(self.site.folder / "spool" / worker)}
        if self._asking:
            place["rclone_socket"] = os.fspath(mount.socket)
        self._places[worker] = mount
        self._living[worker] = self.site.start("run", worker=worker, **{**place, **settings})
        return self._living[worker]

    def kill(self, worker: str) -> Mount:
        """Kill a daemon with -9; return its mount."""
        self._living.pop(worker).kill()
        return self._places[worker]

    def wait_until(self, condition: Callable[[], object], what: str, seconds: float) -> float:
        """Wait while every daemon lives; return how many seconds it took."""
        begin = time.monotonic()
        while not condition():
            for worker, daemon in self._living.items():
                assert daemon.is_alive(), f"{worker} ended before {what}; it said:\n{daemon.err[-2000:]}"
            assert time.monotonic() - begin < seconds, f"waited {seconds:g} s in vain for {what}; {self._describe()}"
            time.sleep(0.05)
        return time.monotonic() - begin

    def wait_until_finished(self, seconds: float) -> float:
        """Wait until every job has its receipt behind the mounts and the inbox is empty; return how many seconds.

        Then wait until dead workers' leases are swept, too.
        """
        took = self.wait_until(lambda: is_finished(self.site), "every job's receipt", seconds)
        self.wait_until(lambda: not find_leases(self.site), "the last lease to go", seconds)
        return took

    def end(self, seconds: float = 60.0) -> list[str]:
        """Stop every daemon, let the mounts upload what they have, and return what is wrong behind them."""
        for worker in list(self._living):
            self._living.pop(worker).stop()
        for mount in self.mounts:
            self.wait_until(mount.has_uploaded, f"{mount.name} to upload everything", seconds)
        return find_problems(self.site)

    def commits(self, *, made_again: bool = False) -> Counter[str]:
        """Count, by chunk, the commits that the daemons told of on standard error, where nothing is lost by a kill.

        A commit from a payload that was kept cost no compression; it counts only with `made_again`.
        """
        lines = (found["rest"] for daemon in self.site.started for found in _COMMITTED.finditer(daemon.err))
        return Counter(
            chunk[1] for line in lines if (made_again or "kept=True" not in line) and (chunk := _CHUNK.search(line))
        )

    def close(self) -> None:
        """Kill what still runs, and take the mounts down."""
        self.site.close()
        for mount in self.mounts:
            mount.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _describe(self) -> str:
        said = "\n".join(f"{worker}: {daemon.err[-700:]}" for worker, daemon in self._living.items())
        names = {folder: self.site.names(folder)[:8] for folder in ("inbox", "leases", "failed")}
        return f"behind the mounts there is {names}; the daemons said:\n{said}"


def make_text(content: random.Random, size: int) -> bytes:
    """Return `size` bytes of words, other ones at every call."""
    words = itertools.starmap(content.choice, itertools.repeat((_WORDS,), size // 3 + 1))
    return " ".join(words).encode()[:size]
