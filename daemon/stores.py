"""Which store a root is kept in, which leases go with it, and which secrets it needs."""

import os
import random
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from panini_daemon.config import ObjectUrl, Settings
from panini_daemon.config.machine import read_machine
from panini_daemon.config.values import check_root
from panini_daemon.errors import UsageError
from panini_daemon.storage import mount_points
from panini_daemon.storage.clock import Clock
from panini_daemon.storage.errors import StoreUnavailable
from panini_daemon.storage.lease_timing import LeaseTiming
from panini_daemon.storage.leases import Leases
from panini_daemon.storage.leasing import Leasing
from panini_daemon.storage.local import LocalStore
from panini_daemon.storage.object_connection import connect
from panini_daemon.storage.object_leases import ObjectLeases
from panini_daemon.storage.object_store import ObjectStore
from panini_daemon.storage.object_versions import Versions
from panini_daemon.storage.root import LEASES
from panini_daemon.storage.store import Store
from panini_daemon.storage.upload_flags import Flags, RcloneQueue, read_drive_ids

_SECRET = re.compile(r"(AWS|AZURE|GOOGLE)_\w*(KEY|SECRET|TOKEN|SAS|PASSWORD)\w*")
_UPLOAD = 10.0
"""Seconds that a lease file may take to be uploaded."""
_SHORTEST = 8
"""Characters; a shorter value is no secret, and would blot out half of the log."""


def open_store(root: Path | ObjectUrl, flags: Flags = read_drive_ids) -> Store:
    """Return the store of a root, which need not be there yet; `flags` tells what a mount has not uploaded.

    Raises RootUnusable.
    """
    if isinstance(root, ObjectUrl):
        return ObjectStore(connect(root.url, os.environ), root.url)
    return LocalStore(root, flags)


def parse_root(text: str) -> Path | ObjectUrl:
    """Read a root as a person writes it. Raises UsageError."""
    try:
        root = check_root(text)
    except ValueError as error:
        raise UsageError(f"the root is {text!r}; {error}") from error
    return root if isinstance(root, ObjectUrl) else Path(str(root))


def may_be_new(root: Path | ObjectUrl, *, shared: bool) -> bool:
    """Tell whether a tree may be made where there is none: not below a mount point that lost its mount.

    Raises StorageError.
    """
    if isinstance(root, ObjectUrl) or not shared:
        return True
    return mount_points.may_be_new(root, remote=read_machine().is_remote(root))


def demand_leases(store: Store, root: Path | ObjectUrl) -> None:
    """Raise RootUnusable where a root's server cannot keep leases."""
    if isinstance(store, ObjectStore):
        Versions(store.client, str(root)).demand_conditions(LEASES)


def make_leases(settings: Settings, store: Store, clock: Clock, queue: RcloneQueue | None) -> Leasing:
    """Return this worker's leases in the root: by compare-and-swap where the store can do that.

    `queue` tells how late a mount by rclone is, where it can be asked.
    """
    timing = LeaseTiming(
        settle=settings.lease_settle,
        refresh=settings.lease_refresh,
        stale=settings.lease_stale,
        stop=settings.lease_stop,
    )
    if isinstance(store, ObjectStore):
        versions = Versions(store.client, str(settings.root))
        return ObjectLeases(versions, settings.worker, clock=clock, timing=timing, nonce=make_nonce)
    if settings.lease_probe and queue is not None:
        with suppress(StoreUnavailable):  # then it waits for as long as for a mount of which nothing is known
            timing = timing.settling(queue.delay() + _UPLOAD)
    return Leases(store, settings.worker, clock=clock, timing=timing, nonce=make_nonce)


def secrets_of(settings: Settings, environ: Mapping[str, str]) -> list[str]:
    """Return what must never be in a log: the GitHub token and an object store's credentials."""
    token = [settings.github_token.get_secret_value()] if settings.github_token else []
    return token + [value for name, value in environ.items() if _SECRET.fullmatch(name) and len(value) >= _SHORTEST]


def make_nonce() -> str:
    """Return what no other claim or process has."""
    return f"{random.SystemRandom().getrandbits(64):016x}"
