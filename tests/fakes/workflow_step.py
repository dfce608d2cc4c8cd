"""A step of a workflow that runs `github` commands in a checkout, and the repository it runs for."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes.clock import FakeClock
from fakes.command_line import CommandLine, Ran
from fakes.deliveries import write_tree
from fakes.github.server import FakeGithub
from fakes.memory_store import MemoryStore

from panini_daemon.storage.clock import SystemClock
from panini_daemon.storage.inbox import Inbox
from panini_daemon.storage.jobs import Job
from panini_daemon.storage.local import LocalStore
from panini_daemon.storage.root import open_root

TREE = "pending_compression/a/photo.png"
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 31\n"
HASH = "ab" * 32


class Step:
    """A step of a workflow: the checkout is the current folder, the runner's files lie beside it."""

    def __init__(self, line: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
        self._line, self._monkeypatch = line, monkeypatch
        self.folder = line.folder
        for name in list(os.environ):
            if name.startswith("GITHUB_"):
                monkeypatch.delenv(name)
        for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"):
            self.set(name, str(self.folder / name))
        self.waits: list[float] = []
        monkeypatch.setattr("time.sleep", self.waits.append)

    def __call__(self, *arguments: object) -> Ran:
        ran = self._line("github", *arguments)
        assert "Traceback" not in ran.err
        return ran

    def set(self, name: str, value: str) -> None:
        self._monkeypatch.setenv(name, value)

    def unset(self, name: str) -> None:
        self._monkeypatch.delenv(name)

    def write(self, path: str, data: bytes) -> None:
        self._line.write(path, data)

    def told(self, name: str) -> str:
        path = self.folder / name
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def check_out(self, hub: FakeGithub | None = None) -> None:
        """Write a chunk tree into the checkout, and into the repository where there is one."""
        files = MemoryStore()
        write_tree(files, TREE)
        for path, data in files.files.items():
            self.write(path, data)
        if hub is not None:
            hub.commit(files.files)

    def run_for(self, hub: FakeGithub) -> None:
        """Set the environment of a run on the repository's branch."""
        self.set("GITHUB_TOKEN", hub.token)
        self.set("GITHUB_API_URL", hub.url)
        self.set("GITHUB_REPOSITORY", f"{hub.owner}/{hub.repo}")
        self.set("GITHUB_REF", "refs/heads/main")
        self.set("GITHUB_REF_NAME", "main")
        self.set("GITHUB_SHA", "9f2c")
        self.set("GITHUB_RUN_ID", "12")

    def make_root(self) -> LocalStore:
        store = LocalStore(self.folder / "R")
        open_root(store, create=True, clock=SystemClock())
        return store

    def event(self, payload: object, action: str = "chunk_compressed") -> None:
        self.write("event.json", json.dumps({"action": action, "client_payload": payload}).encode())
        self.set("GITHUB_EVENT_PATH", str(self.folder / "event.json"))


@pytest.fixture
def step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Step:
    return Step(CommandLine(tmp_path, monkeypatch, capsys), monkeypatch)


@pytest.fixture
def hub(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGithub]:
    monkeypatch.setattr("panini_daemon.storage.github.gate.BETWEEN_WRITES", 0.0)
    with FakeGithub(tmp_path_factory.mktemp("hub")) as hub:
        yield hub


def jobs(root: Path) -> tuple[Job, ...]:
    poll = Inbox(LocalStore(root), clock=FakeClock(), arrival_timeout=1).poll()
    assert not poll.rejected
    return poll.ready


def statuses(hub: FakeGithub, branch: str = "main") -> list[str]:
    found = [json.loads(hub.read(f"{TREE}/chunk_{number:04d}/metadata.json", branch)) for number in range(3)]
    return [fields["status"] for fields in found]


def completed(number: int, **others: Any) -> dict[str, Any]:
    return {
        "chunk_path": f"{TREE}/chunk_{number:04d}",
        "status": "completed",
        "upload_path": f"compressed_chunks/a/photo.png/chunk_{number:04d}/compressed.bin",
        "upload_hash": HASH,
        "stats": {"original_size": 8, "compressed_size": 4},
        **others,
    }
