"""Commands that read a tree: `restore`, `verify`, `status`, `config`."""

import hashlib
import json
import shutil
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.command_line import CommandLine, call, isolate

from panini_daemon.exit_codes import ExitCode

pytestmark = pytest.mark.slow  # the tree below is made by a real worker

FILES = {
    "play.txt": b"All the world's a stage, and all the men and women merely players. " * 60,
    "empty.txt": b"",
    "deep/er/noise.bin": zlib.compress(bytes(range(256)) * 9),
}
CHUNK = 1000
TOKEN = "ghp_" + "0123456789abcdefghij"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A tree that a worker has filled, not to be changed."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        isolate(folder, patch)
        for base, data in FILES.items():
            (folder / "file").write_bytes(data)
            assert call("submit", "file", "--base", base, "--chunk-size", CHUNK, "--root", "R") == 0
        assert call("run", "--once", "--quiet", "--root", "R", "--worker", "maker") == 0
    yield folder / "R"
    shutil.rmtree(folder)


@pytest.fixture
def cli(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    """A command line with its own copy of the tree, in the environment as the root."""
    shutil.copytree(made, tmp_path / "R")
    monkeypatch.delenv("PANINI_ROOT", raising=False)
    line = CommandLine(tmp_path, monkeypatch, capsys)
    monkeypatch.setenv("PANINI_ROOT", str(tmp_path / "R"))
    return line


def chunk(cli: CommandLine, base: str, number: int) -> Path:
    return cli.folder / "R/compressed_chunks" / base / f"chunk_{number:04d}"


def replace_payload(folder: Path, data: bytes) -> None:
    """Put a payload there that hashes as the recipe says and decodes to something else."""
    recipe = json.loads((folder / "recipe.json").read_text())
    recipe["compression_method"] = "passthrough_v1"
    recipe["reconstruction"] = {"method": "passthrough", "parameters": {}}
    recipe["payload_hash"] = hashlib.sha256(data).hexdigest()
    (folder / "recipe.json").write_text(json.dumps(recipe))
    (folder / "compressed.bin").write_bytes(data)


# restore


@pytest.mark.parametrize("base", FILES)
def test_every_file_comes_back(cli: CommandLine, base: str) -> None:
    ran = cli("restore", base, "-o", "new/folder/out")
    assert ran.code == ExitCode.OK
    assert (cli.folder / "new/folder/out").read_bytes() == FILES[base]
    assert "checked: every chunk and the whole file" in ran.out
    assert hashlib.sha256(FILES[base]).hexdigest() in ran.out


def test_without_an_output_it_is_written_under_its_own_name(cli: CommandLine) -> None:
    assert cli("restore", "deep/er/noise.bin").code == ExitCode.OK
    assert (cli.folder / "noise.bin").read_bytes() == FILES["deep/er/noise.bin"]


def test_one_chunk_comes_back_alone(cli: CommandLine) -> None:
    ran = cli("restore", "play.txt", "--chunk", "2", "--json")
    assert ran.json["size"] == CHUNK
    assert (cli.folder / "play.txt.chunk_0002").read_bytes() == FILES["play.txt"][2 * CHUNK : 3 * CHUNK]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("nope",), ExitCode.DAMAGE),
        (("play",), ExitCode.DAMAGE),
        (("deep/er",), ExitCode.DAMAGE),
        (("play.txt", "--chunk", "99"), ExitCode.DAMAGE),
        (("play.txt", "--chunk", "-1"), ExitCode.USAGE),
        (("../../etc/passwd",), ExitCode.USAGE),
        (("/etc/passwd",), ExitCode.USAGE),
        (("play.txt/chunk_0000",), ExitCode.USAGE),
        (("C:x",), ExitCode.USAGE),
        (("",), ExitCode.USAGE),
    ],
)
def test_what_cannot_be_restored_is_told_and_nothing_is_written(
    cli: CommandLine, arguments: tuple[str, ...], code: ExitCode
) -> None:
    ran = cli("restore", *arguments, "-o", "out/file")
    assert (ran.code, ran.out) == (code, "")
    assert ran.err.startswith("error: ")
    assert not (cli.folder / "out").exists()


