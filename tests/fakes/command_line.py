"""The command line, run in the test's own process, with nothing of the machine's settings in it."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from panini_daemon.cli import main


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class CommandLine:
    """Runs commands in `folder`: quick settings, a spool of its own, one compute process."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys
        isolate(folder, monkeypatch)

    def __call__(self, *arguments: object) -> Ran:
        """Run one command to its end."""
        self._capsys.readouterr()
        code = call(*arguments)
        captured = self._capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    def write(self, name: str, data: bytes) -> Path:
        """Write a file into the folder."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path


def isolate(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in `folder`, with quick settings in the environment and none of the machine's."""
    for name in list(os.environ):
        if name.startswith("PANINI_") or name == "GITHUB_TOKEN":
            monkeypatch.delenv(name)
    monkeypatch.setenv("PANINI_DEVICE", "cpu")
    monkeypatch.setenv("PANINI_LEVEL", "fast")
    monkeypatch.setenv("PANINI_CPU_WORKERS", "1")
    monkeypatch.setenv("PANINI_POLL_MIN", "10ms")
    monkeypatch.setenv("PANINI_SPOOL", str(folder / "spool"))
    monkeypatch.chdir(folder)


def call(*arguments: object) -> int:
    """Run one command and return its exit status."""
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return int(ended.value.code or 0)
