"""The one place where defaults that depend on the machine, or on each other, are worked out.

A default gives way to what is set: whoever sets lease_stale alone gets a lease_stop and a lease_refresh
that fit it.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from panini_daemon.config.machine import Machine
from panini_daemon.config.object_url import ObjectUrl
from panini_daemon.config.settings import Settings

if TYPE_CHECKING:
    from panini_daemon.config.fields import Fields

_T = TypeVar("_T")
_MIB = 2**20
_UNSAFE = re.compile(r"[^A-Za-z0-9]+")


@dataclass(frozen=True, slots=True)
class Profile:
    """Waits, in seconds, that suit a kind of folder."""

    poll_max: float
    arrival_timeout: float
    removal_delay: float
    lease_settle: float
    lease_refresh: float
    lease_stale: float
    log_max_bytes: int = 8 * _MIB


LOCAL = Profile(
    poll_max=2.0, arrival_timeout=10.0, removal_delay=0.0, lease_settle=0.0, lease_refresh=10.0, lease_stale=60.0
)
# A settle time longer than a listing usually stays stale there, and room for several lost refreshes.
DRIVE = Profile(
    poll_max=30.0,
    arrival_timeout=3600.0,
    removal_delay=300.0,
    lease_settle=60.0,
    lease_refresh=120.0,
    lease_stale=1800.0,
)
# What is written there is seen at once, and each request costs: no settle time, but longer pauses than on a disk.
OBJECTS = Profile(
    poll_max=30.0,
    arrival_timeout=3600.0,
    removal_delay=0.0,
    lease_settle=0.0,
    lease_refresh=45.0,
    lease_stale=300.0,
    log_max_bytes=_MIB,
)


def default_root(machine: Machine, cwd: Path) -> Path:
    """Return PaniniFS on Google Drive where that is mounted, else in the current folder."""
    return (machine.drive or cwd) / "PaniniFS"


def default_worker(machine: Machine) -> str:
    """Make an id that no other living process has, and that is a safe file name."""
    host = _UNSAFE.sub("-", machine.host).strip("-")[:40] or "host"
    return f"{host}-{machine.pid}-{machine.nonce}"


def resolve(fields: "Fields", machine: Machine, cwd: Path, bases: Mapping[str, Path]) -> Settings:
    """Fill in every default.

    `bases` holds the folder that a relative `root` or `spool` is relative to; elsewhere it is `cwd`.
    """

    def place(name: str, path: Path) -> Path:
        return Path(os.path.realpath(bases.get(name, cwd) / os.path.expanduser(path)))  # noqa: PTH111  Path.expanduser may raise

    given: Path | ObjectUrl = default_root(machine, cwd) if fields.root is None else fields.root
    root = place("root", given) if isinstance(given, Path) else given
    shared = _given(fields.shared, machine.is_remote(root) if isinstance(root, Path) else True)
    profile = (DRIVE if isinstance(root, Path) else OBJECTS) if shared else LOCAL
    poll_min = _given(fields.poll_min, min(0.25, _given(fields.poll_max, 0.25)))
    settle = _given(fields.lease_settle, profile.lease_settle)
    stale = _given(fields.lease_stale, _default_stale(fields, profile, settle))
    stop = _given(fields.lease_stop, _default_stop(stale, max(settle, fields.lease_refresh or 0.0)))
    return Settings(
        root=root,
        shared=shared,
        worker=_given(fields.worker, default_worker(machine)),
        workers=fields.workers or _one_each(machine.gpus, fields.device),
        device=fields.device,
        level=fields.level,
        method=fields.method,
        cpu_workers=_given(fields.cpu_workers, machine.cores),
        memory_budget=_given(fields.memory_budget, max(64, machine.memory // 2 // _MIB) * _MIB),
        poll_min=poll_min,
        poll_max=_given(fields.poll_max, max(profile.poll_max, poll_min)),
        arrival_timeout=_given(fields.arrival_timeout, profile.arrival_timeout),
        removal_delay=_given(fields.removal_delay, profile.removal_delay),
        lease_settle=settle,
        lease_probe=_given(fields.lease_probe, shared and fields.lease_settle is None) and settle > 0,
        lease_refresh=_given(fields.lease_refresh, min(profile.lease_refresh, stop / 4)),
        lease_stale=stale,
        lease_stop=stop,
        chunk_timeout=fields.chunk_timeout,
        chunk_timeout_per_mib=fields.chunk_timeout_per_mib,
        max_attempts=fields.max_attempts,
        retry_delay=fields.retry_delay,
        retry_delay_max=_given(fields.retry_delay_max, max(60.0, fields.retry_delay)),
        runtime_limit=fields.runtime_limit,
        drain_time=fields.drain_time,
        status_interval=fields.status_interval,
        log_level=fields.log_level,
        log_max_bytes=_given(fields.log_max_bytes, (LOCAL if isinstance(root, Path) else OBJECTS).log_max_bytes),
        log_backups=fields.log_backups,
        spool=place("spool", _given(fields.spool, machine.temporary / f"panini-{machine.user}")),
        rclone_socket=place("rclone_socket", fields.rclone_socket) if fields.rclone_socket else None,
        keep_limit=fields.keep_limit,
        dedup=fields.dedup,
        github_repo=fields.github_repo or "",
        github_ref=fields.github_ref or "",
        github_path=fields.github_path,
        github_url=fields.github_url,
        github_poll=fields.github_poll,
        github_leases=fields.github_leases,
        github_lease_stale=fields.github_lease_stale,
        github_report=fields.github_report,
        github_commit_status=fields.github_commit_status,
        github_metadata=fields.github_metadata,
        github_token=fields.github_token,
    )


def _one_each(gpus: int, device: str) -> int:
    """Return one worker for each GPU that may be used, one where there is none."""
    return max(1, gpus) if device in ("auto", "cuda") else 1


def _default_stale(fields: "Fields", profile: Profile, settle: float) -> float:
    """Take the profile's stale limit, or more where the lease settings that were made need more."""
    return max(
        profile.lease_stale,
        (fields.lease_stop or 0.0) / 0.75,
        (fields.lease_refresh or 0.0) * 6,
        settle * 5,
    )


def _default_stop(stale: float, slack: float) -> float:
    """Leave more than `slack` between a worker's own end and the moment when another takes over."""
    return 0.75 * stale if stale >= 5 * slack else 0.5 * stale


def _given(value: _T | None, default: _T) -> _T:
    return default if value is None else value
