"""`compress` and `decompress`, and output that readers of recipe 1.0 accept."""

import gzip
import hashlib
import json
import random
from pathlib import Path

import pytest
from fakes.command_line import CommandLine

from panini_daemon.exit_codes import ExitCode

pytestmark = pytest.mark.slow

TEXT = b"All the world's a stage, and all the men and women merely players. " * 60
NOISE = random.Random(1).randbytes(3000)


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(tmp_path, monkeypatch, capsys)


def validate(folder: Path) -> bytes:
    """Rebuild a file as the published validator of recipe 1.0 does, with the standard library alone."""
    pieces = []
    for chunk in sorted(folder.glob("chunk_*")):
        recipe = json.loads((chunk / "recipe.json").read_text(encoding="utf-8"))
        reconstruction = recipe["reconstruction"]
        assert isinstance(recipe["compression_method"], str)
        assert recipe["compression_method"]
        assert "gzip" in reconstruction["method"]
        data = gzip.decompress((chunk / "compressed.bin").read_bytes())
        assert hashlib.sha256(data).hexdigest() == recipe["original_hash"]
        offset = reconstruction.get("offset", recipe.get("assembly_info", {}).get("offset"))
        assert isinstance(offset, int)
        pieces.append((offset, data))
    whole = bytearray()
    for offset, data in sorted(pieces):
        assert offset == len(whole)
        whole += data
    return bytes(whole)


@pytest.mark.parametrize(("data", "chunks"), [(TEXT, 5), (b"", 1), (b"x", 1), (NOISE, 3), (TEXT[:2000], 2)])
def test_a_file_goes_into_a_folder_and_back(cli: CommandLine, data: bytes, chunks: int) -> None:
    cli.write("a.bin", data)
    ran = cli("compress", "a.bin", "-o", "out", "--chunk-size", "1000", "--json")
    assert ran.code == ExitCode.OK
    assert (ran.json["chunks"], ran.json["original_size"], ran.json["verified"]) == (chunks, len(data), True)
    ran = cli("decompress", "out", "-o", "back", "--json")
    assert (ran.code, ran.json["whole_file_checked"]) == (ExitCode.OK, True)
    assert (cli.folder / "back").read_bytes() == data


def test_one_chunk_folder_can_be_decompressed_alone(cli: CommandLine) -> None:
    cli.write("a.bin", TEXT)
    ran = cli("compress", "a.bin", "-o", "out", "--chunk-size", "1000")
    assert "a.bin" in ran.out
    assert cli("decompress", "out/chunk_0001", "-o", "back").code == ExitCode.OK
    assert (cli.folder / "back").read_bytes() == TEXT[1000:2000]


def test_a_folder_with_something_in_it_is_not_written_into(cli: CommandLine) -> None:
    cli.write("a.bin", TEXT)
    cli.write("out/mine.txt", b"mine")
    for target in ("out", "out/mine.txt"):
        ran = cli("compress", "a.bin", "-o", target)
        assert ran.code == ExitCode.USAGE
        assert "--output" in ran.err
    assert [path.name for path in (cli.folder / "out").iterdir()] == ["mine.txt"]
    assert (cli.folder / "out/mine.txt").read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("method", "error"),
    [
        ("no_such_v1", "UnknownMethod: "),
        ("image_jxl_v1", "NotApplicable: "),
        ("dedup_reference_v1", "UnknownMethod: "),
    ],
)
def test_a_method_that_cannot_do_it_fails_the_command(cli: CommandLine, method: str, error: str) -> None:
    cli.write("a.bin", NOISE)
    ran = cli("compress", "a.bin", "-o", "out", "--method", method, "--json")
    assert ran.code == ExitCode.ERROR
    assert f"error: chunk 0: {error}" in ran.err
    assert "Traceback" not in ran.err
    assert (ran.json["verified"], ran.json["compressed_size"]) == (False, len(NOISE))
    assert not (cli.folder / "out/manifest.json").exists()


def test_damage_in_a_folder_is_told_and_nothing_is_written(cli: CommandLine) -> None:
    cli.write("a.bin", TEXT)
    cli("compress", "a.bin", "-o", "out", "--chunk-size", "1000")
    payload = cli.folder / "out/chunk_0003/compressed.bin"
    payload.write_bytes(payload.read_bytes()[:-1])
    ran = cli("decompress", "out", "-o", "back")
    assert ran.code == ExitCode.DAMAGE
    assert "chunk_0003" in ran.err
    assert not (cli.folder / "back").exists()


def test_what_is_no_folder_of_chunks_is_told(cli: CommandLine) -> None:
    cli.write("empty/x", b"")
    assert cli("decompress", "gone", "-o", "back").code == ExitCode.USAGE
    for folder in ("empty", "empty/x"):
        ran = cli("decompress", folder, "-o", "back")
        assert ran.code in (ExitCode.USAGE, ExitCode.DAMAGE)
        assert "Traceback" not in ran.err
    assert not (cli.folder / "back").exists()


@pytest.mark.parametrize("data", [TEXT, b"", NOISE])
def test_gzip_output_of_compress_passes_the_published_validator(cli: CommandLine, data: bytes) -> None:
    cli.write("a.bin", data)
    options = ("--method", "generic_gzip_v1", "--chunk-size", "1000")
    assert cli("compress", "a.bin", "-o", "out", *options).code == ExitCode.OK
    assert validate(cli.folder / "out") == data


def test_gzip_output_of_the_daemon_passes_the_published_validator(cli: CommandLine) -> None:
    files = {"text.txt": TEXT, "deep/noise.bin": NOISE, "empty": b"", "one": b"x"}
    for base, data in files.items():
        cli.write("file", data)
        cli("submit", "file", "--base", base, "--chunk-size", "700", "--root", "R")
    assert cli("run", "--once", "--root", "R", "--method", "generic_gzip_v1").code == ExitCode.OK
    for base, data in files.items():
        assert validate(cli.folder / "R/compressed_chunks" / base) == data
