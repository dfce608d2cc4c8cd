"""The world of `lease_world` over an object store: coherent, but slow at times, away at times, its answers lost."""

from fakes.lease_world import LeaseWorld, Worker, WorkerClock
from fakes.object_client import ObjectClient

from panini_daemon.storage.lease_timing import LeaseTiming
from panini_daemon.storage.object_connection import Client, connect
from panini_daemon.storage.object_leases import ObjectLeases
from panini_daemon.storage.object_versions import Versions

TIMING = LeaseTiming(settle=0.0, refresh=12.0, stale=90.0, stop=60.0)


class ObjectLeaseWorld(LeaseWorld):
    """Each worker has a client of its own to one store; time can pass before and after each effect."""

    def __init__(self, seed: int, *, workers: int = 3, jobs: int = 2) -> None:
        self._shared: Client = connect("memory:///", {})
        super().__init__(seed, workers=workers, jobs=jobs, timing=TIMING)

    def _make_worker(self, name: str, timing: LeaseTiming) -> Worker:
        client = ObjectClient(self._shared, before=self._work, after=self._work)
        leases = ObjectLeases(
            Versions(client, "memory"),
            name,
            clock=WorkerClock(self.time, self.random),
            timing=timing,
            nonce=lambda: f"{self.random.getrandbits(32):08x}",
        )
        return Worker(name, client, leases)
