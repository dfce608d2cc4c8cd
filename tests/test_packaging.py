"""The wheel and the source distribution are whole and install clean."""

import os
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
from fakes.markdown import ROOT

from panini_daemon import __version__

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def own_packages() -> dict[str, Path]:
    """Return every package in the repository by its import name."""
    found: dict[str, Path] = {}
    for top, name in (("daemon", ""), ("compressors", ".compressors"), ("storage", ".storage"), ("config", ".config")):
        for init in (ROOT / top).rglob("__init__.py"):
            inner = init.parent.relative_to(ROOT / top).parts
            found[".".join([f"panini_daemon{name}", *inner])] = init.parent
    return found


def test_every_package_is_named_and_mapped_in_pyproject() -> None:
    told = PROJECT["tool"]["setuptools"]
    assert set(told["packages"]) == set(own_packages())
    assert {name: ROOT / path for name, path in told["package-dir"].items()} == own_packages()


def test_the_version_is_told_once() -> None:
    assert PROJECT["project"]["version"] == __version__


@pytest.mark.slow
def test_wheel_and_sdist_build_and_the_wheel_installs_and_runs(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True, timeout=300)  # the wheel is made from the sdist
    (wheel,), (sdist,) = tmp_path.glob("*.whl"), tmp_path.glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as file:
        names = set(file.namelist())
    for package, folder in own_packages().items():
        for source in folder.glob("*.py"):
            assert f"{package.replace('.', '/')}/{source.name}" in names
    assert "panini_daemon/py.typed" in names
    with tarfile.open(sdist) as archive:
        top = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE"} <= top
    target = tmp_path / "installed"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(target), str(wheel)]
    subprocess.run(install, check=True, capture_output=True, timeout=300)
    ran = subprocess.run(
        [sys.executable, target / "bin/panini-daemon", "--version"],
        env={**os.environ, "PYTHONPATH": str(target)},
        check=True,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=60,
    )
    assert ran.stdout == f"panini-daemon {__version__}\n"


@pytest.mark.slow
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_get_a_completion(shell: str) -> None:
    command = [sys.executable, "-c", "from panini_daemon.cli import main; main(['--show-completion'])"]
    env = {**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    ran = subprocess.run([*command[:2], command[2].replace("'--show-completion'", f"'--show-completion', '{shell}'")],
                         env=env, check=True, capture_output=True, text=True, timeout=60)  # fmt: skip
    assert "panini" in ran.stdout.lower()
