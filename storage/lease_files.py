"""One worker's hand in the lease folder: list it, write and delete files there."""

import math
import threading

from panini_daemon.storage.clock import Clock, iso
from panini_daemon.storage.errors import NotFound, StorageError, StoreUnavailable
from panini_daemon.storage.lease_claim import Claim
from panini_daemon.storage.lease_entry import (
    EntryName,
    Mark,
    format_content,
    parse_content,
    parse_name,
    quote_worker,
    read_content,
)
from panini_daemon.storage.store import Store

Files = dict[str, EntryName]


class LeaseFiles:
    """The folder as the worker sees it. Deletions that fail are kept and tried again after `patience` seconds."""

    def __init__(self, store: Store, folder: str, worker: str, clock: Clock, patience: float) -> None:
        self._store = store
        self._folder = folder
        self._worker = worker
        self._quoted = quote_worker(worker)
        self._clock = clock
        self._patience = patience
        self._doomed: dict[str, float] = {}
        self._lock = threading.Lock()

    def list(self) -> tuple[Files, dict[str, Files]]:
        """List this worker's files, and the others' by key.

        Raises StoreUnavailable, RootLost among them: what is not in the list is absent, or nothing is returned.
        """
        mine: Files = {}
        others: dict[str, Files] = {}
        try:
            entries = self._store.list(self._folder)
        except NotFound:
            entries = []
        self._store.check_root()
        for entry in entries:
            name = parse_name(entry.name) if entry.kind == "file" else None
            if name is None:
                continue
            if name.worker == self._quoted:
                mine[entry.name] = name
            else:
                others.setdefault(name.key, {})[entry.name] = name
        return mine, others

    def read(self, file: str, name: EntryName) -> Mark | None:
        """Read how far a claim got; None where its file is absent, not valid, or not to be read. Raises RootLost."""
        try:
            return parse_content(read_content(self._store, f"{self._folder}/{file}"), name)
        except NotFound:
            return None
        except StoreUnavailable:
            self.check_root()
            return None

    def write(self, claim: Claim, mark: Mark) -> None:
        """Write a claim's file, with the next sequence number, so that observers see a change."""
        claim.sequence += 1
        written_at = iso(self._clock.now())
        content = format_content(claim.name, self._worker, mark, claim.sequence, written_at)
        # A lease that a crash wipes out is no loss: no fsync.
        self._store.write(f"{self._folder}/{claim.file}", content, durable=False)

    def delete(self, file: str) -> None:
        """Delete a file, now or, where the store does not let us, later."""
        try:
            self._store.delete(f"{self._folder}/{file}")
        except StorageError:
            # Not urgent and not forgotten: `retry` comes back to it.
            self.doom(file)
        else:
            with self._lock:
                self._doomed.pop(file, None)

    def doom(self, file: str) -> None:
        """Have a file deleted later: one that may or may not be there."""
        with self._lock:
            self._doomed[file] = self._clock.monotonic() + self._patience

    def is_doomed(self, file: str) -> bool:
        """Tell whether a file is already waiting to be deleted."""
        return file in self._doomed

    def retry(self) -> None:
        """Delete the files whose deletion is due again."""
        now = self._clock.monotonic()
        with self._lock:
            due = [file for file, when in self._doomed.items() if when <= now]
        for file in due:
            self.delete(file)

    def retry_at(self) -> float:
        """Return when the next deletion is due, on the monotonic clock; infinity where none is."""
        with self._lock:
            return min(self._doomed.values(), default=math.inf)

    def check_root(self) -> None:
        """Raise RootLost unless the root is there."""
        self._store.check_root()
