"""leases/probe-<worker>.json: a number of this worker, and the last number that it saw of every other one.

    {"nonce": "...", "number": 7, "seen": {"probe-other.json": ["...", 3]}}

`nonce` tells a worker's processes apart: each counts from 1.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from panini_daemon.storage.lease_entry import quote_worker

_PREFIX, _SUFFIX = "probe-", ".json"
_MAX_BYTES = 1 << 16
_NONCE = re.compile(r"[0-9a-z]{1,64}")
_MAX_NUMBER = 1 << 53


@dataclass(frozen=True, slots=True)
class Mark:
    """Which number of which process."""

    nonce: str
    number: int


@dataclass(frozen=True, slots=True)
class Probe:
    """What a probe says: its own mark, and by file name the marks of others that its worker saw."""

    mark: Mark
    seen: Mapping[str, Mark]


def name_probe(worker: str) -> str:
    """Return the name of a worker's probe. Raises UnsafeName."""
    return f"{_PREFIX}{quote_worker(worker)}{_SUFFIX}"


def is_probe(name: str) -> bool:
    """Tell a probe by its name."""
    return name.startswith(_PREFIX) and name.endswith(_SUFFIX)


def format_probe(probe: Probe) -> bytes:
    """Write a probe's content."""
    fields = {
        "nonce": probe.mark.nonce,
        "number": probe.mark.number,
        "seen": {name: [mark.nonce, mark.number] for name, mark in probe.seen.items()},
    }
    return json.dumps(fields).encode() + b"\n"


def parse_probe(data: bytes) -> Probe | None:
    """Read a probe; None where it is none, or not wholly there yet."""
    if len(data) > _MAX_BYTES:
        return None
    try:
        fields: Any = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict) or not isinstance(fields.get("seen"), dict):
        return None
    mark = _read_mark([fields.get("nonce"), fields.get("number")])
    if mark is None:
        return None
    seen = {str(name): found for name, value in fields["seen"].items() if (found := _read_mark(value)) is not None}
    return Probe(mark, seen)


def _read_mark(value: Any) -> Mark | None:
    if not isinstance(value, list) or len(value) != 2:
        return None
    nonce, number = value
    if not isinstance(nonce, str) or not _NONCE.fullmatch(nonce):
        return None
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < _MAX_NUMBER:
        return None
    return Mark(nonce, number)
