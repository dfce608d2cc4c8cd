"""The inbox of the tree as a source of jobs: what is new, what is wholly there, what went away.

A look costs one listing of the inbox and then what changed: a manifest is read once when it is new and looked at
again while it is arriving; what is known is looked at again a little at a time, in turn.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from panini_daemon.storage.allowance import Allowance
from panini_daemon.storage.arrival import Arrival, Context
from panini_daemon.storage.claims import Claim, Claims, claim_of
from panini_daemon.storage.clock import Clock
from panini_daemon.storage.departure import describe_bare, remove_job, set_job_aside
from panini_daemon.storage.errors import NotFound
from panini_daemon.storage.fetch import fetch
from panini_daemon.storage.folders import Folders, is_ignored
from panini_daemon.storage.forms import TREE_MANIFEST
from panini_daemon.storage.inbox_state import Look, News, Record, State
from panini_daemon.storage.jobs import Chunk, Job, Poll, Rejected
from panini_daemon.storage.ordering import job_key
from panini_daemon.storage.parts import Committed
from panini_daemon.storage.reading import holds, stamp_of
from panini_daemon.storage.root import INBOX
from panini_daemon.storage.store import Entry, Store

RECHECKS = 64
"""Manifests already reported that are looked at again at each poll, in turn."""
OPERATIONS, SECONDS = 100_000, 5.0
"""How long a poll may last before it leaves the rest to the next one; one store operation may exceed it."""


class Inbox:
    """Jobs in `folder` of the store. `arrival_timeout` is in seconds.

    `committed(base, chunk_id, sha256)` lets a job whose data was already removed be finished: a chunk that is
    committed need not be here. Polls, removals and fetches may come from several threads.
    """

    def __init__(
        self,
        store: Store,
        *,
        clock: Clock,
        arrival_timeout: float,
        folder: str = INBOX,
        committed: Committed = lambda _base, _chunk_id, _sha256: False,
        operations: int = OPERATIONS,
        seconds: float = SECONDS,
    ) -> None:
        self._context = Context(store, clock, folder, arrival_timeout, committed)
        self._stamp = partial(stamp_of, store)
        self._limits = (operations, seconds)
        self._folders = Folders(store, folder)
        self._claims = Claims()
        self._records: dict[str, Record] = {}
        self._by_id: dict[str, set[str]] = {}
        self._arriving, self._turn = deque[str](), deque[str]()
        self._removed: dict[str, float] = {}
        self._news = News()
        self._lock = threading.Lock()

    def poll(self) -> Poll:
        """Look once for what is new, never for long. Raises RootLost, StoreUnavailable."""
        with self._lock:
            look = Look(Allowance(self._context.clock, *self._limits))
            entries = self._list()
            self._note(entries)
            self._recheck(look)
            self._advance(look)
            # Manifests are read first: their data folders need not be searched for trees.
            self._folders.look(entries, self._claims.is_data_folder, look.allowance)
            self._note_trees()
            self._advance(look)
            news, self._news = self._news, News()
            return Poll(
                ready=tuple(sorted(news.ready.values(), key=job_key)),
                gone=tuple(news.gone),
                rejected=tuple(news.rejected.values()),
                arriving=sum(self._is_waited_for(path) for path in self._arriving),
                more=look.allowance.exhausted,
            )

    def fetch(self, chunk: Chunk, target: Path) -> str:
        """Copy one chunk to a local file and return its SHA-256. Raises as `fetch.fetch` does."""
        return fetch(self._context.store, chunk, target)

    def has(self, job: Job | Rejected) -> bool:
        """Tell whether the job's manifest is still there, whatever a listing says; of a tree without one, its data."""
        record, paths = self._records.get(job.manifest_path), [job.manifest_path]
        if record is not None and record.is_bare:
            paths.extend([chunk.data_path for chunk in job.chunks] if isinstance(job, Job) else job.leftovers)
        return any(self._stamp(path) for path in paths)

    def remove(self, job: Job | Rejected) -> None:
        """Delete a finished job, its data first and its manifest last."""
        self._take_out(job, lambda paths: remove_job(self._context.store, job, paths, self._spared(paths)))

    def set_aside(self, job: Job | Rejected, committed: Iterable[Chunk]) -> None:
        """Move a failed job to failed/<job_id>/, with all data that was not committed."""
        store, root = self._context.store, self._context.root
        self._take_out(job, lambda own: set_job_aside(store, job, own, committed, spared=self._spared(own), root=root))

    def _list(self) -> list[Entry]:
        try:
            return self._context.store.list(self._context.root)
        except NotFound:
            self._context.store.check_root()
            return []

    def _note(self, entries: Iterable[Entry]) -> None:
        """Compare the names at the top with what is known."""
        root = self._context.root
        there = {
            f"{root}/{entry.name}"
            for entry in entries
            if entry.name.endswith(".json") and entry.kind != "folder" and not is_ignored(entry.name)
        }
        known = {path for path, record in self._records.items() if record.tree is None}
        self._forget(known - there)
        for path in sorted(there - known):
            self._start(Record(path, None))

    def _note_trees(self) -> None:
        there = {f"{tree}/{TREE_MANIFEST}": tree for tree in self._folders.trees}
        known = {path for path, record in self._records.items() if record.tree is not None}
        self._forget(known - there.keys())
        for path in sorted(there.keys() - known):
            self._start(Record(path, there[path]))

    def _start(self, record: Record) -> None:
        self._records[record.path] = record
        record.state, record.arrival = State.ARRIVING, Arrival(self._context, record.path, record.tree)
        self._arriving.append(record.path)

    def _forget(self, paths: set[str]) -> None:
        if not paths:
            return
        self._context.store.check_root()  # absence means something only under a root that is there
        for path in paths:
            record = self._records.pop(path)
            self._withdraw(record)
            self._release(record)
            self._removed.pop(path, None)

    def _withdraw(self, record: Record) -> None:
        """Take back what was reported, unless a copy of the manifest still stands for it."""
        paths = self._by_id.get(record.job_id, set())
        paths.discard(record.path)
        if record.job_id and not paths:
            self._by_id.pop(record.job_id, None)
            untold = self._news.ready.pop(record.job_id, None) or self._news.rejected.pop(record.job_id, None)
            if record.accepted and record.state is not State.REMOVED and untold is None:
                self._news.gone[record.job_id] = None
        record.job_id, record.accepted = "", False

    def _release(self, record: Record) -> None:
        self._claims.drop(record.path, record.claim)
        for folder in record.claim.folders:
            if not self._claims.is_data_folder(folder):
                self._folders.look_again(folder)
        record.claim = Claim()

    def _advance(self, look: Look) -> None:
        """Look at what is arriving, as far as the allowance goes; the rest comes first the next time."""
        for _ in range(len(self._arriving)):
            path = self._arriving[0]
            record = self._records.get(path)
            if record is None or record.arrival is None:
                self._arriving.popleft()
                continue
            if path not in look.done:
                if not look.allowance.spend():
                    return
                look.done.add(path)
                if self._look_at(record, record.arrival, look):
                    self._arriving.popleft()
                    continue
            self._arriving.rotate(-1)

    def _look_at(self, record: Record, arrival: Arrival, look: Look) -> bool:
        """Look at one arrival; True where it is over."""
        if self._is_taken(record, arrival) and self._stamp(record.path) is None:
            return False
        result = arrival.look(look.allowance)
        if arrival.plan is not None and (claim := claim_of(arrival.plan)) != record.claim:
            self._release(record)
            record.claim = claim
            self._claims.add(record.path, claim)
        if arrival.vanished:
            self._withdraw(record)
            self._folders.look_again(record.tree or "")
        if result is None:
            return False
        record.arrival, record.state, record.seen = None, State.REPORTED, arrival.seen
        self._report(record, result)
        self._turn.append(record.path)
        return True

    def _report(self, record: Record, result: Job | Rejected) -> None:
        if record.job_id == result.job_id:
            return
        self._withdraw(record)
        known = result.job_id in self._by_id
        self._by_id.setdefault(result.job_id, set()).add(record.path)
        record.job_id, record.accepted = result.job_id, isinstance(result, Job)
        if known:  # a copy, `name (1).json`
            return
        if isinstance(result, Job):
            self._news.ready[result.job_id] = result
        else:
            self._news.rejected[result.job_id] = result

    def _recheck(self, look: Look) -> None:
        """Look again at some of what was reported: whether it changed or went away unlisted."""
        for _ in range(min(RECHECKS, len(self._turn))):
            path = self._turn[0]
            record = self._records.get(path)
            if record is None or record.state is not State.REPORTED:
                self._turn.popleft()
                continue
            if not look.allowance.spend():
                return
            seen = self._stamp(path)
            if seen == record.seen:
                self._turn.rotate(-1)
                continue
            self._turn.popleft()
            if seen is None:
                self._withdraw(record)
            self._start(record)
        self._recheck_removed(look)

    def _recheck_removed(self, look: Look) -> None:
        """Tell a listing that is late from a new manifest, and from one whose deletion a mount has lost."""
        overdue = self._context.clock.monotonic() - self._context.timeout
        for path, removed in sorted(self._removed.items()):
            if not look.allowance.spend():
                return
            record, seen = self._records[path], self._stamp(path)
            if seen is not None and (seen != record.seen or removed <= overdue):
                del self._removed[path]
                self._withdraw(record)
                self._start(record)

    def _is_taken(self, record: Record, arrival: Arrival) -> bool:
        """Tell whether a tree without a manifest of its own is the data of another manifest."""
        return bool(record.tree) and arrival.seen is None and self._claims.is_tree_taken(record.tree or "")

    def _is_waited_for(self, path: str) -> bool:
        record = self._records.get(path)
        if record is None or record.arrival is None:
            return False
        return not record.arrival.vanished and not self._is_taken(record, record.arrival)

    def _take_out(self, job: Job | Rejected, act: Callable[[tuple[str, ...]], None]) -> None:
        with self._lock:
            paths = sorted(self._by_id.get(job.job_id, set()) | {job.manifest_path})
        # A manifest that was replaced meanwhile is another job's, and so is its data.
        own = tuple(path for path in paths if holds(self._context.store, path, job.manifest))
        with self._lock:
            records = [record for path in own if (record := self._records.get(path))]
            before = [(record, record.state) for record in records]
            for record in records:
                record.state = State.REMOVED
        try:
            for record in records:
                describe_bare(self._context.store, record, job.manifest)
            act(own)
        except BaseException:
            with self._lock:
                for record, state in before:
                    record.state = state
                    if record.path not in self._turn:
                        self._turn.append(record.path)
            raise
        with self._lock:
            for record in records:
                if self._records.get(record.path) is record:  # else a poll has seen that it is gone
                    self._removed[record.path] = self._context.clock.monotonic()
                    self._release(record)

    def _spared(self, own: tuple[str, ...]) -> Callable[[str], bool]:
        """Return a test of whether a path is still needed by another manifest than `own`."""

        def spared(path: str) -> bool:
            with self._lock:
                if self._claims.is_needed(path, own):
                    return True
                while "/" in path:
                    record = self._records.get(f"{path}/{TREE_MANIFEST}")
                    if record and record.path not in own and record.seen and record.state is not State.REMOVED:
                        return True
                    path = path.rpartition("/")[0]
                return False

        return spared
