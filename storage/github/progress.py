"""What metadata.json says of how far a chunk is: only work that nobody has begun is taken."""

from panini_daemon.storage.errors import ManifestInvalid
from panini_daemon.storage.json_input import MAX_METADATA_BYTES, parse_object

_ENDED = frozenset(("completed", "failed"))
_LEFT_OUT = _ENDED | {"processing"}


def read_status(data: bytes) -> str:
    """Return the status in a metadata.json, "" where none can be read: then the chunk is taken."""
    try:
        status = parse_object(data, "metadata.json", MAX_METADATA_BYTES).get("status")
    except ManifestInvalid:
        return ""
    return status.strip().lower() if isinstance(status, str) else ""


def is_open(status: str) -> bool:
    """Tell whether a chunk of this status is to be done: pending, queued, or nothing that is known."""
    return status not in _LEFT_OUT


def has_ended(status: str) -> bool:
    """Tell whether nothing is left to be done for a chunk of this status, by anybody."""
    return status in _ENDED
