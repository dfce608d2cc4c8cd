"""What README and docs say is what the program does."""

import ast
import importlib
import inspect
import re
import shlex
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import typer
from fakes.command_line import CommandLine, call
from fakes.events import logged_events
from fakes.markdown import PAGES, ROOT, fences, prose, quoted, read, table

from panini_daemon.cli import app
from panini_daemon.compressors import Registry
from panini_daemon.config import load
from panini_daemon.config.fields import Fields
from panini_daemon.config.listing import write_value
from panini_daemon.config.reference import render_reference
from panini_daemon.exit_codes import ExitCode


def list_commands(group: typer.Typer, before: str = "") -> Iterator[tuple[str, Callable[..., object]]]:
    for one in group.registered_commands:
        if one.callback:
            yield f"{before}{one.name or one.callback.__name__}", one.callback
    for inner in group.registered_groups:
        assert inner.typer_instance
        yield from list_commands(inner.typer_instance, f"{inner.name} ")


COMMANDS = dict(list_commands(app))
COMMAND_LINE = re.compile(r"(?:^|[\s!`])((?:panini-daemon|python3? -m panini_daemon)(?: [^`#\n]*)?)", re.MULTILINE)


def command_lines() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for fence in (*fences(page, "sh"), *fences(page, "python")):
            for match in COMMAND_LINE.finditer(fence.text):
                yield page, match[1].strip()
        for words in quoted(prose(page)):
            if words.startswith(("panini-daemon ", "python -m panini_daemon ")):
                yield page, words


def arguments_of(line: str) -> list[str]:
    return shlex.split(line.removeprefix("panini-daemon").removeprefix("python -m panini_daemon"))


@pytest.fixture
def parse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], int]:
    """Let the program parse a command line and stop there; files that it names are there."""
    for name in {command.partition(" ")[0] for command in COMMANDS}:
        module = importlib.import_module(f"panini_daemon.commands.{name}")
        for word, value in vars(module).items():
            if inspect.isfunction(value) and value.__module__ == module.__name__ and hasattr(value, "__wrapped__"):
                monkeypatch.setattr(module, word, lambda *_, **__: ExitCode.OK)
    monkeypatch.chdir(tmp_path)

    def run(line: str) -> int:
        for word in arguments_of(line):
            if not word.startswith(("-", "/")) and "://" not in word:
                (tmp_path / word).touch()
        return call(*arguments_of(line))

    return run


# --- README and the command line


def test_the_readme_lists_exactly_the_commands_there_are() -> None:
    rows = table("README.md", "command", "what it does")
    assert sorted(quoted(row["command"])[0] for row in rows) == sorted(COMMANDS)


def test_the_french_readme_has_the_same_commands_and_steps() -> None:
    french = table("README.fr.md", "commande", "ce qu'elle fait")
    english = table("README.md", "command", "what it does")
    assert [row["commande"] for row in french] == [row["command"] for row in english]
    code = re.compile(r"^(.*?)\s*(?:#.*)?$", re.MULTILINE)
    for told, same in zip(fences("README.fr.md", "sh"), fences("README.md", "sh"), strict=False):
        assert code.findall(told.text) == code.findall(same.text)


def test_all_commands_but_the_demo_take_json() -> None:
    assert "All but `demo` take `--json`" in read("README.md")
    with_json = {name for name, command in COMMANDS.items() if "json" in inspect.signature(command).parameters}
    assert with_json == set(COMMANDS) - {"demo"}


def test_the_exit_codes_are_those_of_the_program() -> None:
    rows = {quoted(row["exit code"])[0]: row["meaning"] for row in table("README.md", "exit code", "meaning")}
    assert [int(code) for code in rows] == [int(code) for code in ExitCode]
    body = ast.parse((ROOT / "daemon/exit_codes.py").read_text()).body[-1]
    assert isinstance(body, ast.ClassDef)
    for assigned, said in zip(body.body, body.body[1:], strict=False):
        if isinstance(assigned, ast.Assign) and isinstance(said, ast.Expr):
            code = ast.literal_eval(assigned.value)
            assert rows[str(code)] == ast.literal_eval(said.value)


def test_there_are_command_lines_to_check() -> None:
    assert len(list(command_lines())) > 15


@pytest.mark.parametrize(("page", "line"), sorted(set(command_lines())))
def test_every_command_line_in_the_docs_parses(page: str, line: str, parse: Callable[[str], int]) -> None:
    assert parse(line) == ExitCode.OK


@pytest.mark.parametrize("line", ["run --levle max", "frobnicate", "submit", "restore a --chunk x"])
def test_a_wrong_command_line_would_be_noticed(line: str, parse: Callable[[str], int]) -> None:
    assert parse(line) == ExitCode.USAGE


