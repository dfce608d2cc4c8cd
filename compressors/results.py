"""What compressing a chunk gives: the payload that won, and what was tried."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from panini_daemon.compressors.protocol import Hints, Json, Kind


@dataclass(frozen=True, slots=True)
class Item:
    """One chunk of a batch."""

    data: bytes
    hints: Hints = field(default_factory=Hints)


@dataclass(frozen=True, slots=True)
class Trial:
    """One codec's attempt: its payload's `size` in bytes, or the `error` it ended with, and its `seconds`."""

    method: str
    size: int | None
    seconds: float
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """The smallest payload, and everything that the recipe says of it."""

    method: str
    reconstruction: str
    payload: bytes
    kind: Kind
    parameters: Mapping[str, Json] = field(default_factory=dict)
    trials: tuple[Trial, ...] = ()
