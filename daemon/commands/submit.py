"""`submit`: put files into the inbox as a job."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from panini_daemon.commands.common import load_settings, open_tree, parse_size, print_json, tell_errors
from panini_daemon.exit_codes import ExitCode
from panini_daemon.rendering import format_bytes, open_console, progress
from panini_daemon.storage.clock import SystemClock
from panini_daemon.storage.submission import submit


@tell_errors
def submit_files(
    flags: Mapping[str, object],
    files: Sequence[Path],
    *,
    base: str | None,
    chunk_size: str,
    level: str | None,
    method: str | None,
    priority: int,
    as_json: bool,
) -> int:
    """Write one job for each file; return the exit status."""
    size = parse_size(chunk_size, "--chunk-size")
    settings = load_settings({**flags, "level": level, "method": method})
    store = open_tree(settings, create=True)
    with progress(sum(file.stat().st_size for file in files), "submitting") as advance:
        submitted = submit(
            store,
            files,
            base=base,
            chunk_size=size,
            level=level,
            method=method,
            priority=priority,
            clock=SystemClock(),
            progress=advance,
        )
    if as_json:
        print_json([asdict(job) for job in submitted])
    else:
        console = open_console()
        for job in submitted:
            console.print(f"{job.base}  {format_bytes(job.size)} in {job.chunks} chunk(s)  -> {job.manifest_path}")
    return ExitCode.OK
