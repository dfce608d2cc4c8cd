"""What README and docs say is what the program does."""

import ast
import json
import re
import shlex
import struct
import subprocess
import tomllib
import zlib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import typer
from fakes.bench import Bench
from fakes.command_line import CommandLine
from fakes.markdown import PAGES, ROOT, fences, prose, quoted, read, table

from panini_daemon.cli import app
from panini_daemon.compressors import Registry
from panini_daemon.config import load
from panini_daemon.config.defaults import DRIVE, LOCAL
from panini_daemon.config.fields import Fields
from panini_daemon.config.listing import write_value
from panini_daemon.config.values import parse_duration
from panini_daemon.exit_codes import ExitCode
from panini_daemon.failures import ACTIONS
from panini_daemon.storage.forms import parse_manifest

COMMANDS: dict[str, click.Command] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
ACTION_NAMES = {kind.__name__: action.value for kind, action in ACTIONS.items()}
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


def parse(arguments: list[str]) -> None:
    """Let click parse a command line as `main` would, without running it or asking whether files exist."""
    name = arguments[0] if arguments and not arguments[0].startswith("-") else "run"
    command = typer.main.get_command(app).commands[name]  # type: ignore[attr-defined]
    for parameter in command.params:
        if hasattr(parameter.type, "exists"):
            parameter.type.exists = False
    command.make_context(name, arguments[1:] if arguments[:1] == [name] else arguments)


# --- README and the command line


def test_the_readme_lists_exactly_the_commands_there_are() -> None:
    rows = table("README.md", "command", "what it does")
    assert sorted(quoted(row["command"])[0] for row in rows) == sorted(COMMANDS)


def test_all_commands_but_the_demo_take_json() -> None:
    assert "All but `demo` take `--json`" in read("README.md")
    with_json = {name for name, command in COMMANDS.items() if any("--json" in one.opts for one in command.params)}
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
def test_every_command_line_in_the_docs_parses(page: str, line: str) -> None:
    parse(arguments_of(line))


@pytest.mark.parametrize("line", ["run --levle max", "frobnicate", "submit", "restore a --chunk x"])
def test_a_wrong_command_line_would_be_noticed(line: str) -> None:
    with pytest.raises((click.UsageError, KeyError)):
        parse(shlex.split(line))


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
    assert len(rows) == 10
    for row in rows:
        field = Fields.model_fields[quoted(row["setting"])[0]]
        if re.fullmatch(r"`[^`]+`(: .*)?", row["default"]):
            assert quoted(row["default"])[0] == write_value(quoted(row["setting"])[0], field.default)


def test_the_waits_in_operating_md_are_the_profiles() -> None:
    for row in table("docs/operating.md", "setting", "local", "shared", "what it waits for"):
        name = quoted(row["setting"])[0]
        for column, profile in (("local", LOCAL), ("shared", DRIVE)):
            value = 0.75 * profile.lease_stale if name == "lease_stop" else getattr(profile, name)
            assert parse_duration(quoted(row[column])[0]) == value, (name, column)


@pytest.mark.parametrize("page", PAGES)
def test_words_that_look_like_settings_are_settings(page: str) -> None:
    known = set(Fields.model_fields)
    for word in quoted(prose(page)):
        if re.fullmatch(r"PANINI_[A-Z_]+(=.*)?", word):
            assert word.partition("=")[0].removeprefix("PANINI_").lower() in {*known, "config"}, word
        if re.match(r"(lease|poll|chunk_timeout|log|status|retry|max|drain|runtime|arrival)_", word):
            assert word in known or word in ("lease_lost", "chunk_timeout_per_mib"), word


# --- Errors, events, status


def test_the_readmes_error_table_is_the_programs() -> None:
    told = {}
    for row in table("README.md", "errors", "what the worker does"):
        action = re.match(r"\*\*([a-z ]+)\*\*", row["what the worker does"])
        assert action
        told |= dict.fromkeys(quoted(row["errors"]), action[1])
    assert told == ACTION_NAMES


def test_operating_md_says_what_to_do_about_each_error() -> None:
    rows = table("docs/operating.md", "error", "action", "what to do")
    assert {quoted(row["error"])[0]: row["action"] for row in rows} == ACTION_NAMES
    assert all(len(row["what to do"]) > 7 for row in rows)


def logged_events() -> dict[str, str]:
    """Read from the source which events are logged from INFO up, and at which level."""
    found = {}
    for path in (ROOT / "daemon").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
                continue
            if node.func.attr in ("info", "warning", "error") and "log" in ast.unparse(node.func.value):
                for part in ast.walk(node.args[0]):
                    if isinstance(part, ast.Constant) and isinstance(part.value, str):
                        found[part.value] = node.func.attr
    return found


def test_operating_md_lists_exactly_the_events_that_are_logged() -> None:
    rows = table("docs/operating.md", "event", "level", "meaning")
    told = {event: row["level"] for row in rows for event in quoted(row["event"])}
    assert told == logged_events()


