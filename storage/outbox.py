"""What is to be told, kept in the tree until it was told: one file a job under reports/."""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from panini_daemon.storage.clock import Clock, iso
from panini_daemon.storage.errors import ManifestInvalid, NotFound, StorageError, UnsafeName
from panini_daemon.storage.json_input import parse_object
from panini_daemon.storage.json_output import write_json
from panini_daemon.storage.names import safe_name
from panini_daemon.storage.reading import read_bounded
from panini_daemon.storage.reports import (
    MAX_REPORT_BYTES,
    ChunkReport,
    JobReport,
    ReportInvalid,
    clip,
    format_report,
    parse_report,
)
from panini_daemon.storage.root import REPORTS
from panini_daemon.storage.store import Stat, Store

REFUSED = f"{REPORTS}/refused"
ABANDONED = 600.0
"""Seconds after which a report that another worker wrote, and did not touch since, is sent by this one."""

_SUFFIX = ".json"


@dataclass(frozen=True, slots=True)
class _Known:
    """A file as it was last seen. `report` is None where it is damaged; `mine`: nobody else changes it."""

    report: JobReport | None
    since: float
    stat: Stat | None = None
    mine: bool = False


class Outbox:
    """The reports of a tree as one worker sees them. Thread-safe.

    Several workers share the folder: each sends its own reports, and another's when that one seems to be gone. So a
    report may be sent twice, but never not at all. `tell` is called, once, with what is wrong with a file.
    All methods may raise what the store raises.
    """

    def __init__(
        self, store: Store, worker: str, clock: Clock, *, tell: Callable[[StorageError], None] = lambda _: None
    ) -> None:
        """Look at nothing yet."""
        self._store, self._worker, self._clock, self._tell = store, worker, clock, tell
        self._known: dict[str, _Known] = {}
        self._lock = threading.RLock()

    def add(self, report: JobReport) -> None:
        """Write a report, whole and durable; one of the same job that was not sent yet is replaced."""
        report = replace(report, chunks=tuple(clip(chunk) for chunk in report.chunks))
        path = _path(report.job_id)
        with self._lock:
            self._store.write(path, format_report(report))
            self._known[report.job_id] = _Known(report, self._clock.monotonic(), mine=True)

    def pending(self) -> list[str]:
        """Return the ids of the jobs that have a report, in no order. Raises RootLost where the tree is gone."""
        try:
            entries = self._store.list(REPORTS)
        except NotFound:
            entries = []
        self._store.check_root()
        return [
            entry.name.removesuffix(_SUFFIX)
            for entry in entries
            if entry.kind == "file" and entry.name.endswith(_SUFFIX) and not entry.name.startswith(".")
        ]

    def read(self, job_id: str) -> JobReport:
        """Return a job's report as it is in the tree. Raises NotFound, ReportInvalid, UnsafeName."""
        path = _path(job_id)
        try:
            data = read_bounded(self._store, path, MAX_REPORT_BYTES)
        except ManifestInvalid as error:
            raise ReportInvalid(str(error)) from error
        report = parse_report(data, path)
        if report.job_id != job_id:
            raise ReportInvalid(f"{path} says job_id {report.job_id[:80]!a}; expected {job_id!a}; delete the copy")
        return report

    def due(self, repository: str) -> list[JobReport]:
        """Return the reports about `repository` that this worker is to send now, oldest first.

        Files are read once and again when they change. Damaged ones are told and passed over.
        """
        with self._lock:
            before = dict(self._known)
        names = set(self.pending())
        for job_id in names | before.keys():
            old = before.get(job_id)
            new = self._look(job_id, old) if job_id in names else None
            with self._lock:
                # What was added or changed by this worker meanwhile is newer than what was read.
                if self._known.get(job_id) is not old:
                    continue
                if new is not None:
                    self._known[job_id] = new
                else:
                    self._known.pop(job_id, None)
        now = self._clock.monotonic()
        with self._lock:
            reports = [
                known.report
                for known in self._known.values()
                if known.report is not None and (known.mine or now - known.since >= ABANDONED)
            ]
        return sorted(
            (report for report in reports if _same_name(report.repository, repository)),
            key=lambda report: (report.created_at, report.job_id),
        )

    def waiting(self, repository: str) -> int:
        """Count the reports about `repository` that were there at the last look or were added since."""
        with self._lock:
            found = [known.report for known in self._known.values() if known.report is not None]
        return sum(_same_name(report.repository, repository) for report in found)

    def rewrite(self, report: JobReport) -> None:
        """Keep how much of a report was told; not where a newer report of the job was added meanwhile."""
        with self._lock:
            if self._take(report):
                self._store.write(_path(report.job_id), format_report(report))

    def delete(self, report: JobReport) -> None:
        """Remove a report that was told; not where a newer report of the job was added meanwhile."""
        with self._lock:
            if self._take(report):
                self._store.delete(_path(report.job_id))
                del self._known[report.job_id]

    def refuse(self, report: JobReport, refused: Iterable[tuple[ChunkReport, str]]) -> None:
        """Note in reports/refused/<job>.json the chunks that the receiver does not take, each with its reason."""
        path = f"{REFUSED}/{safe_name(report.job_id)}{_SUFFIX}"
        chunks = self._read_refused(path)
        moment = iso(self._clock.now())
        chunks += [{"refused_at": moment, "reason": reason, **chunk.payload()} for chunk, reason in refused]
        fields = {
            "job_id": report.job_id,
            "repository": report.repository,
            "commit": report.commit,
            "created_at": report.created_at,
            "refused": chunks,
        }
        self._store.write(path, write_json(fields))

    def _read_refused(self, path: str) -> list[Any]:
        """Return what was noted before; nothing where the file is not there or damaged."""
        try:
            noted = parse_object(read_bounded(self._store, path, MAX_REPORT_BYTES), path, MAX_REPORT_BYTES).get(
                "refused"
            )
        except (NotFound, ManifestInvalid, UnsafeName):
            return []
        return [one for one in noted if isinstance(one, dict)] if isinstance(noted, list) else []

    def _take(self, report: JobReport) -> bool:
        """Remember `report` as the job's, in case that writing fails; tell whether it still is the job's."""
        known = self._known.get(report.job_id)
        # `replace` keeps the tuple: the same one means the same report, however far it was told.
        if known is None or known.report is None or known.report.chunks is not report.chunks:
            return False
        self._known[report.job_id] = _Known(report, known.since, mine=True)
        return True

    def _look(self, job_id: str, old: _Known | None) -> _Known | None:
        """Return what is known of a file, read again only where it changed; None where it is gone."""
        if old is not None and old.mine:
            return old
        report = None
        try:
            stat = self._store.stat(f"{REPORTS}/{job_id}{_SUFFIX}")
            if old is not None and old.stat == stat:
                return old
            report = self.read(job_id)
        except NotFound:
            return None
        except (ReportInvalid, UnsafeName) as error:
            self._tell(error)
        mine = report is not None and report.worker == self._worker
        return _Known(report, self._clock.monotonic(), stat, mine=mine)


def _path(job_id: str) -> str:
    return f"{REPORTS}/{safe_name(job_id)}{_SUFFIX}"


def _same_name(one: str, other: str) -> bool:
    """Compare names of repositories, in which letter case does not count."""
    return one.casefold() == other.casefold()
