"""What is done first: what was asked for, then keyframes and headers, then what is oldest."""

import re
from datetime import UTC, datetime

from panini_daemon.storage.jobs import Chunk, Job

_WORDS = re.compile(r"[^a-z0-9]+")
_HEADERS = frozenset(
    [
        "signature",
        "header",
        "headers",
        "ihdr",
        "magic",
        "soi",
        "sof",
        "sof0",
        "sof2",
        "ftyp",
        "moov",
        "ebml",
        "fmt",
        "idr",
        "keyframe",
        "keyframes",
    ]
)


def is_header(pattern_type: str | None) -> bool:
    """Tell whether a part's name is that of a header, signature or keyframe: PNG_SIGNATURE, ftyp, ..."""
    if not pattern_type:
        return False
    return any(word in _HEADERS or word.endswith(("header", "headers")) for word in _WORDS.split(pattern_type.lower()))


def chunk_key(chunk: Chunk) -> tuple[bool, str, int, int]:
    """Sort the chunks of a job: headers first, then by place in the file."""
    return (not is_header(chunk.pattern_type), chunk.base, chunk.offset, chunk.chunk_id)


def job_key(job: Job) -> tuple[int, bool, float, str]:
    """Sort jobs: higher priority, then those that begin with a header, then older, then by name.

    The chunks of `job` are in order.
    """
    begins = bool(job.chunks) and is_header(job.chunks[0].pattern_type)
    return (-job.priority, not begins, _seconds(job.created_at), job.manifest_path)


def _seconds(created_at: str) -> float:
    """Return seconds since 1970; a time that cannot be read counts as latest."""
    try:
        moment = datetime.fromisoformat(created_at)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return float("inf")
