"""Which package may import which, read from the source files themselves."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = "panini_daemon"
LAYERS = ("compressors", "storage", "config")
HEAVY = ("torch", "numpy", "PIL", "imagecodecs", "pydantic_settings")


def imported_modules(source: str, module: str, *, is_package: bool) -> Iterator[str]:
    """Yield the full name of everything that a module imports, at its top or anywhere inside."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                up = node.level - 1 if is_package else node.level
                parts = module.split(".")
                base = ".".join([*parts[: len(parts) - up], *([base] if base else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def foreign_imports(source: str, module: str, layer: str, *, is_package: bool = False) -> list[str]:
    """List what a module of a layer imports of the project from outside its layer."""
    own = f"{PACKAGE}.{layer}"
    return [
        name
        for name in imported_modules(source, module, is_package=is_package)
        if name.split(".")[0] == PACKAGE and name != own and not name.startswith(f"{own}.")
    ]


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_imports_nothing_of_the_project_but_itself(layer: str) -> None:
    found = {}
    paths = sorted((ROOT / layer).rglob("*.py"))
    assert len(paths) > 1
    for path in paths:
        is_package = path.name == "__init__.py"
        steps = path.relative_to(ROOT).with_suffix("").parts
        module = ".".join([PACKAGE, *(steps[:-1] if is_package else steps)])
        names = foreign_imports(path.read_text(encoding="utf-8"), module, layer, is_package=is_package)
        if names:
            found[str(path.relative_to(ROOT))] = names
    assert found == {}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import panini_daemon.compressors.device", ["panini_daemon.compressors.device"]),
        ("import panini_daemon", ["panini_daemon"]),
        ("from panini_daemon import cli", ["panini_daemon.cli"]),
        ("from panini_daemon.config import loader", ["panini_daemon.config.loader"]),
        ("from ..config.loader import load", ["panini_daemon.config.loader.load"]),
        ("from .. import pipeline", ["panini_daemon.pipeline"]),
        ("def late():\n    from panini_daemon.pipeline import run", ["panini_daemon.pipeline.run"]),
        ("from panini_daemon.storage.errors import StorageError", []),
        ("from . import errors", []),
        ("from .errors import StorageError\nimport json", []),
        ("import panini_daemon.storage_tools", ["panini_daemon.storage_tools"]),
    ],
)
def test_a_forbidden_import_is_found_however_it_is_written(source: str, expected: list[str]) -> None:
    assert foreign_imports(source, "panini_daemon.storage.leases", "storage") == expected


@pytest.mark.slow
def test_importing_the_command_line_imports_nothing_heavy() -> None:
    probe = f"import sys, panini_daemon.cli; print(*[name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr
