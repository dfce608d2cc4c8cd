"""The options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Root = Annotated[
    str | None,
    typer.Option("--root", help="The tree's root: a folder, or s3://BUCKET/PREFIX and the like.", show_default=False),
]
Config = Annotated[Path | None, typer.Option("--config", help="A panini.toml to read.", show_default=False)]
Level = Annotated[str | None, typer.Option("--level", help="fast, balanced, best, max or auto.", show_default=False)]
Method = Annotated[
    str | None,
    typer.Option("--method", help="auto, a family (generic, text, image) or a method id.", show_default=False),
]
Device = Annotated[str | None, typer.Option("--device", help="auto, cpu, cuda or cuda:<number>.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
