"""A lease in an object store: one object a job. An empty one is a lease that was given back."""

import json
from dataclasses import dataclass
from typing import Any

from panini_daemon.storage.errors import UnsafeName
from panini_daemon.storage.names import MAX_SEGMENT_BYTES, safe_name

FREE = b""
"""The content of a lease that nobody holds: a listing tells it from one that is held, by its size."""

_SUFFIX = ".json"
_MAX_CONTENT = 1 << 16


@dataclass(frozen=True, slots=True)
class LeaseRecord:
    """Who holds a job. `nonce` is of one claim, `sequence` grows with each renewal, so that every content differs."""

    worker: str
    job: str
    attempt: int
    nonce: str
    sequence: int

    @property
    def claim(self) -> tuple[str, str]:
        """What tells one claim from all others."""
        return self.worker, self.nonce

    def encode(self, written_at: str) -> bytes:
        """Return the object's content. `written_at` is for people; nothing is concluded from it."""
        fields = {
            "worker": self.worker,
            "job": self.job,
            "attempt": self.attempt,
            "nonce": self.nonce,
            "state": "hold",
            "sequence": self.sequence,
            "written_at": written_at,
        }
        return (json.dumps(fields, ensure_ascii=False) + "\n").encode()


def parse_record(data: bytes) -> LeaseRecord | None:
    """Read an object's content; None where it says not who holds the job: it is then some other program's."""
    if len(data) > _MAX_CONTENT:
        return None
    try:
        fields: Any = json.loads(data)
        return LeaseRecord(
            str(fields["worker"]),
            str(fields["job"]),
            int(fields["attempt"]),
            str(fields["nonce"]),
            int(fields["sequence"]),
        )
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def lease_name(key: str) -> str:
    """Return the name of a job's lease. Raises UnsafeName."""
    name = safe_name(key) + _SUFFIX
    if len(name.encode()) > MAX_SEGMENT_BYTES:
        raise UnsafeName(
            f"the lease {name[:60]!a}... would have a name of {len(name.encode())} bytes; shorten the job's"
        )
    return name


def job_of(name: str) -> str | None:
    """Return the job of a lease's name, None where it is no lease."""
    return name.removesuffix(_SUFFIX) if name.endswith(_SUFFIX) and not name.startswith(".") else None
