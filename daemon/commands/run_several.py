"""`run` with several workers: a supervisor over processes that are each a `run` of their own."""

import json
import os
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from panini_daemon.commands.common import print_json
from panini_daemon.config import Settings
from panini_daemon.config.machine import count_gpus
from panini_daemon.ending_signals import EndingSignals, catching_signals
from panini_daemon.exit_codes import ExitCode
from panini_daemon.heartbeat import Heartbeat
from panini_daemon.logs import Logger, TreeLog, make_logger
from panini_daemon.outcomes import State
from panini_daemon.rendering import ResultRow, print_results
from panini_daemon.shares import Share, share_out
from panini_daemon.storage.clock import SystemClock
from panini_daemon.storage.root import log_path
from panini_daemon.stores import open_store, secrets_of
from panini_daemon.supervisor import Supervisor
from panini_daemon.worker_process import WorkerProcess

_PASSED_ON = ("root", "config", "level", "method", "log_level")
"""Flags that every worker is given as they are; the others are shared out or differ."""
_LOG_EVERY = 1.0


def run_several(
    settings: Settings, flags: Mapping[str, object], *, once: bool, quiet: bool, as_json: bool, rows: int
) -> int:
    """Run `settings.workers` workers until all have ended; return the worst exit status.

    A table shows `rows` results at most.
    """
    clock = SystemClock()
    processes: list[WorkerProcess] = []

    def start(share: Share, left: float) -> WorkerProcess:
        processes.append(WorkerProcess(_arguments(share, left, flags, once=once, quiet=quiet)))
        return processes[-1]

    with _logging(settings, quiet=quiet) as log, catching_signals() as signals:
        supervisor = Supervisor(
            share_out(settings, count_gpus(os.environ)),
            start,
            clock=clock,
            log=log,
            once=once,
            runtime_limit=settings.runtime_limit,
            drain_time=settings.drain_time,
        )
        try:
            _watch(supervisor, signals)
        finally:
            supervisor.kill()
    if once:
        _tell(_merge([process.output for process in processes]), as_json=as_json, rows=rows)
    return supervisor.code


def _watch(supervisor: Supervisor, signals: EndingSignals) -> None:
    while not supervisor.finished:
        for signal in signals.wait(supervisor.step()):
            if supervisor.draining:
                supervisor.kill()
                os._exit(ExitCode.KILLED)
            supervisor.drain()
            with suppress(OSError):  # a terminal that was closed
                print(f"{signal.name}: ending all workers; once more ends at once", file=sys.stderr, flush=True)


def _arguments(share: Share, left: float, flags: Mapping[str, object], *, once: bool, quiet: bool) -> list[str]:
    """Return what a worker's command line says; flags win over every other place that settings come from."""
    own = {
        "worker": share.worker,
        "workers": 1,
        "device": share.device,
        "cpu_workers": share.cpu_workers,
        "memory_budget": share.memory_budget,
        "runtime_limit": f"{left:.3f}s",
    }
    given = {name: flags.get(name) for name in _PASSED_ON} | own
    values = [f"--{name.replace('_', '-')}={value}" for name, value in given.items() if value is not None]
    switches = {"--once": once, "--json": once, "--quiet": quiet}
    return values + [name for name, on in switches.items() if on]


@contextmanager
def _logging(settings: Settings, *, quiet: bool) -> Iterator[Logger]:
    """Lend a logger for what happens to workers; it writes to a file of the tree once there is something to tell."""
    store = open_store(settings.root)
    tree = TreeLog(store, log_path(settings.worker), max_bytes=settings.log_max_bytes, backups=settings.log_backups)
    screen = None if quiet else sys.stderr
    log = make_logger(
        clock=SystemClock(),
        level=settings.log_level,
        tree=tree,
        screen=screen,
        secrets=secrets_of(settings, os.environ),
    )
    log = log.bind(worker=settings.worker)

    def flush() -> None:
        if tree.waiting:
            store.check_root()  # a mount that is not there must not be given a folder
            tree.flush()

    heartbeat = Heartbeat("log", _LOG_EVERY, flush, log)
    heartbeat.start()
    try:
        yield log
    finally:
        heartbeat.stop()
        last = threading.Thread(target=heartbeat.beat_once, name="last-log", daemon=True)
        last.start()
        last.join(_LOG_EVERY)  # a folder that hangs keeps nobody from ending


def _merge(outputs: Sequence[bytes]) -> dict[str, Any]:
    """Put together what workers printed; one that was killed printed nothing."""
    reports = [json.loads(output) for output in outputs if output.strip()]
    totals: dict[str, Any] = {}
    for report in reports:
        for name, value in report["totals"].items():
            totals[name] = _add(totals.get(name), value)
    return {"totals": totals, "chunks": [chunk for report in reports for chunk in report["chunks"]]}


def _add(one: Any, other: Any) -> Any:
    if isinstance(one, dict):
        return {key: _add(one.get(key), other.get(key)) for key in {**one, **other}}
    if isinstance(one, int | float) and isinstance(other, int | float):
        return one + other
    return other if one is None else one


def _tell(report: Mapping[str, Any], *, as_json: bool, rows: int) -> None:
    if as_json:
        print_json(report)
    elif report["chunks"]:
        print_results([_row(chunk, report["chunks"]) for chunk in report["chunks"][:rows]])


def _row(chunk: Mapping[str, Any], chunks: Sequence[Mapping[str, Any]]) -> ResultRow:
    base, _, number = str(chunk["chunk"]).rpartition("/chunk_")
    alone = sum(str(other["chunk"]).rpartition("/chunk_")[0] == base for other in chunks) == 1
    good = chunk["state"] in (State.COMMITTED, State.ALREADY)
    return ResultRow(
        base if alone else f"{base} #{int(number)}",
        chunk["method"] if good else str(chunk["error"]).partition(":")[0],
        chunk["original_size"],
        chunk["compressed_size"] if good else chunk["original_size"],
        good,
    )
