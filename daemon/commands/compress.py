"""`compress`: one file into a folder, without a daemon."""

import os
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from panini_daemon.budget import MemoryBudget
from panini_daemon.commands.common import load_settings, parse_size, print_json, tell_errors
from panini_daemon.compressors.device import choose_device
from panini_daemon.compute import Compute
from panini_daemon.compute_pool import ComputeLimits
from panini_daemon.config import Settings
from panini_daemon.errors import UsageError
from panini_daemon.exit_codes import ExitCode
from panini_daemon.file_compression import compress_file
from panini_daemon.logs import make_logger
from panini_daemon.pipeline import Outcome
from panini_daemon.rendering import ResultRow, print_results, progress
from panini_daemon.slow_work import SlowWork
from panini_daemon.slowness import foresee_minutes
from panini_daemon.spool import Spool
from panini_daemon.storage.clock import SystemClock
from panini_daemon.storage.local import LocalStore
from panini_daemon.weights import model_folders


@tell_errors
def compress_to_folder(flags: Mapping[str, object], file: Path, output: Path, *, chunk_size: str, as_json: bool) -> int:
    """Compress `file` into the folder `output`; return the exit status."""
    size = parse_size(chunk_size, "--chunk-size")
    settings = load_settings(flags)
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise UsageError(f"--output {output} is there already and not an empty folder; name a new one")
    _warn_of_slowness(settings, file)
    outcomes = _compress(settings, file, output, size)
    failed = [outcome for outcome in outcomes if outcome.error is not None]
    for outcome in failed:
        reason = f"{type(outcome.error).__name__}: {outcome.error}"
        print(f"error: chunk {outcome.chunk.chunk_id}: {reason}", file=sys.stderr)
    before = sum(outcome.chunk.size for outcome in outcomes)
    after = sum(outcome.chunk.size if outcome.error else outcome.payload_size for outcome in outcomes)
    methods = " ".join(sorted({outcome.method for outcome in outcomes if outcome.method}))
    if as_json:
        print_json(
            {"file": str(file), "output": str(output), "methods": methods.split(), "chunks": len(outcomes),
             "original_size": before, "compressed_size": after, "verified": not failed}
        )  # fmt: skip
    else:
        print_results([ResultRow(file.name, methods, before, after, not failed)])
    return ExitCode.ERROR if failed else ExitCode.OK


def _warn_of_slowness(settings: Settings, file: Path) -> None:
    """Say beforehand how long the language model will take without a GPU."""
    size, gpu = file.stat().st_size, choose_device(settings.device).is_cuda
    if (minutes := foresee_minutes(settings.method, size, gpu=gpu)) is not None:
        print(f"{settings.method} on a CPU is slow: this may take {minutes:.0f} minutes on one core", file=sys.stderr)


def _compress(settings: Settings, file: Path, output: Path, chunk_size: int) -> list[Outcome]:
    stop, clock = threading.Event(), SystemClock()
    device = choose_device(settings.device)
    models = model_folders()
    slow = SlowWork(clock, make_logger(clock=clock, level="info", tree=None, screen=sys.stderr))
    compute = Compute(device.spec, settings.cpu_workers, ComputeLimits.of(settings), stop, models=models, slow=slow)
    try:
        with (
            Spool(settings.spool) as spool,
            progress(file.stat().st_size, f"compressing {file.name}") as advance,
        ):
            return compress_file(
                file,
                LocalStore(output),
                compute=compute,
                spool=spool,
                budget=MemoryBudget(settings.memory_budget),
                clock=clock,
                log=make_logger(clock=clock, level="warning", tree=None, screen=sys.stderr),
                worker=f"compress-{os.getpid()}",
                level=settings.level,
                method=settings.method,
                chunk_size=chunk_size,
                threads=settings.cpu_workers + 1,
                models=models,
                on_outcome=lambda outcome: advance(outcome.chunk.size),
            )
    finally:
        stop.set()
        compute.close()
