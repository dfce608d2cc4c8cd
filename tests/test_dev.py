"""The bootstrap, run on a repository made up for the test whose .venv holds a shell script for a Python."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

DEV = Path(__file__).parent.parent / "dev.py"
FAKE_PYTHON = """\
#!/bin/sh
echo "$@" >> '{log}'
case "$1 $2 $3" in
"-m pip install") echo "pip's own words"; exit $(cat '{pip}') ;;
"-m pytest "*) exit 5 ;;
"-m mypy "*)
    echo "panini_daemon/storage/store.py:3: error: wrong"
    echo "panini_daemon/cli.py:1: error: wrong"
    exit 1 ;;
esac
"""


@pytest.fixture
def dev(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("dev_under_test", DEV)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    venv = tmp_path / ".venv"
    (venv / "bin").mkdir(parents=True)
    for name, value in {
        "ROOT": tmp_path,
        "VENV": venv,
        "PYTHON": venv / "bin/python",
        "STAMP": venv / "installed.sha256",
        "TREE": tmp_path / ".build/tree",
        "PAUSES": (0, 0),
    }.items():
        monkeypatch.setattr(module, name, value)
    for folder in ("daemon", "compressors", "storage", "config"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "__init__.py").touch()
    for name in ("pyproject.toml", "constraints.txt", "dev.py", "calls"):
        (tmp_path / name).touch()
    (tmp_path / "pip-code").write_text("0", encoding="utf-8")
    fake = FAKE_PYTHON.format(log=tmp_path / "calls", pip=tmp_path / "pip-code")
    (venv / "bin/python").write_text(fake, encoding="utf-8")
    (venv / "bin/python").chmod(0o755)
    return module


def calls(dev: ModuleType, start: str) -> list[str]:
    lines: list[str] = (dev.ROOT / "calls").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.startswith(start)]


def test_the_package_is_installed_once_until_its_configuration_changes(dev: ModuleType) -> None:
    assert [dev.prepare(), dev.prepare()] == [0, 0]
    assert len(calls(dev, "-m pip install")) == 1
    (dev.ROOT / "constraints.txt").write_text("torch==9\n", encoding="utf-8")
    assert dev.prepare() == 0
    assert len(calls(dev, "-m pip install")) == 2


def test_a_failing_pip_is_tried_three_times_and_quoted(dev: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    (dev.ROOT / "pip-code").write_text("1", encoding="utf-8")
    assert dev.main(["test"]) == 1
    assert len(calls(dev, "-m pip install")) == 3
    assert "pip's own words" in capsys.readouterr().err
    assert not dev.STAMP.exists()
    assert calls(dev, "-m pytest") == []


def test_a_commands_arguments_and_exit_code_are_passed_through(dev: ModuleType) -> None:
    assert dev.main(["test", "-k", "lease", "--lf"]) == 5
    assert calls(dev, "-m pytest") == ["-m pytest -k lease --lf"]


def test_the_demo_is_given_its_arguments(dev: ModuleType) -> None:
    assert dev.main(["demo", "notes.txt"]) == 0
    assert calls(dev, "-m panini_daemon") == ["-m panini_daemon demo notes.txt"]


def test_type_errors_name_the_repositorys_own_files(dev: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert dev.main(["types"]) == 1
    assert "\nstorage/store.py:3: error: wrong\ndaemon/cli.py:1: error: wrong\n" in capsys.readouterr().out
    assert (dev.TREE / "panini_daemon/storage/__init__.py").exists()


def test_a_file_that_was_deleted_leaves_the_copied_tree(dev: ModuleType) -> None:
    (dev.ROOT / "config/old.py").touch()
    dev._copy_packages()
    (dev.ROOT / "config/old.py").unlink()
    dev._copy_packages()
    assert not (dev.TREE / "panini_daemon/config/old.py").exists()


def test_the_check_runs_every_step_and_names_those_that_failed(
    dev: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    assert dev.main(["check", "-x"]) == 1
    assert calls(dev, "-m pytest") == ["-m pytest -x"]
    captured = capsys.readouterr()
    assert "dev: lint passed" in captured.out
    assert captured.err == "dev: failed: types, test\n"


def test_a_python_that_cannot_make_environments_is_told_what_to_install(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    dev.PYTHON.unlink()
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert dev.main(["test"]) == 2
    assert "apt install python3-venv" in capsys.readouterr().err


def test_a_python_that_is_too_old_is_refused_by_its_number(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(dev, "NEEDED", (99, 0))
    assert dev.main(["test"]) == 2
    assert "needed" in capsys.readouterr().err
    assert calls(dev, "") == []


@pytest.mark.parametrize("arguments", [[], ["tset"], ["lint", "daemon"]])
def test_a_wrong_command_is_refused_before_anything_is_installed(dev: ModuleType, arguments: list[str]) -> None:
    assert dev.main(arguments) == 2
    assert calls(dev, "") == []


@pytest.mark.slow
def test_a_broken_environment_is_made_anew(dev: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    dev.PYTHON.unlink()
    dev.PYTHON.symlink_to("/nowhere/python")
    (dev.ROOT / ".venv/leftover").touch()
    monkeypatch.setattr(dev, "_install", lambda: 0)
    assert dev.prepare() == 0
    assert not (dev.ROOT / ".venv/leftover").exists()
    assert dev._works()
