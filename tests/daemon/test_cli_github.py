"""What `github pending`, `github drop` and `github receive` have in common."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from fakes.github.server import FakeGithub
from fakes.workflow_step import Step, completed, hub, statuses, step

from panini_daemon.exit_codes import ExitCode

__all__ = ["hub", "step"]


def test_help_names_the_commands_and_their_options(step: Step) -> None:
    ran = step("--help")
    assert ran.code == ExitCode.OK
    for name in ("pending", "drop", "receive"):
        assert name in ran.out
        assert step(name, "--help").code == ExitCode.OK


BLOCKED = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names!r}:
            raise ImportError("blocked: " + name)
sys.meta_path.insert(0, Blocker())
from panini_daemon.cli import main
main(sys.argv[1:])
"""
ROOT = Path(__file__).parents[2]
MODULES = {"pillow": "PIL", "PyGithub": "github"}


def left_out() -> set[str]:
    """Return the modules of the packages that the project needs and the workflows' requirements leave out."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    installed = (ROOT / "workflows/requirements.txt").read_text(encoding="utf-8").splitlines()
    names = [line.partition(">")[0] for line in project["dependencies"] if line not in installed]
    return {MODULES.get(name, name.replace("-", "_")) for name in names}


@pytest.mark.slow
def test_a_runner_needs_none_of_the_compressors_packages(step: Step, hub: FakeGithub) -> None:
    step.check_out(hub)
    step.run_for(hub)
    step.make_root()
    step.event(completed(0))
    assert {"torch", "numpy", "PIL", "imagecodecs"} <= left_out()
    script = BLOCKED.format(names=left_out())
    for arguments in (["pending"], ["drop", "--root", "R"], ["receive"]):
        command = [sys.executable, "-W", "error", "-c", script, "github", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, cwd=step.folder)
        assert (done.returncode, done.stderr) == (ExitCode.OK, "")
    assert statuses(hub) == ["completed", "queued", "queued"]
    done = subprocess.run(
        [sys.executable, "-c", script, "demo"], capture_output=True, text=True, check=False, timeout=120
    )
    assert "blocked: " in done.stderr


@pytest.mark.slow
def test_help_imports_nothing_of_github(step: Step) -> None:
    script = BLOCKED.format(names={"requests", "github", *left_out()})
    for arguments in (["--help"], ["github", "--help"], ["github", "drop", "--help"]):
        command = [sys.executable, "-c", script, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert (done.returncode, done.stderr) == (ExitCode.OK, "")
