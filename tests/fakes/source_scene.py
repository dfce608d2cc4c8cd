"""A repository on the fake GitHub, and a source of jobs over it, with what it was asked for."""

import hashlib
import json
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fakes.clock import FakeClock
from fakes.deliveries import CHUNKS, metadata, offsets, tree_manifest
from fakes.github.server import FakeGithub
from fakes.memory_store import MemoryStore

from panini_daemon.storage.github.client import Client
from panini_daemon.storage.github.download import Downloader
from panini_daemon.storage.github.gate import Gate
from panini_daemon.storage.github.repository import Repository
from panini_daemon.storage.github.requests_made import RequestsMade
from panini_daemon.storage.github.source import GithubSource
from panini_daemon.storage.jobs import Job, Poll, Rejected

ROOT = "pending_compression"


def chunk_files(
    folder: str, number: int, chunks: Sequence[bytes] = CHUNKS, name: str = "data.bin", **others: Any
) -> dict[str, bytes]:
    """Return the files of one chunk folder; `others` go into its metadata.json."""
    where = f"{folder}/chunk_{number:04d}"
    told = json.dumps(metadata(number, chunks, **others)).encode()
    return {f"{where}/{name}": chunks[number], f"{where}/metadata.json": told}


def tree_files(
    base: str = "photo.png", chunks: Sequence[bytes] = CHUNKS, root: str = ROOT, **others: Any
) -> dict[str, bytes]:
    """Return the files of a chunk tree; `others` go into each metadata.json."""
    folder = f"{root}/{base}" if root else base
    files = {f"{folder}/manifest.json": json.dumps(tree_manifest(chunks)).encode()}
    for number, offset in enumerate(offsets(chunks)):
        files |= chunk_files(folder, number, chunks, offset=offset, **others)
    return files


def many_files(bases: int, chunks: int) -> dict[str, bytes]:
    """Return so many chunk trees of so many small chunks, no two alike."""
    files: dict[str, bytes] = {}
    for base in range(bases):
        files |= tree_files(f"d{base % 7}/f{base:04d}", [b"%d of %d" % (number, base) for number in range(chunks)])
    return files


class Connections:
    """What one worker has of a hub, to be closed."""

    def __init__(self, hub: FakeGithub, *, token: str | None = None) -> None:
        self.clock = FakeClock()
        self.made = RequestsMade()
        self.repository = Repository(hub.owner, hub.repo, hub.url)
        gate = Gate(self.clock, jitter=random.Random(1), sleep=self.clock.advance, between_writes=0.0)
        token = token or hub.token
        self.client = Client(self.repository, token, gate=gate, requests=self.made, timeout=5.0)
        self.downloader = Downloader(
            self.repository, token, gate=gate, requests=self.made, clock=self.clock, timeout=5.0
        )

    def close(self) -> None:
        self.client.close()
        self.downloader.close()


class SourceScene(Connections):
    """A source over the hub's repository. `receipts` are the settled jobs of the worker's tree."""

    def __init__(self, hub: FakeGithub, *, ref: str | None = None, path: str = ROOT, **options: Any) -> None:
        super().__init__(hub)
        self.hub = hub
        self.store = MemoryStore()
        self.receipts: set[str] = set()
        self.listed = 0
        self.committed: set[tuple[str, int, str]] = set()
        self.source = GithubSource(
            self.client,
            self.downloader,
            self.store,
            ref=ref,
            path=path,
            clock=self.clock,
            committed=lambda *chunk: chunk in self.committed,
            settled=self._list_receipts,
            is_settled=lambda job_id: job_id in self.receipts,
            **options,
        )
        self._before: Counter[str] = Counter()

    def _list_receipts(self) -> set[str]:
        self.listed += 1
        return set(self.receipts)

    def look(self, looks: int = 50) -> Poll:
        """Look until there is no more to look at, and poll."""
        for _ in range(looks):
            if not self.source.look():
                return self.source.poll()
        raise AssertionError(f"no end after {looks} looks")

    def jobs(self) -> dict[str, Job]:
        """Look, and return the jobs by what they are called in the repository."""
        return {job.manifest_path.rpartition(":")[2]: job for job in self.look().ready}

    def one(self) -> Job:
        poll = self.look()
        assert not poll.rejected, poll.rejected[0].error
        (job,) = poll.ready
        return job

    def refusal(self) -> Rejected:
        """Look, and return the one refusal beside the job of a good tree that was committed as well."""
        self.hub.commit(tree_files("good.png"))
        poll = self.look()
        assert [job.files[0].base for job in poll.ready] == ["good.png"]
        (refused,) = poll.rejected
        return refused

    def spent(self) -> dict[str, int]:
        """Return the requests since the last call, by kind."""
        now = Counter(self.made.counts())
        spent = now - self._before
        self._before = now
        return dict(spent)


def data_of(scene: SourceScene, target: Path) -> bytes:
    """Return the bytes of the one job, each chunk fetched into `target` in its turn."""
    job = scene.one()
    data = b""
    for chunk in sorted(job.chunks, key=lambda chunk: chunk.chunk_id):
        digest = scene.source.fetch(chunk, target)
        assert digest == hashlib.sha256(target.read_bytes()).hexdigest()
        data += target.read_bytes()
    return data
