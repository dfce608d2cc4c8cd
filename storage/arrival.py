"""One manifest's way from first sight to a job: half-arrived things are waited for, not failed."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from panini_daemon.storage.allowance import Allowance
from panini_daemon.storage.chunk_tree import base_of_tree, merge, parse_bare_tree, read_tree
from panini_daemon.storage.clock import Clock, iso
from panini_daemon.storage.completion import complete, list_leftovers
from panini_daemon.storage.errors import (
    BaseConflict,
    ChunkMissing,
    ManifestInvalid,
    ManifestUnreadable,
    NameCollision,
    NotFound,
    RootLost,
    StorageError,
    StoreReadOnly,
    StoreUnavailable,
    UnsafeName,
)
from panini_daemon.storage.forms import TREE_MANIFEST, parse_manifest
from panini_daemon.storage.jobs import Job, Rejected, SourceFile
from panini_daemon.storage.json_input import MAX_MANIFEST_BYTES, check_size, parse_object
from panini_daemon.storage.parts import Committed, Part, parts_of
from panini_daemon.storage.plans import CHUNK_FOLDER, Plan, Wanted, make_job_id
from panini_daemon.storage.reading import read_bounded, stat_file
from panini_daemon.storage.store import Store

_MISSES = 32
"""Parts that are not there before a look ends: while one is missing, the others change nothing."""
_AGAIN = 0.125
"""Which part of the time-out must have passed between the first look for which it was over and the last one."""
_COST = 4
"""Store operations that a look at one part needs; a few more where a folder shows twice."""


@dataclass(frozen=True, slots=True)
class Context:
    """What all arrivals of an inbox share; `timeout` in seconds."""

    store: Store
    clock: Clock
    root: str
    timeout: float
    committed: Committed


@dataclass(slots=True)
class _Pending:
    part: Part
    looked: bool = False
    evidence: object = None
    error: StorageError | None = None


@dataclass(slots=True)
class Arrival:
    """A manifest, or a chunk tree, `tree`, whose manifest may come; looked at until it is a job or given up.

    It is given up when nothing about it changed for the time-out, on this observer's own monotonic clock, and a while
    after a look that came to that: a machine that slept shows at first what it saw before.
    """

    context: Context
    path: str
    tree: str | None = None
    seen: tuple[int, int] | None = None
    plan: Plan | None = None
    vanished: bool = False
    _data: bytes = b""
    _error: StorageError | None = None
    _names: frozenset[str] = frozenset()
    _pending: deque[_Pending] = field(default_factory=deque)
    _found: list[Wanted] = field(default_factory=list)
    _unchanged: int = 0
    _changed_at: float = 0.0
    _due_since: float | None = None
    _first_seen: str = ""

    def __post_init__(self) -> None:
        """Start the clock."""
        self._changed_at = self.context.clock.monotonic()
        self._first_seen = iso(self.context.clock.now())

    def look(self, allowance: Allowance) -> Job | Rejected | None:
        """Look once; return the job, its refusal, or None while it is waited for."""
        due = self._is_due()
        try:
            self._look_at_manifest(allowance, due=due)
            if self.plan is None:
                return None
            return self._look_at_parts(allowance, due=due)
        except (ManifestUnreadable, StoreReadOnly) as error:
            self._error = error
            return self._reject(error) if due else None
        except RootLost:
            raise
        except StoreUnavailable as error:
            # A mount lists for a while what was deleted, and answers its reading with an I/O error; others go on.
            self.context.store.check_root()
            self._error = error
            return None
        except (ManifestInvalid, UnsafeName, NameCollision, BaseConflict) as error:
            return self._reject(error)

    def _is_due(self) -> bool:
        now, timeout = self.context.clock.monotonic(), self.context.timeout
        if now - self._changed_at < timeout:
            return False
        if self._due_since is None:
            self._due_since = now
        return now - self._due_since >= timeout * _AGAIN

    def _look_at_manifest(self, allowance: Allowance, *, due: bool) -> None:
        store = self.context.store
        allowance.spend()
        try:
            found = stat_file(store, self.path)
            seen = (found.size, found.stamp)
            if seen == self.seen and not (due and self.plan is None):
                if self._error and self.plan is None:
                    raise self._error
                return
            if seen != self.seen:
                self._touch()
            check_size(found.size, self.path)
            allowance.spend()
            data = read_bounded(store, self.path, MAX_MANIFEST_BYTES)
        except NotFound:
            self._look_at_bare_tree(allowance, due=due)
            return
        self.vanished = False
        known, self.seen = self.seen, seen
        if self.plan is None or known is None or data != self._data:
            self.plan, self._data, self._error = None, data, None
            self._adopt(parse_manifest(data, self.path, self.context.root))

    def _look_at_bare_tree(self, allowance: Allowance, *, due: bool) -> None:
        if self.tree is None:
            self.vanished, self.plan, self.seen = True, None, None
            return
        allowance.spend()
        try:
            entries = self.context.store.list(self.tree)
        except NotFound:
            entries = []
        names = frozenset(entry.name for entry in entries if CHUNK_FOLDER.fullmatch(entry.name))
        self.vanished = not names
        if names != self._names or self.seen is not None:
            self._names, self.seen, self.plan = names, None, None
            self._touch()
        elif due and names and self.plan is None:
            self._adopt(parse_bare_tree(self.tree, self.context.root, names))
            self._touch()

    def _adopt(self, plan: Plan) -> None:
        self.plan = plan
        self._found = []
        self._pending = deque(_Pending(part) for part in parts_of(plan))
        self._unchanged = 0

    def _look_at_parts(self, allowance: Allowance, *, due: bool) -> Job | Rejected | None:
        misses = 0
        for _ in range(len(self._pending)):
            if (misses >= _MISSES and not due) or not allowance.spend(_COST):
                break
            pending = self._pending[0]
            there = self._look_at(pending, due=due)
            self._pending.popleft()  # not before: the store may have raised, and then the part is still to be found
            if not there:
                misses += 1
                self._pending.append(pending)
        if not self._pending:
            return self._finish()
        if due and self._unchanged >= len(self._pending):
            return self._reject(self._explain())
        return None

    def _look_at(self, pending: _Pending, *, due: bool) -> bool:
        store, committed = self.context.store, self.context.committed
        look = pending.part.look(store, committed, last=False)
        if look.chunks:
            self._found.extend(look.chunks)
            self._touch()
            return True
        if due:
            last = pending.part.look(store, committed, last=True)
            if last.chunks:
                self._found.extend(last.chunks)
                return True
        if pending.looked and pending.evidence == look.evidence:
            self._unchanged += due
        elif pending.looked:
            self._touch()
        pending.looked, pending.evidence, pending.error = True, look.evidence, look.error
        return False

    def _touch(self) -> None:
        self._changed_at, self._due_since = self.context.clock.monotonic(), None
        self._unchanged = 0

    def _explain(self) -> StorageError:
        first = next((pending.error for pending in self._pending if pending.error), None)
        more = f" ({len(self._pending)} are missing in all)" if len(self._pending) > 1 else ""
        return ChunkMissing(f"{first}{more}; nothing changed for {self.context.timeout:g} seconds")

    def _finish(self) -> Job:
        plan, found = self.plan, self._found
        assert plan is not None  # noqa: S101 - the caller has looked
        if plan.looks_up:
            plan, found = _look_up(self.context, plan, found)
        job = complete(plan, found, self.context.root)
        return job if job.created_at else replace(job, created_at=self._first_seen)

    def _reject(self, error: Exception) -> Rejected:
        if self.plan is not None:
            leftovers = list_leftovers(self.plan, self.plan.chunks, self.context.root)
        else:
            leftovers = _list_tree(self.context.store, self.tree)
        job_id = self.plan.job_id if self.plan else ""
        hint = self.path.removeprefix(f"{self.context.root}/").removesuffix(f"/{TREE_MANIFEST}")
        return Rejected(
            job_id=job_id or make_job_id(hint.removesuffix(".json"), self.path, self._data),
            manifest_path=self.path,
            manifest=self._data,
            error=error,
            leftovers=tuple(leftovers),
        )


def _list_tree(store: Store, tree: str | None) -> list[str]:
    if tree is None:
        return []
    try:
        names = sorted(entry.name for entry in store.list(tree) if CHUNK_FOLDER.fullmatch(entry.name))
    except (NotFound, UnsafeName):
        return []
    return [*(f"{tree}/{name}" for name in names), tree]


def _look_up(context: Context, plan: Plan, found: Iterable[Wanted]) -> tuple[Plan, list[Wanted]]:
    """Use the bases' own manifests where they are there; they tell places, and what is published."""
    folders: dict[str, dict[str, None]] = {}
    for chunk in plan.chunks:
        parents = (folder.rpartition("/")[0] for folder in chunk.folders)
        folders.setdefault(chunk.base, {}).update(dict.fromkeys(parents))
    files: list[SourceFile] = []
    told: dict[tuple[str, int], Wanted] = {}
    for file in plan.files:
        described = next(filter(None, (_read_base(context, folder, file) for folder in folders[file.base])), None)
        files.append(described[0] if described else file)
        told.update({(chunk.base, chunk.chunk_id): chunk for chunk in (described[1] if described else ())})
    merged = [_hint(chunk, told.get((chunk.base, chunk.chunk_id))) for chunk in found]
    return replace(plan, files=tuple(files)), merged


def _hint(chunk: Wanted, told: Wanted | None) -> Wanted:
    """Let the base's manifest tell what neither the payload nor the metadata did."""
    if told is None:
        return chunk
    hints = replace(
        told,
        pattern_type=chunk.pattern_type or told.pattern_type,
        grammar_id=chunk.grammar_id or told.grammar_id,
        depends_on=chunk.depends_on or told.depends_on,
    )
    return merge(chunk, hints, f"the manifest of {chunk.base}")


def _read_base(context: Context, folder: str, file: SourceFile) -> tuple[SourceFile, list[Wanted]] | None:
    path = f"{folder}/{TREE_MANIFEST}"
    try:
        base_of_tree(folder, context.root)
        data = read_bounded(context.store, path, MAX_MANIFEST_BYTES)
        return read_tree(parse_object(data, path), file.base, path)
    except (NotFound, ManifestUnreadable):
        return None
