"""`demo`: the main job, end to end, on sample files."""

import filecmp
import shutil
import sys
import tempfile
from pathlib import Path

from panini_daemon.application import running
from panini_daemon.commands.common import load_settings, tell_errors
from panini_daemon.compressors import Device, Registry
from panini_daemon.exit_codes import ExitCode
from panini_daemon.outcomes import Outcome
from panini_daemon.reader import Reader
from panini_daemon.rendering import ResultRow, format_seconds, open_console, print_results
from panini_daemon.restoration import restore_file
from panini_daemon.samples import make_samples
from panini_daemon.storage.clock import SystemClock
from panini_daemon.storage.root import base_folder
from panini_daemon.storage.submission import submit
from panini_daemon.weights import surroundings_of


@tell_errors
def run_demo(root: Path | None, level: str | None) -> int:
    """Submit samples, run the daemon until the inbox is empty, restore each file and compare it; 3 if one differs."""
    scratch = Path(tempfile.mkdtemp(prefix="panini-demo-"))
    try:
        return _demo(root or scratch / "PaniniFS", level, scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _demo(root: Path, level: str | None, scratch: Path) -> int:
    console, clock = open_console(), SystemClock()
    samples = make_samples(scratch / "samples")
    settings = load_settings({"root": root, "level": level})
    outcomes: list[Outcome] = []
    begin = clock.monotonic()
    with running(settings, once=True, screen=sys.stderr, on_outcome=outcomes.append) as app:
        submit(app.store, samples, clock=clock)
        app.run()
    reader = Reader(app.store, Registry(surroundings=surroundings_of(settings.root, app.store)), Device())
    rows = []
    for sample in samples:
        mine = [outcome for outcome in outcomes if outcome.chunk.base == sample.name]
        restored = scratch / "restored" / sample.name
        restore_file(reader, base_folder(sample.name), restored)
        rows.append(
            ResultRow(
                sample.name,
                " ".join(sorted({outcome.inner or outcome.method for outcome in mine})),
                sample.stat().st_size,
                sum(outcome.payload_size for outcome in mine),
                filecmp.cmp(sample, restored, shallow=False),
            )
        )
    console.print()
    print_results(rows)
    console.print(
        f"\n{len(outcomes)} chunks leased, compressed, decoded, committed and restored in "
        f"{format_seconds(clock.monotonic() - begin)} at level {settings.level} on {app.compute.device_name}.",
        soft_wrap=True,
    )
    return ExitCode.OK if all(row.verified for row in rows) else ExitCode.DAMAGE
