"""A whole worker over a store in memory: real inbox, leases, pipeline and service; compute in this process."""

import contextlib
import io
import json
import random
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from fakes.clock import FakeClock
from fakes.inline_compute import InlineCompute
from fakes.inline_pool import InlinePool
from fakes.memory_store import MemoryStore
from fakes.repository_source import RepositorySource

from panini_daemon.assembly import is_committed
from panini_daemon.attempts import Attempts, RetryPolicy
from panini_daemon.budget import MemoryBudget
from panini_daemon.compressors import Registry
from panini_daemon.deduplication import Twins
from panini_daemon.keeping import Keep
from panini_daemon.logs import TreeLog, make_logger
from panini_daemon.parts import Parts, Phase
from panini_daemon.pipeline import Line
from panini_daemon.service import Service
from panini_daemon.sources import Source, Sources
from panini_daemon.spool import Spool
from panini_daemon.storage.bases import Bases
from panini_daemon.storage.chunk_index import ChunkIndex
from panini_daemon.storage.errors import StorageError
from panini_daemon.storage.inbox import Inbox
from panini_daemon.storage.lease_timing import LeaseTiming
from panini_daemon.storage.leases import Leases
from panini_daemon.storage.root import chunk_folder, open_root
from panini_daemon.storage.submission import submit
from panini_daemon.storage.watching import Backoff
from panini_daemon.work_pool import Work


class Bench:
    """One worker. Its pauses advance the fake clock instead of waiting; `on_sleep` sees each of them.

    With `inline` it has no threads: chunks are worked on between its steps.
    """

    def __init__(
        self,
        folder: Path,
        store: MemoryStore | None = None,
        clock: FakeClock | None = None,
        worker: str = "w1",
        *,
        method: str = "auto",
        removal_delay: float = 0.0,
        repository: RepositorySource | None = None,
        inline: bool = False,
        compute: InlineCompute | None = None,
        level: str = "fast",
        dedup: bool = False,
        late: bool = False,
        **hooks: Any,
    ) -> None:
        self.folder, self.store, self.clock = folder, store or MemoryStore(), clock or FakeClock()
        open_root(self.store, create=True, clock=self.clock, new_id=lambda: "root")
        self.compute = compute or InlineCompute(Registry())
        self.stopping = threading.Event()
        self.pauses: list[float] = []
        self.on_sleep: Callable[[float], None] = lambda _: None
        self.tree_log = TreeLog(self.store, f"logs/{worker}.jsonl", max_bytes=1 << 20, backups=1)
        self.screen = io.StringIO()
        self.log = make_logger(clock=self.clock, level="debug", tree=self.tree_log, screen=self.screen)
        self.source: Source = Inbox(
            self.store, clock=self.clock, arrival_timeout=10.0, committed=partial(is_committed, self.store)
        )
        if repository is not None:
            self.source = Sources(self.source, repository, hopeless=lambda: False)
        self.leases = Leases(
            self.store,
            worker,
            clock=self.clock,
            timing=LeaseTiming.local(),
            nonce=iter(f"{number:04d}" for number in range(10_000)).__next__,
        )
        self.spool = Spool(folder / f"spool-{worker}")
        line = Line(
            fetch=self.source.fetch,
            store=self.store,
            compute=self.compute,  # type: ignore[arg-type]
            budget=MemoryBudget(1 << 30),
            spool=self.spool,
            keep=Keep(folder / "kept", limit=1 << 30, clock=self.clock),
            clock=self.clock,
            registry=self.compute.registry,
            worker=worker,
            level=level,
            method=method,
            shared=removal_delay > 0,
            folder_of=lambda chunk: chunk_folder(chunk.base, chunk.chunk_id),
        )
        self.index = ChunkIndex(self.store, worker)
        if dedup:
            twins = Twins(
                store=self.store,
                index=self.index,
                compute=line.compute,
                budget=line.budget,
                spool=self.spool,
                clock=self.clock,
                worker=worker,
                folder_of=line.folder_of,
                shared=line.shared,
                late=late,
            )
            line = replace(line, twins=twins)
        attempts = Attempts(line, RetryPolicy(), self._sleep, self._fatal, random.Random(1))
        self.pool: InlinePool | None = None
        parts = Parts(
            source=self.source,
            store=self.store,
            leases=self.leases,
            bases=Bases(self.store, self.clock),
            attempts=attempts,
            clock=self.clock,
            log=self.log,
            worker=worker,
            threads=2,
            backoff=Backoff(0.25, 2.0),
            removal_delay=removal_delay,
            **({"pool": self._make_pool} if inline else {}),
            **hooks,
        )
        self.service = Service(parts, self.stopping, once=True)

    def submit(self, name: str, data: bytes, **options: Any) -> None:
        """Put a file into the inbox."""
        path = self.folder / name
        path.write_bytes(data)
        submit(self.store, [path], clock=self.clock, **options)

    def run(self, rounds: int = 300) -> None:
        """Step until the inbox is empty, letting the fake time pass between rounds."""
        self.service.notice()
        for _ in range(rounds):
            self.round()
            if self.service.finished:
                return
        raise AssertionError(f"not finished after {rounds} rounds: {self.screen.getvalue()[-2000:]}")

    def round(self) -> None:
        """Do one step and wait for a chunk to end, or let the fake time pass."""
        delay = self.service.step()
        if self.service.phase is Phase.WAITING:
            self._sleep(delay)
        elif self.pool is not None and self.pool.busy:
            self.pool.run()
        elif self.service.running and self.pool is None:
            self.service.wake.wait(5)
            self.service.wake.clear()
        else:
            self.clock.advance(max(delay, 0.01))

    def close(self) -> None:
        """End the worker as the application does."""
        self.service.close()
        self.spool.close()
        self.tree_log.flush()

    def events(self) -> list[dict[str, Any]]:
        """Return the log lines written so far."""
        self.tree_log.flush()
        return [
            json.loads(line)
            for entry in self.store.list("logs")
            for line in self.store.read(f"logs/{entry.name}").splitlines()
        ]

    def names(self, folder: str) -> list[str]:
        """Return the sorted names in a folder of the tree."""
        return sorted(entry.name for entry in self.store.list(folder))

    def json(self, path: str) -> Any:
        """Return a JSON file of the tree."""
        return json.loads(self.store.read(path))

    def failure(self) -> dict[str, Any]:
        """Return error.json of the one failed job, its folder's name added."""
        (name,) = self.names("failed")
        return {**self.json(f"failed/{name}/error.json"), "folder": f"failed/{name}"}

    def _make_pool(self, threads: int, work: Work) -> InlinePool:
        self.pool = InlinePool(threads, work)
        return self.pool

    def _sleep(self, seconds: float) -> bool:
        self.pauses.append(seconds)
        assert len(self.pauses) < 1000, "pauses without end"
        for _ in range(10):  # the heartbeat goes on meanwhile
            self.clock.advance(seconds / 10)
            with contextlib.suppress(StorageError):
                self.leases.refresh()
        self.on_sleep(seconds)
        return self.stopping.is_set()

    def _fatal(self, error: Exception) -> None:
        self.service.stop_for(error)