@pytest.mark.parametrize("damage", ["flipped", "cut", "empty", "other", "no payload", "no recipe", "no chunk"])
def test_damage_is_told_and_nothing_is_written(cli: CommandLine, damage: str) -> None:
    folder = chunk(cli, "play.txt", 1)
    payload = (folder / "compressed.bin").read_bytes()
    match damage:
        case "flipped":
            (folder / "compressed.bin").write_bytes(payload[:-1] + bytes([payload[-1] ^ 1]))
        case "cut":
            (folder / "compressed.bin").write_bytes(payload[:-1])
        case "empty":
            (folder / "compressed.bin").write_bytes(b"")
        case "other":
            replace_payload(folder, b"x" * CHUNK)
        case "no payload":
            (folder / "compressed.bin").unlink()
        case "no recipe":
            (folder / "recipe.json").unlink()
        case _:
            shutil.rmtree(folder)
    cli.write("out", b"an older file")
    ran = cli("restore", "play.txt", "-o", "out")
    assert ran.code == ExitCode.DAMAGE
    assert "chunk 1" in ran.err or "chunk_0001" in ran.err
    assert (cli.folder / "out").read_bytes() == b"an older file"
    assert list(cli.folder.glob("*.tmp")) == list(cli.folder.glob(".*.tmp")) == []


def test_an_output_that_cannot_be_written_is_an_error(cli: CommandLine) -> None:
    ran = cli("restore", "play.txt", "-o", "R")
    assert ran.code == ExitCode.ERROR
    assert "R" in ran.err


# verify


def test_a_good_tree_verifies(cli: CommandLine) -> None:
    for deep in ([], ["--deep"]):
        ran = cli("verify", *deep)
        assert ran.code == ExitCode.OK
        assert ran.out.startswith("3 files, 7 chunks, ")
        assert "0 problem(s)" in ran.out


def test_damage_is_counted_and_named(cli: CommandLine) -> None:
    (chunk(cli, "play.txt", 3) / "compressed.bin").write_bytes(b"x")
    (chunk(cli, "empty.txt", 0) / "recipe.json").unlink()
    ran = cli("verify", "--json")
    assert ran.code == ExitCode.DAMAGE
    assert sorted(problem["path"] for problem in ran.json["problems"]) == [
        "compressed_chunks/empty.txt/chunk_0000",
        "compressed_chunks/play.txt/chunk_0003",
    ]
    assert (ran.json["deep"], ran.json["chunks"]) == (False, 7)


def test_a_chunk_that_the_manifest_lists_is_missed(cli: CommandLine) -> None:
    shutil.rmtree(chunk(cli, "play.txt", 0))
    ran = cli("verify")
    assert ran.code == ExitCode.DAMAGE
    assert "compressed_chunks/play.txt/chunk_0000" in ran.out


def test_a_file_of_which_only_the_manifest_is_left_is_missed(cli: CommandLine) -> None:
    for number in range(5):
        shutil.rmtree(chunk(cli, "play.txt", number), ignore_errors=True)
    ran = cli("verify", "--json")
    assert ran.code == ExitCode.DAMAGE
    assert len(ran.json["problems"]) == 5


def test_deep_finds_what_the_hashes_alone_do_not(cli: CommandLine) -> None:
    replace_payload(chunk(cli, "play.txt", 0), b"x" * CHUNK)
    assert cli("verify").code == ExitCode.OK
    ran = cli("verify", "--deep")
    assert ran.code == ExitCode.DAMAGE
    assert "ReconstructionFailed" in ran.out


def test_only_the_part_asked_for_is_verified(cli: CommandLine) -> None:
    (chunk(cli, "play.txt", 3) / "compressed.bin").write_bytes(b"x")
    assert cli("verify", "deep").code == ExitCode.OK
    assert cli("verify", "play.txt").code == ExitCode.DAMAGE
    assert cli("verify", "../R").code == ExitCode.USAGE


def test_a_part_that_is_not_there_is_no_success(cli: CommandLine) -> None:
    ran = cli("verify", "nope")
    assert ran.code == ExitCode.DAMAGE
    assert "nope" in ran.err


# status


