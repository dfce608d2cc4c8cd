"""The same on a real disk: each system call by which a worker changes the folder is where it dies, or fails."""

import errno
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes.bench import Bench
from fakes.clock import FakeClock
from fakes.crash_checks import check_always, check_over, registry
from fakes.crash_disk import CrashDisk
from fakes.crash_run import live
from fakes.crash_scenes import Scene, scene
from fakes.inline_compute import InlineCompute
from fakes.local_calls import ERRORS, Calls
from fakes.wire import Dead

from panini_daemon.storage.errors import StorageError, StoreReadOnly
from panini_daemon.storage.local import LocalStore

Tell = Callable[[str, object], None]


class Site:
    """One delivery on a real folder."""

    def __init__(self, folder: Path, one: Scene) -> None:
        folder.mkdir()
        self.folder, self.one, self.clock = folder, one, FakeClock()
        self.root = folder / "root"

    def work(self, calls: Calls, name: str = "w1") -> bool:
        """Let a worker send the delivery if there is none, and work; False where it ended at its start or stopped."""
        store, started = LocalStore(self.root), False
        try:
            with calls.watched():
                bench = Bench(self.folder, store, self.clock, name, inline=True, compute=InlineCompute(registry()))  # type: ignore[arg-type]
                try:
                    bench.leases.recover()
                    started = True
                    live(bench, tidy=calls.at is None)
                finally:
                    bench.spool.close()
        except Dead:
            return False
        except StorageError:
            assert not started, "an error ended the worker"
            return False
        assert bench.service.fatal is None or isinstance(bench.service.fatal, StoreReadOnly)
        return bench.service.fatal is None

    def check(self, *, over: bool) -> None:
        """Require what must hold of the tree, now or at the end."""
        disk = CrashDisk()
        for path in self.root.rglob("*"):
            if path.is_file():
                disk.write(path.relative_to(self.root).as_posix(), path.read_bytes())
        for folder in ("inbox", "leases"):
            disk._folders.add(folder)
        check_always(self.one, disk, frozenset(), torn=False)
        if over:
            check_over(self.one, disk, torn=False)

    def start(self) -> None:
        """Make the tree and send the delivery."""
        Bench(self.folder, LocalStore(self.root), self.clock, inline=True).spool.close()  # type: ignore[arg-type]
        self.one.send(LocalStore(self.root), self.folder)


def count_calls(folder: Path, one: Scene) -> list[str]:
    site, calls = Site(folder, one), Calls()
    site.start()
    assert site.work(calls)
    site.check(over=True)
    return calls.done


@pytest.mark.slow
@pytest.mark.parametrize("name", ["one chunk", "bad chunk in a tree"])
def test_whoever_follows_a_worker_that_died_in_a_system_call_ends_the_job(
    tmp_path: Path, record_property: Tell, name: str
) -> None:
    one = scene(name)
    done = count_calls(tmp_path / "dry", one)
    record_property("calls", len(done))
    for at, call in enumerate(done):
        last = at == len(done) - 1  # after any other call is before the next one
        for part in (0, *((1,) if call == "write" else ()), *((2,) if last else ())):
            site = Site(tmp_path / f"{at}-{part}", one)
            site.start()
            calls = Calls(at=at, part=part)
            site.work(calls)
            assert calls.dead, f"{call} {at} never came"
            site.check(over=False)
            site.work(Calls(), "w2" if at % 2 else "w1")
            site.check(over=True)


@pytest.mark.slow
@pytest.mark.parametrize("number", ERRORS, ids=lambda number: errno.errorcode[number])
def test_a_system_call_that_fails_costs_no_chunk(tmp_path: Path, record_property: Tell, number: int) -> None:
    one = scene("one chunk")
    done = count_calls(tmp_path / "dry", one)
    record_property("calls", len(done))
    for at in range(len(done)):
        site = Site(tmp_path / str(at), one)
        site.start()
        by_itself = site.work(Calls(at=at, error=number))
        site.check(over=False)
        assert by_itself or number == errno.EACCES or at < 3
        site.work(Calls())
        site.check(over=True)
