"""Files that killed workers and broken mounts left half written, found and deleted wherever they are in the tree.

Nobody else's clock says how old a file is. It goes when this process saw it unchanged for a time and no worker was
alive in that time: every heartbeat said that its worker had stopped, or stayed as it was. Where workers are alive
it must have stayed unchanged as long as a lease may, after which its writer has given up. A mistake would cost a
worker one more try: what is being written has no reader yet.
"""

import fnmatch
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from panini_daemon.parts import Phase
from panini_daemon.repair.strays import walk_folders
from panini_daemon.storage.clock import Clock
from panini_daemon.storage.errors import NotFound, UnsafeName
from panini_daemon.storage.names import is_unfinished
from panini_daemon.storage.reading import stamp_of
from panini_daemon.storage.root import STATUS
from panini_daemon.storage.store import Store

_OF_MOUNTS = (".fuse_hidden*", ".nfs*", "*.partial")
"""What FUSE and NFS keep of files deleted while open, and what rclone calls a file that it is still uploading."""


@runtime_checkable
class Showing(Protocol):
    """A store where a write that was begun and never ended leaves something, and that can show it."""

    def list_unfinished(self, path: str) -> Sequence[str]:
        """Return the names of unfinished writes in a folder. Raises NotFound."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds: how long to look before a left-over may go where no worker lives, and where some do."""

    alone: float
    among_workers: float


@dataclass(frozen=True, slots=True)
class Sighting:
    """Left-overs with their stamps, and the workers' heartbeats, as they were at a moment of this clock."""

    moment: float
    files: dict[str, tuple[int, int]]
    heartbeats: dict[str, bytes]


def look_for_leftovers(store: Store, clock: Clock) -> Sighting:
    """Note all left-overs of the tree and what the workers' heartbeats say. Raises StoreUnavailable."""
    moment = clock.monotonic()
    paths: list[str] = []
    for folder, entries in walk_folders(store, ""):
        names = [entry.name for entry in entries if entry.kind == "file" and is_leftover(entry.name)]
        try:
            names += store.list_unfinished(folder) if isinstance(store, Showing) else ()
        except NotFound:
            continue
        paths += [f"{folder}/{name}" if folder else name for name in names]
    stamps = {path: stamp_of(store, path) for path in dict.fromkeys(paths)}
    files = {path: stamp for path, stamp in stamps.items() if stamp is not None}
    return Sighting(moment, files, _read_heartbeats(store))


def is_leftover(name: str) -> bool:
    """Tell whether a file of this name is half written, or what a mount kept of a deleted one."""
    return is_unfinished(name) or any(fnmatch.fnmatchcase(name, pattern) for pattern in _OF_MOUNTS)


def remove_leftovers(
    store: Store,
    before: Sighting,
    patience: Patience,
    *,
    clock: Clock,
    sleep: Callable[[float], object],
    ready: Callable[[], None],
) -> tuple[list[str], list[str]]:
    """Delete the left-overs that may go; return their paths, and those of the ones that stay.

    Waits until `patience.alone` seconds have passed since the sighting, where there is something to decide.
    """
    if not before.files:
        return [], []
    while (left := patience.alone - (clock.monotonic() - before.moment)) > 0:
        ready()
        sleep(min(left, 1.0))
    waited = clock.monotonic() - before.moment
    same = [path for path, stamp in before.files.items() if stamp_of(store, path) == stamp]
    if waited < patience.among_workers and _is_anyone_alive(before.heartbeats, _read_heartbeats(store)):
        return [], same
    for path in same:
        ready()
        store.delete(path)
    return same, []


def _read_heartbeats(store: Store) -> dict[str, bytes]:
    found = {}
    try:
        names = sorted(entry.name for entry in store.list(STATUS) if entry.kind == "file")
    except NotFound:
        return {}
    for name in names:
        try:
            found[name] = store.read(f"{STATUS}/{name}")
        except (NotFound, UnsafeName):
            continue
    return found


def _is_anyone_alive(before: dict[str, bytes], now: dict[str, bytes]) -> bool:
    return any(before.get(name) != data and not _says_stopped(data) for name, data in now.items())


def _says_stopped(heartbeat: bytes) -> bool:
    try:
        status = json.loads(heartbeat)
    except (ValueError, RecursionError):
        return False
    return isinstance(status, dict) and status.get("state") == Phase.STOPPED
