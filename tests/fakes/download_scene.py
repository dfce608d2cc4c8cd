"""A hub with a blob and a Git LFS object of the same bytes, and a downloader of them."""

import hashlib
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes.clock import FakeClock
from fakes.github.objects import object_name
from fakes.github.server import FakeGithub

from panini_daemon.storage.github.download import Downloaded, Downloader
from panini_daemon.storage.github.gate import Gate
from panini_daemon.storage.github.lfs import Pointer
from panini_daemon.storage.github.repository import Repository
from panini_daemon.storage.github.requests_made import RequestsMade

DATA = bytes(range(256)) * 40
BLOB = object_name("blob", DATA)
WHOLE = Downloaded(hashlib.sha256(DATA).hexdigest(), len(DATA))
POINTER = Pointer(WHOLE.sha256, WHOLE.size)
ABSENT = Pointer("0" * 64, 5)
BLOBS, LINKS, OBJECTS = "GET */git/blobs/*", "POST */objects/batch", "GET /lfs-store/*"
BIG = 100_000_000


class Scene:
    """A hub, a downloader of its repository, and what they share."""

    def __init__(self, hub: FakeGithub, target: Path) -> None:
        self.hub, self.target = hub, target
        self.clock, self.requests = FakeClock(), RequestsMade()
        self.gate = Gate(self.clock, jitter=random.Random(1), sleep=time.sleep, between_writes=0.0)
        self.downloaders: list[Downloader] = []
        self.downloader = self.make()

    def make(self, **options: Any) -> Downloader:
        url, token = options.pop("url", self.hub.url), options.pop("token", self.hub.token)
        settings = {"gate": self.gate, "requests": self.requests, "clock": self.clock, "timeout": 5.0, **options}
        made = Downloader(Repository("someone", "archive", url), token, **settings)
        self.downloaders.append(made)
        return made

    def blob(self, **options: Any) -> Downloaded:
        return self.downloader.blob(BLOB, self.target, **options)

    def lfs(self, pointer: Pointer = POINTER) -> Downloaded:
        return self.downloader.lfs(pointer, self.target)

    def fetch(self, kind: str) -> Downloaded:
        """Download the same bytes one way or the other."""
        return self.blob(size=len(DATA)) if kind == "blob" else self.lfs()

    def is_whole(self) -> bool:
        return self.target.read_bytes() == DATA

    def ranges(self) -> list[str | None]:
        """What was asked of hosts that serve bytes."""
        return [each.headers.get("Range") for each in self.hub.requests if each.kind in {"blob", "lfs-object"}]

    def serve_ranges(self, serve: bool) -> None:
        self.hub.blob_ranges = self.hub.lfs_ranges = serve


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with FakeGithub(tmp_path / "hub") as hub:
        hub.commit({"data.bin": DATA, "empty": b""})
        hub.lfs[POINTER.oid] = DATA
        scene = Scene(hub, tmp_path / "data.bin")
        yield scene
        for downloader in scene.downloaders:
            downloader.close()


both = pytest.mark.parametrize(("kind", "glob"), [("blob", BLOBS), ("lfs", OBJECTS)])
