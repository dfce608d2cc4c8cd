"""The command lines in README and docs do what they say on a tree that a run has filled, not only parse."""

import re
import shutil
from pathlib import Path

import pytest
from fakes.command_line import CommandLine, call, isolate
from fakes.markdown import ROOT
from test_docs import arguments_of, command_lines

from panini_daemon.exit_codes import ExitCode

pytestmark = pytest.mark.slow

ROOTS = ("/srv/PaniniFS", "/mnt/drive/PaniniFS", "s3://archive/PaniniFS")
"""Trees that the pages name; here they are one folder. That an object store takes their place is tested elsewhere."""

ELSEWHERE = {
    "--watch": "draws until Ctrl-C; tests/dashboard",
    "--follow": "waits until Ctrl-C; tests/daemon/test_log_reading.py",
    "--workers": "starts processes; tests/daemon/test_several_workers.py",
    "models fetch": "downloads; tests/daemon/test_cli_models.py",
    "text_lm_v1": "needs weights; tests/exact/test_text_lm.py",
    "acme": "needs a plugin; tests/test_plugin_doc.py runs that page",
    "packed": "what text_lm_v1 or a plugin has packed",
    "github": "needs a repository; tests/daemon/test_cli_github.py, tests/test_workflows.py",
    "submit FILE": "a placeholder",
}
"""What is not run here: words of the line, and why."""

LINES = sorted({line for _, line in command_lines() if not any(words in line for words in ELSEWHERE)})


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with files and a tree in which they are filed under the names that the pages use."""
    folder = tmp_path_factory.mktemp("filled")
    (folder / "picture.jpg").write_bytes(b"no picture, but some bytes")
    for name in ("notes.txt", "letters"):
        (folder / name).write_bytes(f"What was written in {name} stays.\n".encode() * 300)
    with pytest.MonkeyPatch.context() as patch:
        isolate(folder, patch)
        assert call("submit", "notes.txt", "letters") == ExitCode.OK
        assert call("--once", "--quiet") == ExitCode.OK
    return folder


@pytest.mark.parametrize("written", LINES)
def test_every_command_line_in_the_docs_runs(
    written: str, filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    here = tmp_path / "here"
    shutil.copytree(filled, here)
    words = ["PaniniFS" if word in ROOTS else word for word in arguments_of(written)]
    if not words or words[0].startswith("-"):
        words = [*words, "--once"] if "--once" not in words else words
    done = CommandLine(here, monkeypatch, capsys)(*words)
    assert done.code == ExitCode.OK, (words, done.out, done.err)
    if "restore" in words:
        assert (here / "back.txt").read_bytes() == (here / "notes.txt").read_bytes()


def test_most_lines_are_run_and_each_that_is_not_has_its_reason() -> None:
    lines = {line for _, line in command_lines()}
    assert len(LINES) > len(lines) // 2
    assert [words for words in ELSEWHERE if not any(words in line for line in lines)] == []
    for why in ELSEWHERE.values():
        for path in re.findall(r"tests/[\w/.]+", why):
            assert (ROOT / path).exists(), path
