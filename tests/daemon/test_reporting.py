"""What a repository is told about a job that ended."""

from datetime import UTC, datetime
from typing import Any

import pytest

from panini_daemon.outcomes import Outcome, State
from panini_daemon.reporting import make_report
from panini_daemon.storage.errors import HashMismatch
from panini_daemon.storage.jobs import Chunk, Job
from panini_daemon.storage.reports import JobReport

NOW = datetime(2026, 5, 4, 9, 12, 55, tzinfo=UTC)
CHUNK = Chunk("letters/a b.txt", 3, 0, "x", 1000)
GOOD = Outcome(CHUNK, State.COMMITTED, method="text_ppmd_v1", payload_size=250, payload_hash="ab" * 32)


def report(*outcomes: Outcome, path: str = "pending_compression", **source: Any) -> JobReport | None:
    job = Job("job-1", "inbox/job.json", b"", (), tuple(outcome.chunk for outcome in outcomes), source=source)
    return make_report(job, outcomes, repository="someone/archive", path=path, worker="w1", moment=NOW)


def test_a_committed_chunk_is_told_in_the_five_properties() -> None:
    made = report(GOOD, repository="someone/archive", commit="c0ffee")
    assert made is not None
    assert (made.job_id, made.repository, made.commit, made.created_at) == (
        "job-1",
        "someone/archive",
        "c0ffee",
        "2026-05-04T09:12:55.000Z",
    )
    assert made.chunks[0].payload() == {
        "chunk_path": "pending_compression/letters/a b.txt/chunk_0003",
        "status": "completed",
        "upload_path": "compressed_chunks/letters/a b.txt/chunk_0003/compressed.bin",
        "upload_hash": "ab" * 32,
        "stats": {
            "original_size": 1000,
            "compressed_size": 250,
            "ratio": 0.25,
            "savings_percent": 75.0,
            "method": "text_ppmd_v1",
        },
    }


def test_a_failed_chunk_is_told_with_its_reason() -> None:
    made = report(Outcome(CHUNK, State.FAILED, error=HashMismatch("not these")), repository="Someone/Archive")
    assert made is not None
    (chunk,) = made.chunks
    assert (chunk.status, chunk.upload_path, chunk.upload_hash) == ("failed", "", "")
    assert chunk.stats["error"] == "HashMismatch: not these"


def test_a_dropped_chunk_is_not_told() -> None:
    assert report(Outcome(CHUNK, State.DROPPED), repository="someone/archive") is None


@pytest.mark.parametrize(
    "source",
    [{}, {"repository": "other/archive"}, {"repository": None}, {"repository": {"owner": "someone", "repo": "else"}}],
)
def test_a_job_of_somebody_else_is_not_told(source: dict[str, Any]) -> None:
    assert report(GOOD, **source) is None


def test_a_dispatch_payload_names_its_repository_in_parts() -> None:
    made = report(GOOD, repository={"owner": "someone", "repo": "archive", "commit_sha": "c0ffee"})
    assert made is not None
    assert made.commit == "c0ffee"


def test_trees_at_the_top_of_the_repository_have_no_folder_before_them() -> None:
    made = report(GOOD, path="", repository="someone/archive")
    assert made is not None
    assert made.chunks[0].chunk_path == "letters/a b.txt/chunk_0003"


def test_an_empty_chunk_has_the_ratio_of_one() -> None:
    empty = Outcome(Chunk("e", 0, 0, "x", 0), State.ALREADY)
    made = report(empty, repository="someone/archive")
    assert made is not None
    assert made.chunks[0].stats["ratio"] == 1.0
