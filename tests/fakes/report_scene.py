"""What tests of reports stand on: a fake GitHub, a tree in memory, and reporters between them."""

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes.clock import FakeClock
from fakes.github.faults import Action
from fakes.github.server import FakeGithub
from fakes.memory_store import MemoryStore

from panini_daemon.storage.errors import StorageError
from panini_daemon.storage.github.client import Client
from panini_daemon.storage.github.gate import Gate
from panini_daemon.storage.github.reporter import Reporter
from panini_daemon.storage.github.repository import Repository
from panini_daemon.storage.github.requests_made import RequestsMade
from panini_daemon.storage.outbox import Outbox
from panini_daemon.storage.reports import ChunkReport, JobReport
from panini_daemon.storage.root import MARKER

HASH = "ab" * 32
STATS = {
    "original_size": 120_000,
    "compressed_size": 30_000,
    "ratio": 0.25,
    "savings_percent": 75.0,
    "method": "generic_zstd_v1",
}
MOMENT = "2026-05-04T09:12:55.000Z"


def completed(folder: str) -> ChunkReport:
    """Report a chunk of pending_compression/ as completed."""
    return ChunkReport(
        f"pending_compression/{folder}", "completed", f"compressed_chunks/{folder}/compressed.bin", HASH, STATS
    )


def failed(folder: str, error: str = "CodecFailed: no") -> ChunkReport:
    """Report a chunk of pending_compression/ as failed."""
    return ChunkReport(f"pending_compression/{folder}", "failed", "", "", {"error": error})


def job(
    name: str, *chunks: ChunkReport, commit: str = "", worker: str = "w1", at: str = MOMENT, **more: Any
) -> JobReport:
    """Report a job of someone/archive."""
    fields: dict[str, Any] = {"repository": "someone/archive", "commit": commit, **more}
    return JobReport(job_id=name, worker=worker, created_at=at, chunks=chunks, **fields)


def metadata(status: str = "pending", **more: object) -> bytes:
    """Write a metadata.json as the chunker does."""
    return (json.dumps({"chunk_id": 0, "dependencies": [0], "status": status, **more}, indent=2) + "\n").encode()


class Scene:
    """One fake GitHub and one tree; clients, outboxes and reporters as many as a test likes."""

    def __init__(self, folder: Path) -> None:
        self.hub = FakeGithub(folder)
        self.clock = FakeClock()
        self.store = MemoryStore()
        self.store.write(MARKER, b"{}")
        self.told: list[StorageError] = []
        self.slept: list[float] = []
        self.requests = RequestsMade()
        self._clients: list[Client] = []

    def client(self) -> Client:
        """Connect as a worker of its own, with a gate of its own."""
        gate = Gate(self.clock, jitter=random.Random(1), sleep=self.slept.append, between_writes=0.0)
        repository = Repository(self.hub.owner, self.hub.repo, self.hub.url)
        client = Client(repository, self.hub.token, gate=gate, requests=self.requests, timeout=10.0)
        self._clients.append(client)
        return client

    def outbox(self, worker: str = "w1") -> Outbox:
        """Look at the tree as a worker that has just started."""
        return Outbox(self.store, worker, self.clock, tell=self.told.append)

    def reporter(self, outbox: Outbox | None = None, **options: Any) -> Reporter:
        """Start a reporter that only dispatches, unless `options` say more."""
        defaults: dict[str, Any] = {
            "repository": "someone/archive",
            "mode": "batch",
            "commit_status": False,
            "metadata": False,
            "ref": None,
            "path": "pending_compression",
            "clock": self.clock,
            "sleep": self.slept.append,
            "jitter": random.Random(1),
            "tell": self.told.append,
        }
        return Reporter(self.client(), outbox or self.outbox(), **{**defaults, **options})

    def dispatched(self) -> list[dict[str, Any]]:
        """Return all chunks that events named, in order."""
        found = []
        for _, payload in self.hub.dispatches:
            found += [{name: value for name, value in payload.items() if name != "more"}, *payload.get("more", [])]
        return found

    def left(self) -> list[str]:
        """Return the reports that are still in the tree."""
        return sorted(path for path in self.store.files if path.startswith("reports/"))

    def before(self, method: str, glob: str, act: Callable[[], object], *, times: int = 1) -> None:
        """Do something at the moment when a request comes in, the first `times` times."""
        left = [times]

        def match(verb: str, path: str) -> bool:
            if verb == method and glob in path and left[0]:
                left[0] -= 1
                act()
            return False

        self.hub.faults.add(match, Action(), times=None)

    def close(self) -> None:
        for client in self._clients:
            client.close()
        self.hub.close()
        if self.hub.crashes:
            raise AssertionError("the fake GitHub itself failed") from self.hub.crashes[0]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path)
    yield made
    made.close()
