"""One round's reports: how much of each was told, kept in the outbox as it goes."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from panini_daemon.storage.errors import StorageError
from panini_daemon.storage.github.dispatches import Item
from panini_daemon.storage.github.errors import GithubRefused
from panini_daemon.storage.outbox import REFUSED, Outbox
from panini_daemon.storage.reports import ChunkReport, JobReport

_BETWEEN_SAVES = 20
"""Dispatches after which progress is written: what a crash lets be sent twice, against writes of whole reports."""


class Delivery:
    """What is left to tell. A report is deleted once all of it was told, never before.

    `status`, `metadata`: beside dispatches, these are wanted, too.
    """

    def __init__(
        self,
        outbox: Outbox,
        reports: Iterable[JobReport],
        *,
        status: bool,
        metadata: bool,
        tell: Callable[[StorageError], None],
    ) -> None:
        """Take the reports, oldest first."""
        self._outbox, self._status, self._metadata, self._tell = outbox, status, metadata, tell
        self._reports = {report.job_id: report for report in reports}
        self._changed: set[str] = set()
        self._refused: dict[str, list[tuple[ChunkReport, str]]] = {}
        self._dispatches = 0

    @property
    def reports(self) -> list[JobReport]:
        """What is not wholly told, oldest first."""
        return list(self._reports.values())

    @property
    def items(self) -> list[Item]:
        """The chunks that are not dispatched, in their order."""
        return [(report.job_id, chunk) for report in self.reports for chunk in report.chunks[report.dispatched :]]

    def sent(self, items: Sequence[Item]) -> None:
        """Count the next chunks as dispatched."""
        self._advance(items)
        self._dispatches += 1
        if self._dispatches % _BETWEEN_SAVES == 0:
            self.save()

    def refused(self, item: Item, reason: str) -> None:
        """Count the next chunk as one that GitHub does not take."""
        job_id, chunk = item
        self._refused.setdefault(job_id, []).append((chunk, reason))
        self._advance([item])

    def status_set(self, job_id: str) -> None:
        """Count a job's commit status as set."""
        self._change(job_id, replace(self._reports[job_id], status_set=True))

    def metadata_set(self, job_id: str) -> None:
        """Count the metadata of a job's chunks as written."""
        self._change(job_id, replace(self._reports[job_id], metadata_set=True))

    def clean(self) -> None:
        """Delete what was wholly told in an earlier round and could not be deleted then."""
        for report in self.reports:
            if self._is_told(report):
                self._save(report.job_id)

    def save(self) -> None:
        """Write how far all reports are."""
        for job_id in sorted(self._changed):
            self._save(job_id)

    def _advance(self, items: Sequence[Item]) -> None:
        counts: dict[str, int] = {}
        for job_id, _ in items:
            counts[job_id] = counts.get(job_id, 0) + 1
        for job_id, count in counts.items():
            report = self._reports[job_id]
            self._change(job_id, replace(report, dispatched=report.dispatched + count))

    def _change(self, job_id: str, report: JobReport) -> None:
        self._reports[job_id] = report
        self._changed.add(job_id)
        if self._is_told(report):
            self._save(job_id)

    def _save(self, job_id: str) -> None:
        report = self._reports[job_id]
        if refused := self._refused.pop(job_id, None):
            self._outbox.refuse(report, refused)
            self._tell(
                GithubRefused(
                    f"GitHub does not take the reports of {len(refused)} chunks of {job_id}; they are kept in "
                    f"{REFUSED}/{job_id}.json: {refused[0][1]}"
                )
            )
        if self._is_told(report):
            self._outbox.delete(report)
            del self._reports[job_id]
        else:
            self._outbox.rewrite(report)
        self._changed.discard(job_id)

    def _is_told(self, report: JobReport) -> bool:
        return (
            report.dispatched == len(report.chunks)
            and (report.status_set or not self._status)
            and (report.metadata_set or not self._metadata)
        )
