"""How a chunk's way through the line ended."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from panini_daemon.storage.jobs import Chunk


class State(StrEnum):
    """How a chunk ended."""

    COMMITTED = "committed"
    ALREADY = "already committed"
    FAILED = "failed"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a chunk; sizes in bytes, timings in seconds by step, `error` where it failed.

    `payload_size` is what it counts for in the tree: of a slice, its share of the run. `unsynced` are files that must
    be synced before the job may leave its source; `kept` tells that the payload was made earlier.
    """

    chunk: Chunk
    state: State
    original_hash: str | None = None
    method: str = ""
    payload_size: int = 0
    payload_hash: str = ""
    device: str = ""
    kind: str = ""
    faults: Mapping[str, str] = field(default_factory=dict)
    """What codecs failed with that were passed over."""
    timings: Mapping[str, float] = field(default_factory=dict)
    unsynced: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    """Files outside its folder that the commit rests on."""
    inner: str = ""
    """How the run was compressed that a slice is of."""
    decoded_size: int = 0
    """Bytes of that run before it was compressed."""
    kept_as: str = ""
    """By what the run's payload is kept, where it is."""
    kept: bool = False
    chosen: str = ""
    level: str = ""
    error: Exception | None = None
    tries: int = 1