def test_operating_md_lists_exactly_the_fields_of_the_status_file() -> None:
    from fakes.clock import FakeClock

    from panini_daemon.heartbeat import format_status
    from panini_daemon.progress import Tally
    from panini_daemon.service import Phase

    clock = FakeClock()
    status = format_status(
        worker="w", phase="idle", device="cpu", started=clock.now(), now=clock.now(), queue={}, totals=Tally().totals(0)
    )
    rows = {quoted(row["field"])[0]: row["meaning"] for row in table("docs/operating.md", "field", "meaning")}
    assert list(rows) == list(json.loads(status))
    assert rows["state"].split(", ") == list(Phase)


# --- Jobs


def write_data_of_the_examples(bench: Bench) -> None:
    body = b"IHDR" + struct.pack(">IIBBBBB", 640, 480, 8, 2, 0, 0, 0)
    header = b"\0\0\0\x0d" + body + struct.pack(">I", zlib.crc32(body))
    letters = [b"Dear Anna,\nall well", b" and warm in Naples.", b" Yours."]
    png, text = "inbox/pending_compression/holiday/beach.png", "inbox/letters.txt"
    bench.store.write(f"{png}/chunk_0000/data.bin", b"\x89PNG\r\n\x1a\n")
    bench.store.write(f"{png}/chunk_0001/data.bin", header)
    bench.store.write("inbox/pending_compression/letters.txt/chunk_0000/data.bin", letters[0])
    for number, data in ((1, letters[1][:19]), (2, letters[2])):
        told = {"chunk_id": number, "offset": 19 * number, "size": len(data)}
        bench.store.write(f"{text}/chunk_{number:04d}/metadata.json", json.dumps(told).encode())
        bench.store.write(f"{text}/chunk_{number:04d}/data.bin", data)
    bench.store.write("inbox/letters-2026/data.bin", letters[0] + letters[1][:19])


def test_every_example_of_a_job_parses_as_what_it_is() -> None:
    manifests = [fence for fence in fences("docs/jobs.md", "json") if not fence.name.endswith("metadata.json")]
    assert len(manifests) == 4
    for fence in manifests:
        assert f"`{fence.name}`" in prose("docs/jobs.md"), "the reader sees no fence's name"
        plan = parse_manifest(fence.text.encode(), fence.name)
        assert plan.chunks, fence.name


def test_a_worker_does_every_example_of_a_job(bench: Bench) -> None:
    write_data_of_the_examples(bench)
    for fence in fences("docs/jobs.md", "json"):
        bench.store.write(fence.name, fence.text.encode())
    bench.run()
    assert bench.names("failed") == []
    assert len(bench.names("done")) == 4
    recipe = bench.json("compressed_chunks/holiday/beach.png/chunk_0001/recipe.json")
    assert (recipe["pattern_type"], recipe["assembly_info"]["depends_on"]) == ("PNG_IHDR", [0])
    assert bench.json("compressed_chunks/letters.txt/chunk_0000/recipe.json")["source"]["workflow"]["run_id"] == 812
    assert bench.json("compressed_chunks/letters/2026.txt/manifest.json")["total_size"] == 38
    assert [name for name in bench.names("inbox") if name.endswith(".json")] == []


@pytest.mark.slow
@pytest.mark.parametrize("form", ["submitted", "tree"])
def test_a_failed_job_is_done_after_what_operating_md_says(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = CommandLine(tmp_path, monkeypatch, capsys)
    if form == "tree":
        line.write("PaniniFS/inbox/a.txt/chunk_0000/data.bin", b"words")
        manifest = {"total_chunks": 1, "chunks": [{"chunk_id": 0, "offset": 0, "size": 5}]}
        line.write("PaniniFS/inbox/a.txt/manifest.json", json.dumps(manifest).encode())
    else:
        line.write("a.txt", b"words")
        assert line("submit", "a.txt").code == 0
    monkeypatch.setenv("PANINI_ARRIVAL_TIMEOUT", "0s")
    assert line("--once", "--quiet", "--method", "no_such_method_v1").code == ExitCode.DAMAGE
    (folder,) = (tmp_path / "PaniniFS/failed").iterdir()
    error = json.loads((folder / "error.json").read_text())
    block = next(fence.text for fence in fences("docs/operating.md", "sh") if "cp -r" in fence.text)
    old = re.search(r"failed/(\S+)", block)
    assert old
    script = block.replace("/srv/PaniniFS", str(tmp_path / "PaniniFS")).replace(old[1], folder.name)
    script = script.replace("inbox/letters-2026.json", error["manifest_path"])
    subprocess.run(["sh", "-euc", script], check=True)
    assert line("--once", "--quiet").code == ExitCode.OK
    assert not any((tmp_path / "PaniniFS/failed").iterdir())
    assert line("restore", "a.txt", "-o", "back").code == 0
    assert (tmp_path / "back").read_bytes() == b"words"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.stopping.set()
    made.close()


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
