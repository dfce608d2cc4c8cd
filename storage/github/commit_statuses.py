"""What a commit's status says about its chunks."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from panini_daemon.storage.reports import COMPLETED, JobReport

CONTEXT = "panini/compression"
_MAX_DESCRIPTION = 140
_KEPT = 100
"""Commits whose tallies are kept: those whose jobs may still be under way."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Chunks in all, chunks completed, and the bytes of these before and after."""

    chunks: int = 0
    completed: int = 0
    original_size: int = 0
    compressed_size: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        """Add up the tallies of two jobs."""
        return Tally(
            self.chunks + other.chunks,
            self.completed + other.completed,
            self.original_size + other.original_size,
            self.compressed_size + other.compressed_size,
        )


class CommitStatuses:
    """The tallies of the last commits, by job, so that a later job of a commit does not hide an earlier one's failure.

    They are this process's own: a status counts the jobs of a commit that this worker did since it started.
    """

    def __init__(self) -> None:
        """Know no commit."""
        self._commits: OrderedDict[str, dict[str, Tally]] = OrderedDict()

    def count(self, report: JobReport) -> None:
        """Take a job's report; one that is there already is replaced."""
        self._commits.setdefault(report.commit, {})[report.job_id] = tally(report)
        self._commits.move_to_end(report.commit)
        while len(self._commits) > _KEPT:
            self._commits.popitem(last=False)

    def body(self, commit: str) -> dict[str, Any]:
        """Return the status to set for a commit that was counted."""
        whole = sum(self._commits[commit].values(), Tally())
        state = "success" if whole.completed == whole.chunks else "failure"
        return {"state": state, "context": CONTEXT, "description": describe(whole)}


def tally(report: JobReport) -> Tally:
    """Count a job's chunks."""
    done = [chunk.stats for chunk in report.chunks if chunk.status == COMPLETED]
    return Tally(
        len(report.chunks),
        len(done),
        sum(_bytes(stats, "original_size") for stats in done),
        sum(_bytes(stats, "compressed_size") for stats in done),
    )


def describe(whole: Tally) -> str:
    """Say it in at most 140 characters: `10 of 10 chunks, 1.2 MB -> 300 kB (75 % saved)`."""
    text = f"{whole.completed} of {whole.chunks} chunks"
    if whole.original_size:
        saved = 100 * (1 - whole.compressed_size / whole.original_size)
        text += f", {_size(whole.original_size)} -> {_size(whole.compressed_size)} ({saved:.0f} % saved)"
    if failed := whole.chunks - whole.completed:
        text += f", {failed} failed"
    return text[:_MAX_DESCRIPTION]


def _bytes(stats: Mapping[str, Any], name: str) -> int:
    value = stats.get(name)
    return value if isinstance(value, int) and value > 0 else 0


def _size(number: float) -> str:
    """Format bytes with two or three digits that matter."""
    for unit in ("B", "kB", "MB", "GB"):
        if number < 999.5:
            return f"{number:.1f} {unit}" if number < 9.95 and unit != "B" else f"{number:.0f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"