def test_the_status_shows_the_worker_and_its_totals(cli: CommandLine) -> None:
    ran = cli("status")
    assert ran.code == ExitCode.OK
    assert "0 in the inbox, 3 done, 0 failed" in ran.out
    line = next(line for line in ran.out.splitlines() if line.startswith("maker"))
    assert line.split()[1] == "stopped"


def test_the_status_as_json_has_every_field(cli: CommandLine) -> None:
    found = cli("status", "--json").json
    assert found["jobs"] == {"inbox": 0, "done": 3, "failed": 0}
    (worker,) = found["workers"]
    assert {"worker", "state", "device", "queue", "throughput", "totals", "last_error", "version"} <= worker.keys()
    assert worker["totals"]["bytes_in"] == sum(map(len, FILES.values()))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"worker": 3}', b'{"totals": []}', b'{"totals": 0}'])
def test_a_status_file_that_is_being_written_or_is_junk_does_not_matter(cli: CommandLine, content: bytes) -> None:
    cli.write("R/status/other.json", content)
    ran = cli("status")
    assert ran.code == ExitCode.OK
    assert "maker" in ran.out


def test_a_tree_without_workers_says_so(cli: CommandLine) -> None:
    cli.write("a.txt", b"x")
    cli("submit", "a.txt", "--root", "fresh")
    ran = cli("status", "--root", "fresh")
    assert (ran.code, "no worker has run here yet" in ran.out) == (ExitCode.OK, True)
    assert "1 in the inbox" in ran.out
    assert cli("status", "--root", "fresh", "--json").json["workers"] == []


# config


def test_the_settings_are_shown_with_where_they_came_from(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    cli.write("panini.toml", b'level = "max"\npoll_max = "7s"\n')
    monkeypatch.delenv("PANINI_LEVEL")
    rows = cli("config", "--json", "--root", "elsewhere").json
    assert rows["root"] == {"value": str(cli.folder / "elsewhere"), "origin": "--root"}
    assert rows["level"] == {"value": "max", "origin": str(cli.folder / "panini.toml")}
    assert rows["device"] == {"value": "cpu", "origin": "PANINI_DEVICE"}
    assert rows["drain_time"]["origin"] == "default"
    assert not (cli.folder / "elsewhere").exists()


def test_the_settings_table_names_every_setting(cli: CommandLine) -> None:
    ran = cli("config")
    assert ran.code == ExitCode.OK
    shown = [line.split()[0] for line in ran.out.splitlines() if line and not line.startswith(" ")]
    assert set(cli("config", "--json").json) <= set(shown)


@pytest.mark.parametrize("name", ["GITHUB_TOKEN", "PANINI_GITHUB_TOKEN"])
def test_a_token_is_never_shown(cli: CommandLine, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, TOKEN)
    for arguments in (["config"], ["config", "--json"], ["run", "--once"], ["run", "--root", "\0"]):
        ran = cli(*arguments)
        assert TOKEN not in ran.out + ran.err
    assert cli("config", "--json").json["github_token"] == {"value": "********", "origin": name}


def test_every_wrong_setting_is_listed_at_once(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PANINI_LEVEL", "quick")
    monkeypatch.setenv("PANINI_CPU_WORKERS", "0")
    monkeypatch.setenv("PANINI_POLL_MXA", "1s")
    cli.write("panini.toml", b"drain_time = 'soon'\n")
    for arguments in (["config"], ["run", "--once"], ["status"], ["verify"]):
        ran = cli(*arguments)
        assert (ran.code, ran.out) == (ExitCode.USAGE, "")
        for name in ("PANINI_LEVEL", "PANINI_CPU_WORKERS", "poll_max", "drain_time"):
            assert name in ran.err


def test_contradicting_lease_times_are_refused_as_settings(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PANINI_LEASE_STOP", "59s")
    monkeypatch.setenv("PANINI_LEASE_STALE", "60s")
    ran = cli("run", "--once")
    assert ran.code == ExitCode.USAGE
    assert "lease_stop = 59s (PANINI_LEASE_STOP): expected more than lease_refresh" in ran.err


def test_a_config_file_that_is_not_there_is_refused(cli: CommandLine) -> None:
    ran = cli("config", "--config", "gone.toml")
    assert ran.code == ExitCode.USAGE
    assert "gone.toml" in ran.err