@pytest.mark.parametrize("page", PAGES)
def test_commands_of_dev_py_and_the_benchmarks_exist(page: str) -> None:
    for command in re.findall(r"dev\.py (\w+)", read(page)):
        assert re.search(rf"^def {command}\(", (ROOT / "dev.py").read_text(), re.MULTILINE), command
    for script, options in re.findall(r"python (benchmarks/\w+\.py)([^`\n]*)", read(page)):
        for option in re.findall(r"--\w+", options):
            assert option in (ROOT / script).read_text(), option


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_files(page: str) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", prose(page)):
        assert target.startswith("https://") or ((ROOT / page).parent / target).exists(), target
    for path in re.findall(r"`((?:daemon|compressors|storage|config|tests|benchmarks|docs)/[\w./-]*)`", prose(page)):
        assert (ROOT / path).exists(), path


@pytest.mark.slow
def test_the_readmes_first_run_works_as_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = CommandLine(tmp_path, monkeypatch, capsys)
    line.write("notes.txt", b"What was written stays.\n" * 3000)
    line.write("picture.jpg", b"no picture, but some bytes")
    (block,) = [fence for fence in fences("README.md", "sh") if "--once" in fence.text]
    for written in block.text.strip().splitlines():
        command, _, _ = written.partition("#")
        done = line(*arguments_of(command.strip()))
        assert done.code == ExitCode.OK, (written, done.err)
    assert (tmp_path / "back.txt").read_bytes() == (tmp_path / "notes.txt").read_bytes()
    assert (tmp_path / "PaniniFS/done").is_dir()


@pytest.mark.slow
def test_the_demo_shows_the_readmes_files_in_the_readmes_form(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = next(fence.text for fence in fences("README.md", "text") if "verified" in fence.text).splitlines()
    done = CommandLine(tmp_path, monkeypatch, capsys)("demo")
    assert done.code == ExitCode.OK
    printed = done.out.strip().splitlines()
    assert [line.split()[:1] for line in printed] == [line.split()[:1] for line in shown]
    assert shown[0].split() == printed[0].split()
    assert printed[-3].split()[-1] == shown[-3].split()[-1] == "10/10"
    assert {line.split()[1] for line in shown[1:-3]} <= set(Registry().names())
    assert re.sub(r"[\d.]+ s at.*", "", shown[-1]) == re.sub(r"[\d.]+ s at.*", "", printed[-1])


def test_the_tree_drawn_in_the_readme_is_the_trees() -> None:
    from panini_daemon.storage.root import FOLDERS

    (drawn,) = [fence.text for fence in fences("README.md", "text") if "inbox/" in fence.text]
    assert set(re.findall(r"^  (\w+)/", drawn, re.MULTILINE)) == set(FOLDERS)


# --- Levels, settings


def test_the_levels_and_their_budgets_are_those_of_the_program() -> None:
    from panini_daemon.compressors.selection import BUDGETS

    told = table("README.md", "level", "what it tries", "rough MB/s per core", "total bytes")
    assert [quoted(row["level"])[0] for row in told] == list(BUDGETS)
    columns = ("level", "trials at most", "nominal seconds per MiB, together")
    for row in table("docs/design.md", *columns):
        budget = BUDGETS[quoted(row["level"])[0]]  # type: ignore[index]
        seconds = float("inf") if row[columns[2]] == "no limit" else float(row[columns[2]])
        assert (int(row[columns[1]]), seconds) == (budget.trials, budget.seconds)


def test_settings_named_in_the_readme_exist_with_the_defaults_given() -> None:
    rows = table("README.md", "setting", "default", "meaning")
    assert len(rows) == 12
    for row in rows:
        field = Fields.model_fields[quoted(row["setting"])[0]]
        if re.fullmatch(r"`[^`]+`(: .*)?", row["default"]):
            assert quoted(row["default"])[0] == write_value(quoted(row["setting"])[0], field.default)


def test_the_settings_page_is_made_from_the_code() -> None:
    assert read("docs/settings.md") == render_reference(), "panini-daemon config --reference > docs/settings.md"


@pytest.mark.parametrize("page", PAGES)
def test_words_that_look_like_settings_are_settings(page: str) -> None:
    known = set(Fields.model_fields)
    for word in quoted(prose(page)):
        if re.fullmatch(r"PANINI_[A-Z_]+(=.*)?", word):
            assert word.partition("=")[0].removeprefix("PANINI_").lower() in {*known, "config"}, word
        if re.match(r"(lease|poll|chunk_timeout|log|status|retry|max|drain|runtime|arrival)_", word):
            assert word in known | set(logged_events()), word


# --- Configuration, changes


def test_every_panini_toml_in_the_docs_is_accepted(tmp_path: Path) -> None:
    for page in PAGES:
        for fence in fences(page, "toml"):
            if "project" not in tomllib.loads(fence.text):
                (tmp_path / "panini.toml").write_text(fence.text)
                load({}, environ={}, cwd=tmp_path)


def test_the_changelog_names_every_command_and_method() -> None:
    text = read("CHANGELOG.md")
    assert "## [Unreleased]\n\n### Added\n" in text
    assert {*COMMANDS, *Registry().names()} <= set(quoted(text))


@pytest.mark.parametrize("page", [*PAGES, "CHANGELOG.md"])
def test_pages_stay_readable(page: str) -> None:
    lines = read(page).splitlines()
    assert len(lines) <= 200
    assert [line for line in lines if len(line) > 125 and not line.startswith("|")] == []
