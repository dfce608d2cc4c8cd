"""The `github` commands: what the workflows of a repository run. Each imports its module when it is called."""
# ruff: noqa: PLC0415

from typing import Annotated

import typer

github = typer.Typer(
    help="For workflows: check, send and receive the chunks of a checked-out GitHub repository.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Folder = Annotated[str, typer.Option("--folder", help="The repository's folder of chunk trees.")]
Ref = Annotated[
    str | None,
    typer.Option("--ref", help="The branch to write to; by default the run's own.", show_default=False),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


@github.command()
def pending(folder: Folder = "pending_compression", *, json: Json = False) -> None:
    """Check the chunks that wait in this checkout and count them; exit 3 where one is damaged."""
    from panini_daemon.commands.github import show_pending

    raise typer.Exit(show_pending(folder, as_json=json))


@github.command()
def drop(
    remote: Annotated[
        str | None,
        typer.Option("--remote", help="The tree as an rclone remote, NAME:PATH.", show_default=False),
    ] = None,
    root: Annotated[
        str | None,
        typer.Option("--root", help="The tree's root: a mounted folder, or s3://BUCKET/PREFIX.", show_default=False),
    ] = None,
    folder: Folder = "pending_compression",
    level: Annotated[str | None, typer.Option(help="fast, balanced, best or max.", show_default=False)] = None,
    method: Annotated[
        str | None,
        typer.Option(help="auto, a family or a method id; the worker's choice if absent.", show_default=False),
    ] = None,
    priority: Annotated[int, typer.Option(help="Higher goes first.")] = 0,
    ref: Ref = None,
    rclone: Annotated[str, typer.Option(help="The rclone program.")] = "rclone",
    *,
    again: Annotated[bool, typer.Option("--again", help="Send chunks that are marked as queued, too.")] = False,
    mark_queued: Annotated[
        bool, typer.Option("--mark-queued/--no-mark-queued", help="Commit the status `queued` afterwards.")
    ] = True,
    json: Json = False,
) -> None:
    """Put the pending chunks of this checkout into a tree's inbox, as one job; exit 3 where one is damaged."""
    from panini_daemon.commands.github import drop_pending

    raise typer.Exit(
        drop_pending(
            folder,
            root=root,
            remote=remote,
            rclone=rclone,
            level=level or None,
            method=method or None,
            priority=priority,
            again=again,
            mark_queued=mark_queued,
            ref=ref,
            as_json=json,
        )
    )


@github.command()
def receive(ref: Ref = None, *, json: Json = False) -> None:
    """Write what a `chunk_compressed` event reports into metadata.json; exit 3 where the event is wrong."""
    from panini_daemon.commands.github import receive_reports

    raise typer.Exit(receive_reports(ref, as_json=json))
