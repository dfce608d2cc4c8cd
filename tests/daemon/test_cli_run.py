"""`run`, `submit`, `demo` and what holds for every command."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from fakes.command_line import CommandLine

from panini_daemon import __version__, cli
from panini_daemon.exit_codes import ExitCode

README = Path(__file__).parents[2] / "README.md"
TEXT = b"All the world's a stage, and all the men and women merely players. " * 60


@pytest.fixture
def cli_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(tmp_path, monkeypatch, capsys)


def commands() -> list[str]:
    return [
        command.name or getattr(command.callback, "__name__", "").replace("_", "-")
        for command in cli.app.registered_commands
    ]


def files_below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_an_empty_inbox_ends_well_and_makes_the_tree(cli_run: CommandLine) -> None:
    ran = cli_run("run", "--once", "--root", "R")
    assert (ran.code, ran.out) == (ExitCode.OK, "")
    assert (cli_run.folder / "R" / ".panini-root.json").exists()


@pytest.mark.slow
def test_a_job_is_committed_and_shown_in_a_table_without_escape_codes(cli_run: CommandLine) -> None:
    cli_run.write("play.txt", TEXT)
    cli_run("submit", "play.txt", "--root", "R", "--chunk-size", "2000")
    ran = cli_run("run", "--once", "--root", "R")
    assert ran.code == ExitCode.OK
    assert "play.txt #0" in ran.out
    assert re.search(r"total +4\.0 kB .* 3/3", ran.out)
    assert "chunk_committed" in ran.err
    assert "\x1b" not in ran.out + ran.err


@pytest.mark.slow
def test_quiet_says_nothing_beside_the_result(cli_run: CommandLine) -> None:
    cli_run.write("play.txt", TEXT)
    cli_run("submit", "play.txt", "--root", "R")
    ran = cli_run("run", "--once", "-q", "--root", "R", "--json")
    assert (ran.code, ran.err) == (ExitCode.OK, "")
    assert ran.json["totals"]["jobs_done"] == 1
    (chunk,) = ran.json["chunks"]
    assert (chunk["chunk"], chunk["state"], chunk["original_size"]) == (
        "play.txt/chunk_0000",
        "committed",
        len(TEXT),
    )


def test_a_failed_job_is_told_by_status_3_and_by_the_table(cli_run: CommandLine) -> None:
    cli_run.write("play.txt", TEXT)
    cli_run("submit", "play.txt", "--root", "R", "--method", "no_such_v1")
    ran = cli_run("run", "--once", "--root", "R")
    assert ran.code == ExitCode.DAMAGE
    assert re.search(r"play\.txt +UnknownMethod .* NO", ran.out)
    assert "job_failed" in ran.err


def test_a_failed_job_tells_its_reason_as_json(cli_run: CommandLine) -> None:
    cli_run.write("play.txt", TEXT)
    cli_run("submit", "play.txt", "--root", "R", "--method", "no_such_v1")
    ran = cli_run("run", "--once", "--quiet", "--json", "--root", "R")
    assert ran.code == ExitCode.DAMAGE
    assert ran.json["totals"]["jobs_failed"] == 1
    assert ran.json["chunks"][0]["error"].startswith("UnknownMethod: ")


@pytest.mark.parametrize("content", [b"{", b"[]", b"", b'{"format": "panini-job", "version": 99}'])
def test_a_manifest_that_is_none_is_a_failed_job(
    cli_run: CommandLine, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    monkeypatch.setenv("PANINI_ARRIVAL_TIMEOUT", "50ms")
    cli_run("run", "--once", "--root", "R")
    cli_run.write("R/inbox/job.json", content)
    assert cli_run("run", "--once", "--root", "R").code == ExitCode.DAMAGE
    (failed,) = (cli_run.folder / "R/failed").iterdir()
    assert json.loads((failed / "error.json").read_text())["error"] in ("ManifestInvalid", "ManifestUnreadable")


def test_options_alone_mean_run(cli_run: CommandLine) -> None:
    assert cli_run("--once", "--root", "R").code == ExitCode.OK
    assert (cli_run.folder / "R" / "inbox").is_dir()


def test_ctrl_c_ends_any_command_with_130(cli_run: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("panini_daemon.commands.status.show_status", interrupt)
    assert cli_run("status").code == ExitCode.KILLED


def test_a_device_that_is_none_is_refused(cli_run: CommandLine) -> None:
    ran = cli_run("run", "--once", "--root", "R", "--device", "toaster")
    assert ran.code == ExitCode.USAGE
    assert "toaster" in ran.err
    assert "cuda:<number>" in ran.err


# submit


def test_several_files_become_a_job_each(cli_run: CommandLine) -> None:
    for name in ("a.txt", "b.txt", "empty.txt"):
        cli_run.write(name, b"" if name == "empty.txt" else TEXT)
    ran = cli_run("submit", "a.txt", "b.txt", "empty.txt", "--root", "R", "--chunk-size", "1KiB", "--json")
    assert ran.code == ExitCode.OK
    assert [(job["base"], job["size"], job["chunks"]) for job in ran.json] == [
        ("a.txt", len(TEXT), 4),
        ("b.txt", len(TEXT), 4),
        ("empty.txt", 0, 1),
    ]
    assert all((cli_run.folder / "R" / job["manifest_path"]).exists() for job in ran.json)


def test_base_level_method_and_priority_go_into_the_manifest(cli_run: CommandLine) -> None:
    cli_run.write("a.txt", TEXT)
    options = ("--level", "max", "--method", "generic_xz_v1", "--priority", "7")
    ran = cli_run("submit", "a.txt", "--root", "R", "--base", "plays/as-you-like-it", *options, "--json")
    manifest = json.loads((cli_run.folder / "R" / ran.json[0]["manifest_path"]).read_text())
    assert (manifest["level"], manifest["method"], manifest["priority"]) == ("max", "generic_xz_v1", 7)
    assert manifest["files"][0]["base"] == "plays/as-you-like-it"


def test_a_person_is_told_where_the_job_went(cli_run: CommandLine) -> None:
    cli_run.write("a.txt", TEXT)
    ran = cli_run("submit", "a.txt", "--root", "R")
    assert re.fullmatch(r"a\.txt  4\.0 kB in 1 chunk\(s\)  -> inbox/\S+\.json\n", ran.out)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--chunk-size", "0"),
        ("--chunk-size", "-1"),
        ("--chunk-size", "1.5"),
        ("--chunk-size", "many"),
        ("--chunk-size", ""),
        ("--level", "quick"),
        ("--method", "../x"),
        ("--base", "../outside"),
        ("--base", "/etc"),
        ("--base", "a/chunk_0000"),
        ("--base", ""),
        ("--no-such-option",),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_written(
    cli_run: CommandLine, arguments: tuple[str, ...]
) -> None:
    cli_run.write("a.txt", TEXT)
    ran = cli_run("submit", "a.txt", "--root", "R", *arguments)
    assert ran.code == ExitCode.USAGE
    assert ran.err
    assert "Traceback" not in ran.err
    assert not (cli_run.folder / "R" / "inbox").exists() or files_below(cli_run.folder / "R" / "inbox") == []


def test_two_files_under_one_base_are_refused(cli_run: CommandLine) -> None:
    cli_run.write("a.txt", TEXT)
    cli_run.write("b.txt", TEXT)
    ran = cli_run("submit", "a.txt", "b.txt", "--root", "R", "--base", "one")
    assert ran.code == ExitCode.USAGE
    assert "base" in ran.err
    assert files_below(cli_run.folder / "R" / "inbox") == []


@pytest.mark.parametrize("arguments", [("submit", "gone.txt"), ("compress", "gone.txt", "-o", "out"), ("submit", ".")])
def test_a_file_that_is_not_there_is_a_wrong_argument(cli_run: CommandLine, arguments: tuple[str, ...]) -> None:
    ran = cli_run(*arguments)
    assert ran.code == ExitCode.USAGE
    assert arguments[1] in ran.err
    assert not (cli_run.folder / "PaniniFS").exists()


# every command


@pytest.mark.slow
def test_the_demo_restores_every_sample_and_leaves_nothing_behind(
    cli_run: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = cli_run.folder / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    ran = cli_run("demo", "--level", "fast")
    assert ran.code == ExitCode.OK
    assert re.search(r"total .* (\d+)/\1\n", ran.out)
    assert "landscape.bmp" in ran.out
    assert list(scratch.iterdir()) == []
    assert not (cli_run.folder / "PaniniFS").exists()


def test_the_version_is_the_packages_own(cli_run: CommandLine) -> None:
    ran = cli_run("--version")
    assert (ran.code, ran.out) == (ExitCode.OK, f"panini-daemon {__version__}\n")


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_names_every_command(cli_run: CommandLine, flag: str) -> None:
    ran = cli_run(flag)
    assert ran.code == ExitCode.OK
    assert [name for name in commands() if name not in ran.out] == []


@pytest.mark.parametrize("name", commands())
def test_every_command_explains_itself(cli_run: CommandLine, name: str) -> None:
    ran = cli_run(name, "--help")
    assert ran.code == ExitCode.OK
    assert "--help" in ran.out
    assert len(ran.out.splitlines()) > 5


def test_an_unknown_command_is_refused(cli_run: CommandLine) -> None:
    ran = cli_run("explode")
    assert ran.code == ExitCode.USAGE
    assert "explode" in ran.err


def test_the_readme_shows_every_command_and_every_exit_status() -> None:
    text = README.read_text(encoding="utf-8")
    if len(text.splitlines()) < 20:
        pytest.skip("README.md has not been written yet")
    missing = [
        name for name in commands() if not re.search(rf"(panini[-_]daemon|^) {name}\b|`{name}\b", text, re.MULTILINE)
    ]
    assert missing == []
    assert [code for code in ExitCode if not re.search(rf"\b{code.value}\b", text)] == []


@pytest.mark.parametrize("name", ["verify", "status", "restore"])
def test_a_root_that_is_not_there_is_told_and_not_made(cli_run: CommandLine, name: str) -> None:
    ran = cli_run(name, *(["base"] if name == "restore" else []), "--root", "nowhere/R")
    assert (ran.code, ran.out) == (ExitCode.ERROR, "")
    assert ran.err.startswith("error: ")
    assert str(cli_run.folder / "nowhere/R") in ran.err
    assert files_below(cli_run.folder) == []


def test_output_into_a_real_pipe_has_no_escape_codes(cli_run: CommandLine) -> None:
    cli_run("run", "--once", "--root", "R")
    for arguments in (["status", "--root", "R"], ["config"], ["verify", "--root", "R"]):
        done = subprocess.run(
            [sys.executable, "-m", "panini_daemon", *arguments], capture_output=True, text=True, check=True, timeout=60
        )
        assert "\x1b" not in done.stdout + done.stderr
        assert done.stdout
        assert done.stderr == ""


def test_a_reader_that_has_seen_enough_is_no_error_to_talk_about(cli_run: CommandLine) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        command = [sys.executable, "-m", "panini_daemon", "config", "--json"]
        done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (ExitCode.ERROR, "")
