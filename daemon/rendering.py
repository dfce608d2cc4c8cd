"""What a person sees in a terminal or a pipe: sizes, durations, tables, progress.

Sizes are decimal, as Drive and disk makers count: 1 kB is 1000 bytes. rich is imported when first needed.
"""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

WIDTH = 80
_SIZE_UNITS = ("kB", "MB", "GB", "TB", "PB")


@dataclass(frozen=True, slots=True)
class ResultRow:
    """A line of a results table: a file or chunk, its method, bytes before and after, and if it decodes."""

    name: str
    method: str
    before: int
    after: int
    verified: bool


def format_bytes(size: int) -> str:
    """Write a number of bytes in decimal units: `815 B`, `1.2 MB`, `640 GB`."""
    if abs(size) < 1000:
        return f"{size} B"
    amount = float(size)
    for unit in _SIZE_UNITS:
        amount /= 1000
        # 999.95 would be written as 1000.0 or 1000: the next unit says it better.
        if abs(amount) < 99.95:
            return f"{amount:.1f} {unit}"
        if abs(amount) < 999.5:
            return f"{amount:.0f} {unit}"
    return f"{amount:.0f} {_SIZE_UNITS[-1]}"


def format_seconds(seconds: float) -> str:
    """Write a duration with the two units that matter: `0.42 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`."""
    if seconds < 9.995:
        return f"{seconds:.2f} s"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for large, unit, small, lesser in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= large:
            rest = whole % large // small
            return f"{whole // large} {unit}" + (f" {rest} {lesser}" if rest else "")
    return f"{whole} s"


def format_saved(before: int, after: int) -> str:
    """Write the share of bytes saved: `68.9 %`, negative where the result is larger, `-` for nothing."""
    return f"{100 * (before - after) / before:.1f} %" if before else "-"


def open_console(file: TextIO | None = None) -> "Console":
    """Open a console on `file`, standard output where None: no colour in a pipe or where NO_COLOR is set.

    In a pipe it is 80 columns wide, whatever COLUMNS says.
    """
    from rich.console import Console  # noqa: PLC0415  late, so that commands that print no table start fast

    target = sys.stdout if file is None else file
    width = None if target.isatty() else WIDTH
    return Console(file=target, width=width, force_terminal=target.isatty(), highlight=False, markup=False)


def results_table(rows: Sequence[ResultRow], *, mark: str = "✓") -> "Table":
    """Build a table of results for 80 columns, with a line of totals under more than one row.

    Long names wrap rather than lose letters. `mark` stands for a verified result, `NO` for any other.
    """
    from rich.table import Table  # noqa: PLC0415

    table = Table(box=None, pad_edge=False, header_style="bold", show_footer=len(rows) > 1)
    before, after = (sum(getattr(row, field) for row in rows) for field in ("before", "after"))
    verified = sum(row.verified for row in rows)
    table.add_column("file", footer="total", overflow="fold", ratio=1)
    table.add_column("method", overflow="fold", max_width=24)
    table.add_column("before", footer=format_bytes(before), justify="right", no_wrap=True)
    table.add_column("after", footer=format_bytes(after), justify="right", no_wrap=True)
    table.add_column("saved", footer=format_saved(before, after), justify="right", no_wrap=True)
    table.add_column("verified", footer=f"{verified}/{len(rows)}", justify="right", no_wrap=True)
    for row in rows:
        table.add_row(
            row.name,
            row.method,
            format_bytes(row.before),
            format_bytes(row.after),
            format_saved(row.before, row.after),
            mark if row.verified else "NO",
        )
    return table


def print_results(rows: Sequence[ResultRow], file: TextIO | None = None) -> None:
    """Print a results table to `file`, standard output where None, with `yes` where no tick can be shown."""
    console = open_console(file)
    console.print(results_table(rows, mark="✓" if console.encoding.startswith("utf") else "yes"))


@contextmanager
def progress(total: int, description: str, *, file: TextIO | None = None) -> Iterator[Callable[[int], None]]:
    """Show a bar of `total` bytes with rate and time left on `file`, standard error where None.

    Yields a function to call with the number of bytes done since the last call. There is no bar in a pipe,
    and on a terminal it goes away at the end.
    """
    target = sys.stderr if file is None else file
    if not target.isatty() or os.environ.get("TERM") == "dumb":
        yield lambda _: None
        return
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(compact=True),
    )
    with Progress(*columns, console=open_console(target), transient=True) as bar:
        task = bar.add_task(description, total=total)
        yield lambda done: bar.advance(task, done)


@contextmanager
def counting(description: str, *, file: TextIO | None = None) -> Iterator[Callable[[], None]]:
    """Show a growing count on a terminal, for work whose end is not known; yields a function that adds one."""
    target = sys.stderr if file is None else file
    if not target.isatty() or os.environ.get("TERM") == "dumb":
        yield lambda: None
        return
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    columns = (SpinnerColumn(), TextColumn("{task.description} {task.completed}"), TimeElapsedColumn())
    with Progress(*columns, console=open_console(target), transient=True) as bar:
        task = bar.add_task(description, total=None)
        yield lambda: bar.advance(task)
