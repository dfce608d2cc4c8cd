"""`run`: the daemon itself."""

import os
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path

from panini_daemon.application import running
from panini_daemon.commands.common import print_json, tell_errors
from panini_daemon.commands.run_several import run_several
from panini_daemon.config import Settings, load
from panini_daemon.ending_signals import ending_on_signals
from panini_daemon.exit_codes import ExitCode
from panini_daemon.identity import default_worker
from panini_daemon.outcomes import Outcome, State
from panini_daemon.rendering import ResultRow, print_results
from panini_daemon.tether import Tether

_TABLE_ROWS = 200


@tell_errors
def run_daemon(flags: Mapping[str, object], *, once: bool, quiet: bool, as_json: bool, supervised: bool = False) -> int:
    """Run until ended (or, with `once`, until the inbox is empty); return the exit status.

    A `supervised` worker also ends when its standard input does.
    """
    loaded = load(flags, environ=os.environ, cwd=Path.cwd())
    with ExitStack() as stack:
        settings = loaded.settings
        if loaded.origin["worker"] == "default":
            settings = replace(settings, worker=stack.enter_context(default_worker(settings.spool)))
        if settings.workers > 1:
            return run_several(settings, flags, once=once, quiet=quiet, as_json=as_json, rows=_TABLE_ROWS)
        tether = Tether(sys.stdin.fileno(), settings.drain_time) if supervised else None
        return _run(settings, tether, once=once, quiet=quiet, as_json=as_json)


def _run(settings: Settings, tether: Tether | None, *, once: bool, quiet: bool, as_json: bool) -> int:
    outcomes: list[Outcome] = []
    keep = outcomes.append if once else _forget
    screen = None if quiet else sys.stderr
    if tether is not None:
        tether.start()
    with (
        running(settings, once=once, screen=screen, on_outcome=keep, one_of_several=tether is not None) as app,
        ending_on_signals(app.stop),
    ):
        if tether is not None:
            tether.attach(app.stop)
        app.run()
        totals = app.service.tally.totals(app.clock.monotonic())
    if app.service.fatal is not None:
        print(f"error: {app.service.fatal}", file=sys.stderr)
        return ExitCode.ERROR
    if once and app.problem is not None:
        print(f"error: the repository could not be looked at: {app.problem}", file=sys.stderr)
        return ExitCode.ERROR
    if once:
        if as_json:
            print_json({"totals": asdict(totals), "chunks": [_row(outcome) for outcome in outcomes]})
        elif outcomes:
            print_results([result_row(outcome) for outcome in outcomes[:_TABLE_ROWS]])
    return ExitCode.DAMAGE if once and totals.jobs_failed else ExitCode.OK


def result_row(outcome: Outcome) -> ResultRow:
    """Return the line of a results table for one chunk."""
    good = outcome.state in (State.COMMITTED, State.ALREADY)
    total = outcome.chunk.total_chunks
    name = outcome.chunk.base if total == 1 else f"{outcome.chunk.base} #{outcome.chunk.chunk_id}"
    method = outcome.method if good else type(outcome.error).__name__
    after = outcome.payload_size if good else outcome.chunk.size
    return ResultRow(name, method, outcome.chunk.size, after, good)


def _row(outcome: Outcome) -> dict[str, object]:
    return {
        "chunk": outcome.chunk.name,
        "state": outcome.state,
        "method": outcome.method,
        "original_size": outcome.chunk.size,
        "compressed_size": outcome.payload_size,
        "original_hash": outcome.original_hash,
        "error": None if outcome.error is None else f"{type(outcome.error).__name__}: {outcome.error}",
    }


def _forget(_: Outcome) -> None:
    """A daemon that runs for days keeps no list of what it did; the log has it."""
