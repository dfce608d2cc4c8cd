"""`logs`: what all workers of a tree have logged, in time order; with `--follow`, what they log from now on."""

import json
import logging
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase

from panini_daemon.commands.common import load_settings, open_tree, tell_errors
from panini_daemon.errors import UsageError
from panini_daemon.exit_codes import ExitCode
from panini_daemon.log_lines import make_renderer
from panini_daemon.log_reading import Follower, Line, read_last
from panini_daemon.storage.errors import StorageError
from panini_daemon.storage.store import Store

_POLL = 1.0


@dataclass(frozen=True, slots=True)
class Filter:
    """Which lines are wanted: `job` and `event` may hold `*`; `since` is the oldest moment, ISO 8601."""

    level: str = "debug"
    job: str | None = None
    event: str | None = None
    since: str = ""

    def __call__(self, line: Line) -> bool:
        """Tell whether a line is wanted."""
        grave = logging.getLevelNamesMapping().get(str(line.get("level", "info")).upper(), logging.INFO)
        return (
            grave >= logging.getLevelNamesMapping()[self.level.upper()]
            and (self.job is None or fnmatchcase(str(line.get("job", "")), self.job))
            and (self.event is None or fnmatchcase(str(line.get("event", "")), self.event))
            and str(line.get("timestamp", "")) >= self.since
        )


@tell_errors
def show_logs(
    flags: Mapping[str, object],
    *,
    follow: bool,
    lines: int,
    level: str,
    worker: str | None,
    job: str | None,
    event: str | None,
    since: str | None,
    as_json: bool,
) -> int:
    """Print the last lines that pass the filter, then, with `follow`, new ones until Ctrl-C; return the exit status."""
    wanted = Filter(_check_level(level), job, event, _parse_since(since))
    store = open_tree(load_settings(flags))
    tell = _make_teller(as_json=as_json, named=worker is None)
    follower = Follower(store, worker) if follow else None
    for line in read_last(store, lines, wanted, worker):
        tell(line)
    if follower is not None:
        with suppress(KeyboardInterrupt):
            follow_logs(follower, wanted, tell, store)
    return ExitCode.OK


def follow_logs(
    follower: Follower,
    wanted: Callable[[Line], bool],
    tell: Callable[[Line], None],
    store: Store,
    sleep: Callable[[float], object] = time.sleep,
) -> None:
    """Tell new lines as they come, until interrupted; a tree that is away is waited for."""
    away = False
    while True:
        try:
            store.check_root()
            for line in follower.read(wanted):
                tell(line)
            away = False
        except StorageError as error:
            if not away:
                print(f"waiting: {error}", file=sys.stderr)
            away = True
        sleep(_POLL)


def _make_teller(*, as_json: bool, named: bool) -> Callable[[Line], None]:
    if as_json:
        return lambda line: print(json.dumps(line, ensure_ascii=False), flush=True)
    render = make_renderer(colours=sys.stdout.isatty(), named=named, dated=True)
    return lambda line: print(render(line), flush=True)


def _check_level(level: str) -> str:
    known = ("debug", "info", "warning", "error")
    if level.lower() not in known:
        raise UsageError(f"--level is {level!r}; expected one of {', '.join(known)}")
    return level.lower()


def _parse_since(since: str | None) -> str:
    """Read a moment or a time ago, such as 2h."""
    if since is None:
        return ""
    from panini_daemon.config.values import parse_duration  # noqa: PLC0415

    with suppress(ValueError):
        moment = datetime.fromisoformat(since)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).isoformat()[:19]
    try:
        seconds = parse_duration(since)
    except ValueError as error:
        raise UsageError(f"--since is {since!r}; expected a time such as 2026-03-01T12:00 or 2h") from error
    if not isinstance(seconds, int | float):
        raise UsageError(f"--since is {since!r}; expected a time such as 2026-03-01T12:00 or 2h")
    return (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()[:19]
