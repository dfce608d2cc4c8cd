"""Every way in which one thing breaks in the life of a job, each tried and each checked."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from fakes.crash_run import Run, live, one_round
from fakes.crash_scenes import Scene
from fakes.wire import MUTATING, Dead, Done, Position, Trouble, Wire

from panini_daemon.storage.errors import RootLost, StorageError, StoreFull, StoreReadOnly, StoreUnavailable

_WRITING = frozenset(("write", "put", "append", "sync"))


@dataclass(frozen=True, slots=True)
class Count:
    """How much was tried: `positions` where something broke, `runs` that followed and were checked to their end."""

    positions: int
    runs: int


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of error: `times` operations in a row fail, of `only` these; with `lands`, they have their effect."""

    name: str
    make: Callable[[], StorageError]
    times: int = 1
    lands: bool = False
    only: frozenset[str] | None = None


KINDS = (
    Kind("full once", lambda: StoreFull("no room"), only=_WRITING),
    Kind("full for a while", lambda: StoreFull("no room"), times=6, only=_WRITING),
    Kind("full, and written all the same", lambda: StoreFull("no room"), lands=True, only=_WRITING),
    Kind("away once", lambda: StoreUnavailable("the folder is away")),
    Kind("away for a while", lambda: StoreUnavailable("the folder is away"), times=6),
    Kind("away, and done all the same", lambda: StoreUnavailable("it took too long"), lands=True, only=MUTATING),
    Kind("away thrice, and done", lambda: StoreUnavailable("it took too long"), times=3, lands=True, only=MUTATING),
    Kind("root lost once", lambda: RootLost("no marker")),
    Kind("root lost for a while", lambda: RootLost("no marker"), times=6),
    Kind("read-only", lambda: StoreReadOnly("no permission"), only=MUTATING),
)


def deaths(scene: Scene, folder: Path, *, atomic: bool) -> Count:
    """Let a worker die before, in and after each operation; it is followed by itself or by another one.

    What follows is tried once for each state that a death leaves: what comes next depends on nothing else.
    """
    followed = set[tuple[int, str]]()
    positions = _dry_run(scene, folder, atomic=atomic).positions()
    for position in positions:
        with _run(scene, folder, atomic=atomic) as run:
            run.send()
            wire = run.work(cut=position)
            with _told("died", wire.done, position):
                run.check_always()
                for name in ("w1", "w2"):
                    if (state := (run.disk.state(), name)) not in followed:
                        followed.add(state)
                        _follow(run.on(run.disk.copy()), name)
    return Count(len(positions), len(followed))


def deaths_of_sender(scene: Scene, folder: Path, *, atomic: bool) -> Count:
    """Let the sender die before, in and after each operation, a worker look at that, and the sender come again."""
    with _run(scene, folder, atomic=atomic) as run:
        positions = run.send().positions()
    for position in positions:
        with _run(scene, folder, atomic=atomic) as run:
            wire = run.send(position)
            with _told("the sender died", wire.done, position):
                run.work()
                run.check_always()
                run.send()
                run.recover()
                run.check_always()
                run.check_over()
    return Count(len(positions), len(positions))


def power_cuts(scene: Scene, folder: Path, *, seeds: int) -> Count:
    """Cut the power after each position, and after the work of who followed a worker that died there."""
    dead, cut, runs = set[int](), set[int](), 0
    positions = _dry_run(scene, folder).positions()
    for position in positions:
        with _run(scene, folder) as run:
            run.send()
            wire = run.work(cut=position)
            if run.disk.state() in dead:
                continue
            dead.add(run.disk.state())
            followed = run.on(run.disk.copy())
            followed.work()
            for before in (run, followed):
                for number, cut_power in enumerate(before.disk.power_cuts(range(seeds))):
                    after = before.on(before.disk.copy())
                    cut_power(after.disk)
                    if after.disk.state() not in cut:
                        cut.add(after.disk.state())
                        runs += 1
                        with _told(f"power cut {number}, followed: {before is followed}", wire.done, position):
                            _follow(after, "w1")
    return Count(len(positions), runs)


