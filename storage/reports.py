"""What is to be told about a job's chunks once they are done: the values and their JSON form."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from panini_daemon.storage.errors import ManifestInvalid, StorageError, UnsafeName
from panini_daemon.storage.json_input import parse_object
from panini_daemon.storage.json_output import write_json
from panini_daemon.storage.names import safe_path

COMPLETED, FAILED = "completed", "failed"
FORMAT, VERSION = "panini-report", 1
MAX_STATS_BYTES, MAX_STATS_DEPTH = 8_000, 16
MAX_ERROR_LENGTH = 1_000
MAX_REPORT_BYTES = 512 * 1024 * 1024
"""A job of a million chunks has some hundred bytes to tell of each."""
_HASH = re.compile(r"[0-9a-fA-F]{64}|")


class ReportInvalid(StorageError):
    """A report is not what its form says: a damaged file of the tree, or an event that somebody else made."""


@dataclass(frozen=True, slots=True)
class ChunkReport:
    """What came of one chunk.

    `chunk_path` is its folder in the repository, `status` is completed or failed, `upload_path` the tree path of
    its compressed.bin and `upload_hash` that file's SHA-256 in hex, both empty for a failed chunk. `stats` are
    original_size and compressed_size in bytes, ratio, savings_percent and method, or `error` for a failed chunk.
    """

    chunk_path: str
    status: str
    upload_path: str = ""
    upload_hash: str = ""
    stats: Mapping[str, Any] = field(default_factory=dict)

    def payload(self) -> dict[str, Any]:
        """Return the five properties of the completion report."""
        return {
            "chunk_path": self.chunk_path,
            "status": self.status,
            "upload_path": self.upload_path,
            "upload_hash": self.upload_hash,
            "stats": dict(self.stats),
        }


@dataclass(frozen=True, slots=True)
class JobReport:
    """What came of a job's chunks and how much of it was told.

    `repository` is `owner/name`, `commit` the one that the job was read from, `created_at` is ISO 8601, UTC.
    `dispatched` counts the chunks, from the first, that need no dispatch any more.
    """

    job_id: str
    repository: str
    commit: str
    worker: str
    created_at: str
    chunks: tuple[ChunkReport, ...]
    dispatched: int = 0
    status_set: bool = False
    metadata_set: bool = False


def format_report(report: JobReport) -> bytes:
    """Return the report as a JSON file; a long error text is cut, what UTF-8 cannot hold is escaped."""
    fields = {
        "format": FORMAT,
        "version": VERSION,
        "job_id": report.job_id,
        "repository": report.repository,
        "commit": report.commit,
        "worker": report.worker,
        "created_at": report.created_at,
        "dispatched": report.dispatched,
        "status_set": report.status_set,
        "metadata_set": report.metadata_set,
        "chunks": [chunk.payload() for chunk in report.chunks],
    }
    return write_json(fields)


def parse_report(data: bytes, what: str) -> JobReport:
    """Return the report in a file of the tree; `what` names it in messages. Raises ReportInvalid."""
    fields = read_fields(data, what, MAX_REPORT_BYTES)
    if (fields.get("format"), fields.get("version")) != (FORMAT, VERSION):
        found = f"format {_show(fields.get('format'))}, version {_show(fields.get('version'))}"
        raise _wrong(what, found, f"{FORMAT!r}, version {VERSION}")
    chunks = fields.get("chunks")
    if not isinstance(chunks, list):
        raise _wrong(what, f"chunks: {_show(chunks)}", "a list")
    dispatched = fields.get("dispatched")
    if type(dispatched) is not int or not 0 <= dispatched <= len(chunks):
        raise _wrong(what, f"dispatched: {_show(dispatched)}", f"a number up to {len(chunks)}")
    return JobReport(
        job_id=_text(fields, "job_id", what),
        repository=_text(fields, "repository", what),
        commit=_text(fields, "commit", what),
        worker=_text(fields, "worker", what),
        created_at=_text(fields, "created_at", what),
        chunks=tuple(read_chunk(chunk, f"{what}: chunks[{number}]") for number, chunk in enumerate(chunks)),
        dispatched=dispatched,
        status_set=fields.get("status_set") is True,
        metadata_set=fields.get("metadata_set") is True,
    )


def read_fields(data: bytes, what: str, limit: int) -> dict[str, Any]:
    """Return the JSON object in `data`, of at most `limit` bytes. Raises ReportInvalid."""
    try:
        return parse_object(data, what, limit)
    except ManifestInvalid as error:
        raise ReportInvalid(str(error)) from error


def read_chunk(fields: object, what: str) -> ChunkReport:
    """Return the chunk report in a JSON value from outside; `what` names it. Raises ReportInvalid."""
    if not isinstance(fields, dict):
        raise _wrong(what, _show(fields), "an object")
    status, upload_hash = _text(fields, "status", what), _text(fields, "upload_hash", what)
    if status not in (COMPLETED, FAILED):
        raise _wrong(what, f"status: {_show(status)}", f"{COMPLETED!r} or {FAILED!r}")
    if not _HASH.fullmatch(upload_hash):
        raise _wrong(what, f"upload_hash: {_show(upload_hash)}", "64 hex digits, or nothing")
    chunk_path, upload_path = _text(fields, "chunk_path", what), _text(fields, "upload_path", what)
    try:
        safe_path(chunk_path)
        if upload_path:
            safe_path(upload_path)
    except UnsafeName as error:
        raise ReportInvalid(f"{what}: {error}") from error
    return ChunkReport(chunk_path, status, upload_path, upload_hash.lower(), _stats(fields.get("stats"), what))


def clip(chunk: ChunkReport) -> ChunkReport:
    """Return the chunk report with an error text that fits and that UTF-8 can hold."""
    error = chunk.stats.get("error")
    if not isinstance(error, str):
        return chunk
    text = error if len(error) <= MAX_ERROR_LENGTH else error[: MAX_ERROR_LENGTH - 3] + "..."
    stats = {**chunk.stats, "error": text.encode("utf-8", "backslashreplace").decode()}
    return ChunkReport(chunk.chunk_path, chunk.status, chunk.upload_path, chunk.upload_hash, stats)


def _stats(value: object, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(what, f"stats: {_show(value)}", "an object")
    level: list[Any] = [value]
    for _ in range(MAX_STATS_DEPTH):
        level = [inner for outer in level for inner in (outer.values() if isinstance(outer, dict) else outer)]
        level = [inner for inner in level if isinstance(inner, dict | list)]
    if level:
        raise _wrong(what, "stats that are nested deeply", f"at most {MAX_STATS_DEPTH} levels")
    size = len(json.dumps(value))
    if size > MAX_STATS_BYTES:
        raise _wrong(what, f"stats of {size} bytes", f"at most {MAX_STATS_BYTES}")
    return value


def _text(fields: Mapping[str, Any], name: str, what: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        raise _wrong(what, f"{name}: {_show(value) if name in fields else 'nothing'}", "text")
    return value


def _wrong(what: str, found: str, expected: str) -> ReportInvalid:
    return ReportInvalid(f"{what} has {found}; expected {expected}; write it as documented, or delete it")


def _show(value: object) -> str:
    """Show what was found, however large it is."""
    if isinstance(value, str):
        return ascii(value if len(value) <= 80 else value[:80] + "...")
    return (
        "null"
        if value is None
        else f"a JSON {type(value).__name__}"
        if isinstance(value, dict | list)
        else str(value)[:80]
    )
