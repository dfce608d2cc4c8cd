"""The state of a chunk in its metadata.json: pending, queued, processing, completed or failed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from panini_daemon.storage.json_edit import edit_object
from panini_daemon.storage.json_input import MAX_METADATA_BYTES, parse_object, require_utf8
from panini_daemon.storage.reports import COMPLETED, FAILED, ChunkReport

PENDING, QUEUED, PROCESSING = "pending", "queued", "processing"
NEXT = {
    PENDING: frozenset({QUEUED, PROCESSING, COMPLETED, FAILED}),
    QUEUED: frozenset({PROCESSING, COMPLETED, FAILED}),
    PROCESSING: frozenset({COMPLETED, FAILED}),
    FAILED: frozenset({QUEUED, COMPLETED}),
    COMPLETED: frozenset[str](),
}
"""Which states may follow one: only forward, but that a failed chunk may be tried again."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a metadata.json is to say: one of the five states, and what belongs to it; see `ChunkReport`.

    `moment` is when the chunk was completed or failed, ISO 8601; it is left out where empty.
    """

    status: str
    upload_path: str = ""
    upload_hash: str = ""
    stats: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    moment: str = ""

    def __post_init__(self) -> None:
        """Refuse what is no state."""
        if self.status not in NEXT:
            raise ValueError(f"the state {self.status!a}; expected one of {', '.join(NEXT)}")

    @classmethod
    def of(cls, chunk: ChunkReport, moment: str) -> "Change":
        """Return the change that a report asks for."""
        if chunk.status == FAILED:
            return cls(FAILED, error=str(chunk.stats.get("error", "")), moment=moment)
        return cls(chunk.status, chunk.upload_path, chunk.upload_hash, chunk.stats, moment=moment)


def apply_change(data: bytes, change: Change, what: str) -> bytes:
    """Return a metadata.json with its new state, the same bytes where that state may not follow or is there.

    All else in it, and how it is written, stays. An unknown state counts as pending. What a failure left behind
    goes when the chunk is completed. Raises ManifestInvalid where `data` is no JSON object in UTF-8.
    """
    fields = parse_object(data, what, MAX_METADATA_BYTES)
    old = fields.get("status")
    if change.status not in NEXT.get(old if isinstance(old, str) else PENDING, NEXT[PENDING]):
        return data
    text = require_utf8(data, what)
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    removed = ("error", "failed_at") if change.status == COMPLETED else ()
    return (mark + edit_object(text.removeprefix(mark), _members(change), removed)).encode()


def _members(change: Change) -> dict[str, Any]:
    members: dict[str, Any] = {"status": change.status}
    if change.status == COMPLETED:
        members |= {"upload_path": change.upload_path, "upload_hash": change.upload_hash, "stats": dict(change.stats)}
        members |= {"completed_at": change.moment} if change.moment else {}
    if change.status == FAILED:
        members |= {"error": change.error}
        members |= {"failed_at": change.moment} if change.moment else {}
    return members
