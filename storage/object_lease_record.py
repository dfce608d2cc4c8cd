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
_MAX_COUNT = 1 << 53


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


def parse_record(data: bytes, key: str) -> LeaseRecord | None:
    """Read a lease's content; None where it says not who holds the job `key`: it is then some other program's."""
    if len(data) > _MAX_CONTENT:
        return None
    try:
        fields: Any = json.loads(data)
        worker, job, nonce = (_text(fields[name]) for name in ("worker", "job", "nonce"))
        attempt, sequence = (_count(fields[name]) for name in ("attempt", "sequence"))
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return LeaseRecord(worker, job, attempt, nonce, sequence) if job == key else None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    value.encode()  # a lone surrogate could not be written again
    return value


def _count(value: Any) -> int:
    if type(value) is not int or not 0 <= value < _MAX_COUNT:
        raise TypeError
    return value


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
