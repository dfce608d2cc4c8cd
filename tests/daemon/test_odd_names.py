"""Names of files that are no text: they are refused, told and kept like any others, and stop nobody."""

import json
import os
from pathlib import Path

import pytest
from fakes.bench import Bench
from fakes.command_line import CommandLine
from fakes.deliveries import job, job_file, write_json

from panini_daemon.exit_codes import ExitCode

ODD = os.fsdecode(b"caf\xe9")
"""As a Latin-1 system writes it."""
PATHS = (f"inbox/{ODD}.json", f"inbox/{ODD}/manifest.json", f"inbox/{ODD}/chunk_0000/data.bin")


@pytest.mark.parametrize("path", PATHS)
def test_a_worker_goes_on_when_a_name_in_the_inbox_is_no_utf8(bench: Bench, path: str) -> None:
    bench.submit("good.txt", b"good " * 100)
    write_json(bench.store, path, job(job_file(path="../x")))
    bench.run()
    assert "round_failed" not in bench.screen.getvalue()
    assert len(bench.names("done")) == 1
    (failed,) = bench.names("failed")
    error = json.loads(bench.store.read(f"failed/{failed}/error.json"))
    assert ODD in error["manifest_path"]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(tmp_path, monkeypatch, capfd)


@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_verify_names_a_damaged_chunk_whose_base_is_no_utf8(command: CommandLine, flags: tuple[str, ...]) -> None:
    command.write("good.txt", b"good")
    assert command("run", "--once", "--root", "tree").code == ExitCode.OK
    command.write(f"tree/compressed_chunks/{ODD}/chunk_0000/recipe.json", b"{}")
    ran = command("verify", "--root", "tree", *flags)
    assert ran.code == ExitCode.DAMAGE, ran.err
    assert "caf\\udce9" in ran.out
    assert "Traceback" not in ran.err
