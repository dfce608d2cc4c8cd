"""The settings as the program uses them: every value present, typed and checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from panini_daemon.config.object_url import ObjectUrl

SIZES = frozenset({"memory_budget", "log_max_bytes", "keep_limit"})
"""The settings that are sizes in bytes."""

if TYPE_CHECKING:
    from pydantic import SecretStr


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings. Durations are seconds, sizes bytes, paths absolute.

    What each one means, and its default, stands in `panini_daemon.config.fields`; both name the same fields.
    """

    root: Path | ObjectUrl
    shared: bool
    worker: str
    workers: int
    device: str
    level: str
    method: str
    cpu_workers: int
    memory_budget: int
    poll_min: float
    poll_max: float
    arrival_timeout: float
    removal_delay: float
    lease_settle: float
    lease_probe: bool
    lease_refresh: float
    lease_stale: float
    lease_stop: float
    chunk_timeout: float
    chunk_timeout_per_mib: float
    max_attempts: int
    retry_delay: float
    retry_delay_max: float
    runtime_limit: float
    drain_time: float
    status_interval: float
    log_level: str
    log_max_bytes: int
    log_backups: int
    spool: Path
    rclone_socket: Path | None
    keep_limit: int
    dedup: bool
    github_repo: str
    """Empty where there is none; so is `github_ref` for the default branch."""
    github_ref: str
    github_path: str
    github_url: str
    github_poll: float
    github_leases: str
    github_lease_stale: float
    github_report: str
    github_commit_status: bool
    github_metadata: bool
    github_token: "SecretStr | None" = None


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings, where each came from, and the configuration file that was read (None where there is none).

    An origin is `default`, the path of a panini.toml, an environment variable's name, or a flag (`--root`).
    """

    settings: Settings
    origin: Mapping[str, str]
    config_file: Path | None = None
