"""`config`: the effective settings and where each came from."""

import os
from collections.abc import Mapping
from pathlib import Path

from panini_daemon.commands.common import print_json, tell_errors
from panini_daemon.config import describe, load
from panini_daemon.exit_codes import ExitCode
from panini_daemon.rendering import open_console


@tell_errors
def show_settings(flags: Mapping[str, object], *, as_json: bool, reference: bool = False) -> int:
    """Print every setting, its value and its origin, or a page on all of them; return the exit status."""
    if reference:
        from panini_daemon.config.reference import render_reference  # noqa: PLC0415  slow to import

        print(render_reference(), end="")
        return ExitCode.OK
    rows = describe(load(flags, environ=os.environ, cwd=Path.cwd()))
    if as_json:
        print_json({row.name: {"value": row.value, "origin": row.origin} for row in rows})
        return ExitCode.OK
    console = open_console()
    from rich.table import Table  # noqa: PLC0415  late, as all of rich

    table = Table("setting", "value", "from", box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(row.name, row.value, row.origin)
    console.print(table)
    return ExitCode.OK
