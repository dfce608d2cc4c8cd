"""`verify --repair` as a person calls it, on a tree in a real folder."""

import json
import shutil
from pathlib import Path

import pytest
from fakes.command_line import CommandLine
from fakes.damaged_trees import A, good

from panini_daemon.exit_codes import ExitCode


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for path, data in good().items():
        place = tmp_path / "R" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    return tmp_path / "R"


@pytest.fixture
def cli(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    line = CommandLine(tmp_path, monkeypatch, capsys)
    monkeypatch.setenv("PANINI_ROOT", str(root))
    return line


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def displace(root: Path, folder: str) -> None:
    (root / folder / "compressed.bin").rename(root / folder / "compressed (1).bin")


def test_a_good_tree_is_left_as_it_is(cli: CommandLine, root: Path) -> None:
    ran = cli("verify", "--repair", "--deep")
    assert (ran.code, ran.out) == (ExitCode.OK, "nothing was wrong; 0 file(s) removed, 0 kept\n")
    assert contents(root) == good()


def test_what_was_mended_is_told_and_good_now(cli: CommandLine, root: Path) -> None:
    displace(root, f"{A}/chunk_0001")
    (root / A / "manifest.json").unlink()
    ran = cli("verify", "--repair")
    assert ran.code == ExitCode.OK
    assert f"{A}/chunk_0001: mended: put in place from {A}/chunk_0001/compressed (1).bin" in ran.out
    assert ran.out.endswith("2 mended; 1 file(s) removed, 0 kept\n")
    assert cli("verify", "--deep").code == ExitCode.OK
    assert not list((root / "leases").iterdir())


def test_what_is_lost_or_on_its_way_ends_with_three(cli: CommandLine, root: Path) -> None:
    shutil.rmtree(root / A / "chunk_0003")  # b.bin has a chunk of the same bytes
    (root / A / "chunk_0000/compressed.bin").write_bytes(b"x")
    ran = cli("verify", "--repair", "--json")
    assert ran.code == ExitCode.DAMAGE
    assert ran.json["counts"] == {"mended": 0, "waiting": 0, "returned": 1, "offered": 0, "lost": 1}
    assert {one["path"]: one["fate"] for one in ran.json["findings"]} == {
        f"{A}/chunk_0000": "lost",
        f"{A}/chunk_0003": "returned",
    }
    assert (ran.json["deep"], ran.json["dry_run"]) == (False, False)
    again = cli("verify", "--repair", "--json")
    assert (again.code, again.json["counts"]["waiting"]) == (ExitCode.DAMAGE, 1)


def test_a_dry_run_changes_nothing(cli: CommandLine, root: Path) -> None:
    displace(root, f"{A}/chunk_0001")
    (root / "inbox").mkdir(exist_ok=True)
    (root / "inbox/.panini-new-abc-1-2.tmp").write_bytes(b"half")
    before = contents(root)
    ran = cli("verify", "--repair", "--dry-run")
    assert ran.code == ExitCode.DAMAGE
    assert f"{A}/chunk_0001: would be mended" in ran.out
    assert "inbox/.panini-new-abc-1-2.tmp" in ran.out
    assert contents(root) == before


def test_a_part_is_repaired_alone(cli: CommandLine, root: Path) -> None:
    displace(root, f"{A}/chunk_0001")
    displace(root, "compressed_chunks/b.bin/chunk_0000")
    assert cli("verify", "b.bin", "--repair").code == ExitCode.OK
    assert cli("verify").code == ExitCode.DAMAGE
    assert cli("verify", "nope", "--repair").code == ExitCode.DAMAGE
    assert cli("verify", "../R", "--repair").code == ExitCode.USAGE


def test_a_dry_run_of_nothing_is_refused(cli: CommandLine) -> None:
    ran = cli("verify", "--dry-run")
    assert (ran.code, ran.out) == (ExitCode.USAGE, "")
    assert "--repair" in ran.err


def test_without_a_root_nothing_is_done(cli: CommandLine, root: Path) -> None:
    (root / ".panini-root.json").unlink()
    before = contents(root)
    assert cli("verify", "--repair").code == ExitCode.ERROR
    assert contents(root) == before


def test_another_repair_at_work_is_waited_for_by_a_person(cli: CommandLine, root: Path) -> None:
    displace(root, f"{A}/chunk_0001")
    name = "verify-repair.1.0000.repair-other.json"
    told = {"job": "verify-repair", "nonce": "0000", "state": "hold"}
    (root / "leases").mkdir(exist_ok=True)
    (root / "leases" / name).write_text(json.dumps(told))
    ran = cli("verify", "--repair")
    assert (ran.code, "repair-other" in ran.err) == (ExitCode.ERROR, True)
    assert (root / A / "chunk_0001/compressed (1).bin").exists()
