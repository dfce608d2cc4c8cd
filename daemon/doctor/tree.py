"""Checks of the tree: mounted, writable, with room, in time, and what its workers and jobs are up to."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from panini_daemon.config import Settings
from panini_daemon.dashboard.reading import DashboardReader
from panini_daemon.dashboard.view import Life
from panini_daemon.dashboard.words import tell_age
from panini_daemon.doctor.findings import Finding, bad, good, skipped, warning
from panini_daemon.log_reading import read_last
from panini_daemon.rendering import format_bytes, format_seconds
from panini_daemon.storage.clock import Clock, SystemClock
from panini_daemon.storage.errors import NotFound, RootLost, StorageError
from panini_daemon.storage.inbox import Inbox
from panini_daemon.storage.lease_entry import parse_name
from panini_daemon.storage.root import FAILED, LEASES, STATUS, open_root
from panini_daemon.storage.store import Store
from panini_daemon.stores import open_store

_ROOM = 1 << 30
_SKEW = 5.0


def check_root(settings: Settings) -> Iterator[Finding]:
    """Look whether the root is there, is a tree, takes a file, and has room."""
    root = settings.root
    store = open_store(root)
    try:
        tree = open_root(store, create=False, clock=SystemClock())
    except RootLost as error:
        mounted = isinstance(root, Path) and root.is_dir() and any(root.iterdir())
        remedy = (
            "start the worker once to make the tree, or correct `root`"
            if mounted or not settings.shared
            else "mount the Drive: from google.colab import drive; drive.mount('/content/drive')"
        )
        yield bad("root", f"{root} is no tree: {error}", remedy)
        return
    yield good("root", f"{root}, tree {tree.root_id[:12]}, {'shared' if settings.shared else 'this machine only'}")
    yield _check_writing(settings, store)
    if isinstance(root, Path):
        usage = shutil.disk_usage(root)
        told = f"{format_bytes(usage.free)} of {format_bytes(usage.total)} free"
        if usage.free < _ROOM:
            yield bad("space", told, "free space on the Drive (its bin counts, too), or buy more")
        else:
            yield good("space", told)


def _check_writing(settings: Settings, store: Store) -> Finding:
    """Write a file of our own, read it back, and compare its time with ours."""
    path = f"{STATUS}/.panini-doctor-{os.getpid()}.tmp"
    data = os.urandom(32)
    before = time.time()
    try:
        store.write(path, data)
        back = store.read(path)
        written = (settings.root / path).stat().st_mtime if isinstance(settings.root, Path) else before
        store.delete(path)
    except (StorageError, OSError) as error:
        return bad("writing", f"{type(error).__name__}: {error}", "give this user write permission on the root")
    if back != data:
        return bad("writing", "a file reads back other than it was written", "mount the folder anew")
    if not before - _SKEW <= written <= time.time() + _SKEW:
        return warning(
            "writing",
            f"the folder's clock is {written - before:+.0f} s off",
            "set this machine's clock (leases bear it)",
        )
    return good("writing", f"written and read back in {format_seconds(time.time() - before)}")


def check_delay(store: Store) -> Iterator[Finding]:
    """Tell how late changes are seen, as workers have measured and logged it."""
    slow = read_last(store, 1, lambda line: line.get("event") == "folder_slow")
    changed = read_last(store, 1, lambda line: line.get("event") == "settle_changed")
    if slow and (not changed or str(slow[0].get("timestamp")) > str(changed[0].get("timestamp"))):
        yield warning(
            "delay",
            f"changes took {slow[0].get('seconds')} s to be seen, leases can settle for {slow[0].get('settle')} s",
            "raise `lease_stale`, or run one worker",
        )
    elif changed:
        yield good("delay", f"leases settle for {changed[0].get('seconds')} s, as was measured")
    else:
        yield good("delay", "workers have measured nothing above the default")


def check_workers(store: Store, settings: Settings, clock: Clock) -> Iterator[Finding]:
    """Look at the heartbeats: who is there, who died, who has a problem."""
    view = DashboardReader(store, str(settings.root), clock).read()
    alive = [worker for worker in view.workers if worker.life is Life.ALIVE]
    dead = [worker for worker in view.workers if worker.life is Life.DEAD]
    if dead:
        names = ", ".join(f"{worker.name} ({tell_age(worker)})" for worker in dead[:3])
        yield warning(
            "workers", f"{len(alive)} running, {len(dead)} dead: {names}", "start them again if they are missed"
        )
    elif alive:
        yield good("workers", f"{len(alive)} running")
    else:
        yield skipped("workers", "none is running")
    for worker in alive:
        link = worker.github
        if link is not None and link.get("state") != "ok":
            yield warning("workers", f"{worker.name}: GitHub: {link.get('problem')}", "see `docs/github.md`")


def check_inbox(store: Store, settings: Settings, clock: Clock) -> Iterator[Finding]:
    """Look at the inbox as a worker does: jobs that are ready, that still arrive, that can never be read."""
    inbox = Inbox(store, clock=clock, arrival_timeout=settings.arrival_timeout, committed=lambda *_: False)
    try:
        poll = inbox.poll()
    except NotFound:
        yield bad("inbox", "there is no inbox/", "make the folder inbox/ in the root")
        return
    for rejected in poll.rejected[:5]:
        yield warning("inbox", f"{rejected.manifest_path}: {rejected.error}", "correct the manifest and send it again")
    yield good("inbox", f"{len(poll.ready)} jobs ready, {poll.arriving} still arriving")


def check_failed(store: Store) -> Iterator[Finding]:
    """Count the jobs that were given up."""
    try:
        names = sorted(entry.name for entry in store.list(FAILED) if entry.kind == "folder")
    except NotFound:
        names = []
    if names:
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        yield warning(
            "failed jobs",
            f"{len(names)}: {', '.join(names[:3])}{more}",
            "read error.json in failed/<job>/; docs/operating.md says how to send one again",
        )
    else:
        yield good("failed jobs", "none")


def check_leases(store: Store, settings: Settings, now: Callable[[], float] = time.time) -> Iterator[Finding]:
    """Look for leases that nobody renews: their jobs wait until another worker takes them over."""
    if not isinstance(settings.root, Path):
        yield skipped("leases", "an object store's leases expire by themselves")
        return
    old, count = [], 0
    for entry in store.list(LEASES):
        name = parse_name(entry.name)
        if name is None:
            continue
        count += 1
        try:
            age = now() - (settings.root / LEASES / entry.name).stat().st_mtime
        except FileNotFoundError:  # given back meanwhile
            continue
        if age > 2 * settings.lease_stale:
            old.append(f"{entry.name} ({format_seconds(age)})")
    if old:
        yield warning(
            "leases",
            f"{len(old)} of {count} not renewed for long: {', '.join(old[:2])}",
            "nothing: a running worker takes the jobs over; deleting the files is harmless, too",
        )
    else:
        yield good("leases", f"{count} held")


def check_clock(headers_date: datetime | None, now: datetime | None = None) -> Iterator[Finding]:
    """Compare this machine's clock with GitHub's."""
    if headers_date is None:
        yield skipped("clock", "there is no other clock to compare with")
        return
    off = ((now or datetime.now(UTC)) - headers_date).total_seconds()
    if abs(off) > 60:
        yield warning("clock", f"{off:+.0f} s off GitHub's", "set this machine's clock")
    else:
        yield good("clock", f"within {max(1.0, abs(off)):.0f} s of GitHub's")
