#!/usr/bin/env python3
"""Set up and run everything in this repository with nothing but Python 3.11 or newer.

    python3 dev.py demo     compress a few files, prove that they decode, and show what was saved
    python3 dev.py test     the whole test suite; further arguments go to pytest
    python3 dev.py lint     ruff's lint and format checks
    python3 dev.py types    mypy --strict
    python3 dev.py layers   which package may import which
    python3 dev.py check    lint, types, layers and test, one after the other; arguments go to pytest

The first run makes a virtual environment in .venv and installs the package into it, which downloads PyTorch
and takes a few minutes; later runs install only when pyproject.toml or constraints.txt has changed.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = VENV / "installed.sha256"
TREE = ROOT / ".build" / "tree"
PACKAGES = ("compressors", "storage", "config")
NEEDED = (3, 11)
PAUSES = (5, 20)
"""Seconds to wait before each further attempt of a download that failed."""


def main(arguments: list[str]) -> int:
    """Run one command and return its exit code."""
    if sys.version_info < NEEDED:
        found = f"{sys.version_info.major}.{sys.version_info.minor}"
        return _fail(f"this is Python {found}, but 3.11 or newer is needed: install one and run it with dev.py")
    commands = {"demo": demo, "test": test, "lint": lint, "types": types, "layers": layers, "check": check}
    name = arguments[0] if arguments else ""
    if name in {"-h", "--help", "help"}:
        print(__doc__)
        return 0
    if name not in commands:
        return _fail(f"expected one of {', '.join(commands)}, found {name!r}; `dev.py help` explains them")
    if name in {"lint", "types", "layers"} and arguments[1:]:
        return _fail(f"`dev.py {name}` takes no arguments, found {' '.join(arguments[1:])}")
    try:
        return prepare() or commands[name](arguments[1:])
    except KeyboardInterrupt:
        return 130


def prepare() -> int:
    """Make .venv and install the package into it, unless that was done for this very configuration."""
    wanted = _fingerprint()
    if PYTHON.exists() and STAMP.is_file() and STAMP.read_text(encoding="utf-8") == wanted:
        return 0
    STAMP.unlink(missing_ok=True)
    if not _works():
        if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
            return _fail(
                "this Python cannot make virtual environments (its venv or ensurepip module is missing).\n"
                "On Debian or Ubuntu: apt install python3-venv. Elsewhere: install Python from python.org."
            )
        print("dev: making .venv", flush=True)
        code = _run([sys.executable, "-m", "venv", "--clear", str(VENV)])
        if code:
            return _fail(f"`python -m venv` failed with exit code {code}; its own words stand above", code)
    print("dev: installing the package and its tools (the first time takes minutes)", flush=True)
    code = _install()
    if not code:
        STAMP.write_text(wanted, encoding="utf-8")
    return code


def demo(arguments: list[str]) -> int:
    """Run the product's own demonstration."""
    return _run([str(PYTHON), "-m", "panini_daemon", "demo", *arguments])


def test(arguments: list[str]) -> int:
    """Run the whole test suite, slow tests included."""
    return _run([str(PYTHON), "-m", "pytest", *arguments], cwd=ROOT)


def lint(_: list[str]) -> int:
    """Check style and formatting."""
    code = _run([str(PYTHON), "-m", "ruff", "check", "--quiet", "."], cwd=ROOT)
    return _run([str(PYTHON), "-m", "ruff", "format", "--check", "--quiet", "."], cwd=ROOT) or code


def types(_: list[str]) -> int:
    """Check types with mypy, and name the repository's own paths in what it says."""
    _copy_packages()
    command = [str(PYTHON), "-m", "mypy", "--no-error-summary", "panini_daemon", "dev.py"]
    done = subprocess.run(command, cwd=TREE, stdout=subprocess.PIPE, text=True, check=False)
    print(_map_paths(done.stdout), end="", flush=True)
    return done.returncode


def layers(_: list[str]) -> int:
    """Check which package imports which, by the contracts in pyproject.toml."""
    _copy_packages()
    linter = "import sys; from importlinter.cli import lint_imports_command as c; sys.exit(c(['--no-logo']))"
    command = [str(PYTHON), "-c", linter]
    done = subprocess.run(command, cwd=TREE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        print(done.stdout, end="", flush=True)
    return done.returncode


def check(arguments: list[str]) -> int:
    """Run every check, the tests last, and fail if any failed."""
    failed = []
    for step in (lint, types, layers, test):
        name = step.__name__
        print(f"dev: {name}", flush=True)
        started = time.monotonic()
        code = step(arguments if step is test else [])
        if code:
            failed.append((name, code))
        if step is not test:
            verdict = f"failed with exit code {code}" if code else "passed"
            print(f"dev: {name} {verdict} in {time.monotonic() - started:.0f} s", flush=True)
    if failed:
        return _fail("failed: " + ", ".join(name for name, _ in failed), failed[0][1])
    return 0


def _install() -> int:
    command = [
        str(PYTHON),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-input",
        "--constraint",
        "constraints.txt",
    ]
    command += ["--editable", ".[dev]"]
    for pause in (*PAUSES, None):
        done = subprocess.run(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        if done.returncode == 0:
            return 0
        if pause is not None:
            print(f"dev: pip failed (exit code {done.returncode}); trying again in {pause} s", flush=True)
            time.sleep(pause)
    last = "\n".join(f"  {line}" for line in done.stdout.strip().splitlines()[-15:])
    return _fail(
        f"pip failed {len(PAUSES) + 1} times; the last time it said:\n{last}\n"
        "Check the network and pip's settings (`python3 -m pip config list`), then run this again.",
        done.returncode,
    )


def _copy_packages() -> None:
    """Copy the packages into one tree laid out as they are imported, which tools that read files need."""
    package = TREE / "panini_daemon"
    shutil.rmtree(package, ignore_errors=True)
    leave_out = shutil.ignore_patterns("__pycache__")
    # Times are kept, so that mypy's cache of the last run still serves.
    shutil.copytree(ROOT / "daemon", package, ignore=leave_out)
    for name in PACKAGES:
        shutil.copytree(ROOT / name, package / name, ignore=leave_out)
    for name in ("pyproject.toml", "dev.py"):
        shutil.copy2(ROOT / name, TREE / name)


def _map_paths(text: str) -> str:
    for name in PACKAGES:
        text = text.replace(f"panini_daemon{os.sep}{name}{os.sep}", f"{name}{os.sep}")
    return text.replace(f"panini_daemon{os.sep}", f"daemon{os.sep}")


def _fingerprint() -> str:
    """Sum up what an installation depends on; its place too, as an editable one holds absolute paths."""
    digest = hashlib.sha256(str(ROOT).encode())
    for name in ("pyproject.toml", "constraints.txt"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def _works() -> bool:
    """Tell whether .venv holds a Python that is new enough and has pip; a killed run leaves less."""
    probe = f"import sys, pip; sys.exit(sys.version_info < {NEEDED})"
    return PYTHON.exists() and _run([str(PYTHON), "-c", probe], stderr=subprocess.DEVNULL) == 0


def _run(command: list[str], cwd: Path | None = None, stderr: int | None = None) -> int:
    return subprocess.run(command, cwd=cwd, stderr=stderr, check=False).returncode


def _fail(message: str, code: int = 2) -> int:
    print(f"dev: {message}", file=sys.stderr, flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
