"""The command line. Each command imports its own module when it is called, so that `--help` is quick."""

import io
import sys
from pathlib import Path
from typing import Annotated

import typer

from panini_daemon import __version__
from panini_daemon.cli_github import github
from panini_daemon.cli_models import models
from panini_daemon.cli_options import Config, Device, Json, Level, Method, Root
from panini_daemon.cli_views import doctor, logs, report, show_config, status
from panini_daemon.exit_codes import ExitCode

app = typer.Typer(
    name="panini-daemon",
    help="Compress chunks from an inbox, prove that they decode, and file them in a Drive folder. "
    "Without a command: run the daemon.",
    no_args_is_help=False,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(github, name="github")
app.add_typer(models, name="models")

Base = Annotated[str, typer.Argument(help="The file's base name in the tree.")]


@app.command()
def run(
    root: Root = None,
    config: Config = None,
    level: Level = None,
    method: Method = None,
    device: Device = None,
    worker: Annotated[str | None, typer.Option(help="This worker's id.", show_default=False)] = None,
    workers: Annotated[
        str | None,
        typer.Option(help="Worker processes on this machine; auto: one for each GPU.", show_default=False),
    ] = None,
    cpu_workers: Annotated[
        str | None, typer.Option(help="Chunks compressed at once on the CPU.", show_default=False)
    ] = None,
    memory_budget: Annotated[
        str | None, typer.Option(help="Memory for work in progress, such as 4GiB.", show_default=False)
    ] = None,
    runtime_limit: Annotated[
        str | None, typer.Option(help="End cleanly after this long, such as 11h.", show_default=False)
    ] = None,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning or error.", show_default=False)] = None,
    *,
    once: Annotated[bool, typer.Option("--once", help="Empty the inbox, then exit (3 if a job failed).")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No log lines on standard error.")] = False,
    supervised: Annotated[bool, typer.Option("--supervised", hidden=True)] = False,
    json: Json = False,
) -> None:
    """Run the daemon: watch the inbox, compress, verify, commit. The default command."""
    from panini_daemon.commands.run import run_daemon

    flags = {
        "root": root,
        "config": config,
        "level": level,
        "method": method,
        "device": device,
        "worker": worker,
        "workers": workers,
        "cpu_workers": cpu_workers,
        "memory_budget": memory_budget,
        "runtime_limit": runtime_limit,
        "log_level": log_level,
    }
    raise typer.Exit(run_daemon(flags, once=once, quiet=quiet, as_json=json, supervised=supervised))


@app.command()
def submit(
    files: Annotated[list[Path], typer.Argument(help="Files to compress.", exists=True, dir_okay=False)],
    root: Root = None,
    config: Config = None,
    base: Annotated[
        str | None, typer.Option(help="Name in the tree; by default the file's name.", show_default=False)
    ] = None,
    chunk_size: Annotated[str, typer.Option(help="Size of a chunk, such as 1MiB.")] = "1MiB",
    level: Level = None,
    method: Method = None,
    priority: Annotated[int, typer.Option(help="Higher goes first.")] = 0,
    *,
    json: Json = False,
) -> None:
    """Cut files into chunks and put the job into the inbox."""
    from panini_daemon.commands.submit import submit_files

    raise typer.Exit(
        submit_files(
            {"root": root, "config": config},
            files,
            base=base,
            chunk_size=chunk_size,
            level=level,
            method=method,
            priority=priority,
            as_json=json,
        )
    )


@app.command()
def restore(
    base: Base,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Where to write; by default ./<name>.", show_default=False),
    ] = None,
    root: Root = None,
    config: Config = None,
    chunk: Annotated[int | None, typer.Option(help="Only this chunk.", show_default=False)] = None,
    *,
    accept_reencoded: Annotated[
        bool, typer.Option("--accept-reencoded", help="Take images of which recipe 1.0 kept only the pixels.")
    ] = False,
    json: Json = False,
) -> None:
    """Rebuild a file (or one chunk) from the tree; every SHA-256 is checked."""
    from panini_daemon.commands.restore import restore_base

    raise typer.Exit(
        restore_base(
            {"root": root, "config": config},
            base,
            output=output,
            chunk=chunk,
            accept_reencoded=accept_reencoded,
            as_json=json,
        )
    )


@app.command()
def verify(
    base: Annotated[str | None, typer.Argument(help="Only below this base.", show_default=False)] = None,
    root: Root = None,
    config: Config = None,
    *,
    deep: Annotated[bool, typer.Option("--deep", help="Decode everything, too.")] = False,
    repair: Annotated[bool, typer.Option("--repair", help="Bring back what is damaged or missing.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="With --repair: only tell what it would do.")] = False,
    json: Json = False,
) -> None:
    """Check the tree: every commit's hashes, every file's completeness; exit 3 where something is wrong."""
    from panini_daemon.commands.verify import verify_root

    flags = {"root": root, "config": config}
    raise typer.Exit(verify_root(flags, base, deep=deep, repair=repair, dry_run=dry_run, as_json=json))


@app.command()
def compress(
    file: Annotated[Path, typer.Argument(help="The file to compress.", exists=True, dir_okay=False)],
    output: Annotated[Path, typer.Option("--output", "-o", help="A new or empty folder for the chunks.")],
    config: Config = None,
    chunk_size: Annotated[str, typer.Option(help="Size of a chunk, such as 1MiB.")] = "64MiB",
    level: Level = None,
    method: Method = None,
    device: Device = None,
    *,
    json: Json = False,
) -> None:
    """Compress one file into a folder, without a daemon or a tree."""
    from panini_daemon.commands.compress import compress_to_folder

    raise typer.Exit(
        compress_to_folder(
            {"config": config, "level": level, "method": method, "device": device},
            file,
            output,
            chunk_size=chunk_size,
            as_json=json,
        )
    )


@app.command()
def decompress(
    folder: Annotated[Path, typer.Argument(help="A folder that `compress` or the daemon wrote.", exists=True)],
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write.")],
    *,
    accept_reencoded: Annotated[
        bool, typer.Option("--accept-reencoded", help="Take images of which recipe 1.0 kept only the pixels.")
    ] = False,
    json: Json = False,
) -> None:
    """Rebuild a file from a folder of chunks (or from one chunk), without a tree."""
    from panini_daemon.commands.decompress import decompress_folder

    raise typer.Exit(decompress_folder(folder, output, accept_reencoded=accept_reencoded, as_json=json))


app.command()(status)
app.command()(logs)
app.command()(report)
app.command()(doctor)
app.command("config")(show_config)


@app.command()
def demo(
    root: Annotated[
        Path | None, typer.Option("--root", help="Keep the tree here; by default a temporary folder.")
    ] = None,
    level: Level = None,
) -> None:
    """Make sample files, run the whole daemon on them, restore them, and print what came of it."""
    from panini_daemon.commands.demo import run_demo

    raise typer.Exit(run_demo(root, level))


@app.callback(invoke_without_command=True)
def panini(
    context: typer.Context,
    *,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """See `app.help`; a callback exists for --version."""
    if version:
        typer.echo(f"panini-daemon {__version__}")
        raise typer.Exit
    del context


_OWN_FLAGS = {"--help", "-h", "--version", "--install-completion", "--show-completion"}


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; without a command, `run`. Exits with an ExitCode."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or (given[0].startswith("-") and given[0] not in _OWN_FLAGS):
        given.insert(0, "run")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names of files may be no text, and are told all the same
    try:
        app(args=given, prog_name="panini-daemon")
    except KeyboardInterrupt:
        raise SystemExit(ExitCode.KILLED) from None
