"""What must hold between settings that are each right by themselves."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from panini_daemon.config.errors import Problem
from panini_daemon.config.settings import Settings
from panini_daemon.config.values import LONGEST_WORKER, format_duration


def check_relations(settings: Settings, origin: Mapping[str, str], unless: Collection[str] = ()) -> list[Problem]:
    """List the settings that contradict each other, but for those that name a setting in `unless`."""
    found = _contradictions(settings)
    return [
        Problem(
            name,
            _write(getattr(settings, name)),
            origin[name],
            f"expected {rule} {other} = {_write(getattr(settings, other))} ({origin[other]})",
        )
        for name, rule, other in found
        if name not in unless and other not in unless
    ]


def _contradictions(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """Yield the setting to change, the rule it breaks and the setting it breaks it with."""
    if settings.poll_min > settings.poll_max:
        yield "poll_min", "at most", "poll_max"
    if settings.retry_delay > settings.retry_delay_max:
        yield "retry_delay", "at most", "retry_delay_max"
    yield from _lease_contradictions(settings)
    if settings.workers > 1 and len(f"{settings.worker}-{settings.workers}") > LONGEST_WORKER:
        yield "worker", "an id that leaves room for a hyphen and a number up to", "workers"
    if 0 < settings.runtime_limit <= settings.drain_time:
        yield "drain_time", "less than", "runtime_limit"
    if settings.github_repo and settings.github_leases == "github" and settings.github_token is None:
        yield "github_leases", "drive, or a token with write access in", "github_token"
    if isinstance(settings.root, Path) and settings.spool.is_relative_to(settings.root):
        # On Drive, work in progress would be uploaded.
        yield "spool", "a local folder outside of", "root"


def _lease_contradictions(settings: Settings) -> Iterator[tuple[str, str, str]]:
    if settings.lease_stop >= settings.lease_stale:
        yield "lease_stop", "less than", "lease_stale"
    if settings.lease_refresh * 2 > settings.lease_stop:
        # One lost refresh must not stop the worker.
        yield "lease_refresh", "at most half of", "lease_stop"
    if settings.lease_settle >= settings.lease_stop:
        yield "lease_settle", "less than", "lease_stop"
    slack = max(settings.lease_refresh, settings.lease_settle)
    if (
        max(2 * settings.lease_refresh, settings.lease_settle)
        <= settings.lease_stop
        < settings.lease_stale
        <= settings.lease_stop + slack
    ):
        # Else another worker may take over before this one has stopped.
        yield "lease_stop", "more than lease_refresh and lease_settle below", "lease_stale"


def _write(value: object) -> str:
    if value is None:
        return "(not set)"
    return format_duration(value) if isinstance(value, float) else str(value)
