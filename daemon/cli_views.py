"""The commands that look at a tree and change nothing. Each imports its own module when it is called."""

from pathlib import Path
from typing import Annotated

import typer

from panini_daemon.cli_options import Config, Device, Json, Root


def status(
    root: Root = None,
    config: Config = None,
    *,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Draw it anew until Ctrl-C.")] = False,
    interval: Annotated[float, typer.Option(help="With --watch: seconds between two looks.", min=0.2)] = 2.0,
    json: Json = False,
) -> None:
    """Show the workers, the queue and the totals of a tree."""
    from panini_daemon.commands.status import show_status

    raise typer.Exit(show_status({"root": root, "config": config}, as_json=json, watch=watch, interval=interval))


def logs(
    root: Root = None,
    config: Config = None,
    worker: Annotated[str | None, typer.Option(help="Only of this worker.", show_default=False)] = None,
    level: Annotated[str, typer.Option(help="The least grave lines: debug, info, warning or error.")] = "debug",
    job: Annotated[
        str | None, typer.Option(help="Only of this job; * stands for anything.", show_default=False)
    ] = None,
    event: Annotated[str | None, typer.Option(help="Only this event, such as chunk_*.", show_default=False)] = None,
    since: Annotated[
        str | None, typer.Option(help="Only from then on: 2h, or 2026-03-01T12:00 (UTC).", show_default=False)
    ] = None,
    lines: Annotated[int, typer.Option("--lines", "-n", help="How many of the last lines.", min=0)] = 40,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new lines until Ctrl-C.")] = False,
    json: Json = False,
) -> None:
    """Show what all workers have logged, in time order."""
    from panini_daemon.commands.logs import show_logs

    raise typer.Exit(
        show_logs(
            {"root": root, "config": config},
            follow=follow,
            lines=lines,
            level=level,
            worker=worker,
            job=job,
            event=event,
            since=since,
            as_json=json,
        )
    )


def report(
    base: Annotated[str | None, typer.Argument(help="Only below this base.", show_default=False)] = None,
    root: Root = None,
    config: Config = None,
    csv: Annotated[
        Path | None, typer.Option("--csv", help="Write a line for each chunk to this file.", show_default=False)
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", help="Write a page with plots to this file.", show_default=False)
    ] = None,
    *,
    json: Json = False,
) -> None:
    """Account for the tree: bytes before and after, by file, method and type."""
    from panini_daemon.commands.report import report_tree

    raise typer.Exit(report_tree({"root": root, "config": config}, base, as_json=json, table=csv, page=html))


def doctor(
    root: Root = None,
    config: Config = None,
    device: Device = None,
    *,
    offline: Annotated[bool, typer.Option("--offline", help="Do not ask GitHub.")] = False,
    json: Json = False,
) -> None:
    """Check everything that goes wrong, and say what to do about it; exit 3 where something is bad."""
    from panini_daemon.commands.doctor import examine_all

    raise typer.Exit(examine_all({"root": root, "config": config, "device": device}, as_json=json, offline=offline))


def show_config(
    root: Root = None,
    config: Config = None,
    *,
    reference: Annotated[
        bool, typer.Option("--reference", help="Print a page on all settings and their defaults instead.")
    ] = False,
    json: Json = False,
) -> None:
    """Show the effective settings and where each came from; secrets are hidden."""
    from panini_daemon.commands.config import show_settings

    raise typer.Exit(show_settings({"root": root, "config": config}, as_json=json, reference=reference))
