"""Processes over a disk of the test's making: senders and workers that live, die and are followed by others."""

import contextlib
import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

from fakes.bench import Bench
from fakes.clock import FakeClock
from fakes.crash_checks import check_always, check_over, registry
from fakes.crash_disk import CrashDisk
from fakes.crash_scenes import Scene
from fakes.inline_compute import InlineCompute
from fakes.wire import Dead, Position, Trouble, Wire

from panini_daemon.storage.errors import StorageError
from panini_daemon.storage.root import open_root

ROUNDS = 1000
SWEEPS, SWEEP_EVERY = 4, 601.0


class Run:
    """One delivery and what becomes of it, on one disk and under one clock."""

    _numbers = itertools.count()

    def __init__(self, scene: Scene, folder: Path, *, atomic: bool = True) -> None:
        self.scene, self.clock = scene, FakeClock()
        self.folder = folder / f"run-{next(self._numbers)}"
        self.folder.mkdir()
        self.disk = CrashDisk(atomic=atomic)
        open_root(self.disk, create=True, clock=self.clock, new_id=lambda: "root")
        self.disk.settle()
        self.manifests: frozenset[bytes] = frozenset()
        self.torn = False

    def on(self, disk: CrashDisk) -> "Run":
        """Return the same run on another disk."""
        other = Run(self.scene, self.folder)
        other.disk, other.manifests, other.torn = disk, self.manifests, self.torn
        other.clock.advance(self.clock.monotonic() - other.clock.monotonic())
        return other

    def send(self, cut: Position | None = None) -> Wire:
        """Let the sender do its work, up to where it dies."""
        wire = Wire(self.disk, cut=cut)
        with contextlib.suppress(Dead):
            self.scene.send(wire, self.folder)
        self.torn |= wire.dead
        if not wire.dead:
            told = {path: data for path, data in self.disk.files.items() if path.endswith(".json") and "inbox/" in path}
            manifests = {data for path, data in told.items() if not path.endswith("/metadata.json")}
            self.manifests = frozenset(manifests or told.values())
        return wire

    @contextlib.contextmanager
    def worker(self, name: str, wire: Wire, **options: object) -> Iterator[Bench]:
        """Lend a worker that has just started; raises what its start raises."""
        home = self.folder / name
        home.mkdir(exist_ok=True)
        bench = Bench(
            home,
            wire,  # type: ignore[arg-type]
            self.clock,
            name,
            inline=True,
            compute=InlineCompute(registry()),
            removal_delay=self.scene.removal_delay,
            **{"solid": self.scene.solid, **options},
        )
        try:
            bench.leases.recover()
            bench.service.notice()
            yield bench
        finally:
            bench.spool.close()

    def work(
        self, name: str = "w1", *, cut: Position | None = None, trouble: Trouble | None = None, **options: object
    ) -> Wire:
        """Let a worker live until nothing is left to do, it ends, or it dies."""
        wire = Wire(self.disk, cut=cut, trouble=trouble)
        with contextlib.suppress(Dead), self.worker(name, wire, **options) as bench:
            live(bench)
        return wire

    def recover(self, name: str = "w1") -> None:
        """Let another worker, or the same one again, do what is left, and stay long enough to tidy up."""
        with self.worker(name, Wire(self.disk)) as bench:
            live(bench, tidy=True)

    def check_always(self) -> None:
        """Require what must hold at any moment."""
        check_always(self.scene, self.disk, self.manifests, torn=self.torn)

    def check_over(self) -> None:
        """Require what must hold at the end."""
        check_over(self.scene, self.disk, torn=self.torn)

    def close(self) -> None:
        """Remove what lies on the local disk."""
        shutil.rmtree(self.folder)


def live(bench: Bench, *, tidy: bool = False) -> None:
    """Let a worker go on until it has nothing left to do, then end it cleanly; with `tidy`, not before it swept."""
    for _ in range(ROUNDS):
        one_round(bench)
        if bench.service.finished:
            for _ in range(SWEEPS if tidy else 0):
                bench.clock.advance(SWEEP_EVERY)
                one_round(bench)
            bench.close()
            return
    raise AssertionError(f"not finished after {ROUNDS} rounds: {bench.screen.getvalue()[-3000:]}")


def one_round(bench: Bench) -> None:
    """Do what a worker does between two looks at the clock."""
    bench.round()
    with contextlib.suppress(StorageError):
        bench.leases.refresh()
