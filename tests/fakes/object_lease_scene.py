"""Workers that lease jobs in one object store."""

import itertools
from functools import partial

import pytest
from fakes.clock import FakeClock
from fakes.object_client import ObjectClient

from panini_daemon.storage.errors import StoreUnavailable
from panini_daemon.storage.lease_timing import LeaseTiming
from panini_daemon.storage.object_connection import connect
from panini_daemon.storage.object_lease_record import parse_record
from panini_daemon.storage.object_leases import ObjectLeases
from panini_daemon.storage.object_versions import Versions

TIMING = LeaseTiming(settle=0.0, refresh=60.0, stale=300.0, stop=225.0)
PATH = "leases/job.json"
AWAY = StoreUnavailable("away")


class Scene:
    """Workers with a client each to one store, and one clock."""

    def __init__(self) -> None:
        self.shared = connect("memory:///", {})
        self.clock = FakeClock()
        self.clients: dict[str, ObjectClient] = {}

    def worker(self, name: str) -> ObjectLeases:
        self.clients[name] = ObjectClient(self.shared)
        return ObjectLeases(
            Versions(self.clients[name], "memory"),
            name,
            clock=self.clock,
            timing=TIMING,
            nonce=partial(lambda numbers: f"{name}{next(numbers)}", itertools.count()),
        )

    def content(self, path: str = PATH) -> bytes | None:
        found = Versions(self.shared, "memory").read(path)
        return None if found is None else found[0]

    def holder(self) -> str | None:
        record = parse_record(self.content() or b"", "job")
        return record and record.worker


@pytest.fixture
def scene() -> Scene:
    return Scene()