def errors(scene: Scene, folder: Path, kind: Kind) -> Count:
    """Let operations fail from each one on; the worker must end all work by itself, or stop for a good reason."""
    done = _dry_run(scene, folder).done
    hit = [index for index, one in enumerate(done) if kind.only is None or one.operation in kind.only]
    for index in hit:
        with _run(scene, folder) as run, _told(kind.name, done, Position(index, 0)):
            run.send()
            trouble = Trouble(kind.make(), index, kind.times, lands=kind.lands, only=kind.only)
            if _works_to_the_end(run, trouble):
                left = [path for path in run.disk.files if path.startswith("inbox/")]
                assert not left, f"left undone: {left}"
            run.check_always()
            _follow(run, "w1")
    return Count(len(hit), len(hit))


def stalls(scene: Scene, folder: Path, **other: object) -> Count:
    """Hold a worker up before each operation until another one, with other settings, has done all the work."""
    done = _dry_run(scene, folder).done
    for index in range(len(done)):
        _overtake(scene, folder, done, index, None, **other)
    return Count(len(done), len(done))


def pairs(scene: Scene, folder: Path, *, every: int) -> Count:
    """Hold a worker up before each operation; another one dies meanwhile, at every `every`-th of its positions."""
    dry = _dry_run(scene, folder)
    positions, runs = dry.positions(), 0
    for index in range(len(dry.done)):
        for number, position in enumerate(positions):
            if (number + index) % every == 0:
                _overtake(scene, folder, dry.done, index, position)
                runs += 1
    return Count(len(dry.done) * len(positions), runs)


def side_by_side(scene: Scene, folder: Path) -> Count:
    """Let two workers take turns, operation by round, and one of them die before each of its operations."""
    done = _dry_run(scene, folder).done
    for index in range(len(done)):
        with _run(scene, folder) as run, _told("two workers", done, Position(index, 0)):
            run.send()
            first, second = Wire(run.disk), Wire(run.disk)
            with run.worker("w2", second) as other:

                def take_turns(number: int, first: Wire = first, other: object = other, last: int = index) -> None:
                    if number >= last:
                        first.die()
                    first.on_operation = _nothing
                    one_round(other)  # type: ignore[arg-type]
                    first.on_operation = take_turns

                first.on_operation = take_turns
                with contextlib.suppress(Dead), run.worker("w1", first) as bench:
                    live(bench)
                run.check_always()
                live(other)
            _follow(run, "w3")
    return Count(len(done), len(done))


def _overtake(scene: Scene, folder: Path, done: list[Done], index: int, cut: Position | None, **other: object) -> None:
    with _run(scene, folder) as run, _told(f"overtaken, cut {cut}", done, Position(index, 0)):
        run.send()
        wire = Wire(run.disk)

        def overtake(number: int) -> None:
            if number == index:
                run.work("w2", cut=cut, **other)
                run.check_always()

        wire.on_operation = overtake
        with run.worker("w1", wire) as bench:
            live(bench)
        run.check_always()
        _follow(run, "w3")


def _works_to_the_end(run: Run, trouble: Trouble) -> bool:
    """Let a worker live in trouble; False where it ended because of it, at its start or by a stop."""
    started = False
    try:
        with run.worker("w1", Wire(run.disk, trouble=trouble)) as bench:
            started = True
            live(bench)
    except StorageError:
        assert not started, "an error ended the worker"
        return False
    assert bench.service.fatal is None or isinstance(bench.service.fatal, StoreReadOnly)
    return bench.service.fatal is None


def _follow(run: Run, name: str) -> None:
    run.check_always()
    run.recover(name)
    run.check_always()
    run.check_over()


def _dry_run(scene: Scene, folder: Path, *, atomic: bool = True) -> Wire:
    with _run(scene, folder, atomic=atomic) as run:
        run.send()
        wire = run.work()
        _follow(run, "w1")
    return wire


@contextlib.contextmanager
def _run(scene: Scene, folder: Path, *, atomic: bool = True) -> Iterator[Run]:
    run = Run(scene, folder, atomic=atomic)
    try:
        yield run
    finally:
        run.close()


@contextlib.contextmanager
def _told(what: str, done: list[Done], position: Position) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        one = done[position.index]
        error.add_note(f"{what} at operation {position.index}, {one.operation} {one.path}, part {position.part}")
        raise


def _nothing(_: int) -> None:
    """Do nothing."""
