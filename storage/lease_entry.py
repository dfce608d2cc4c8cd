"""One lease file: its name says whose claim on what it is, its content how far it got."""

import json
import re
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

from panini_daemon.storage.errors import UnsafeName
from panini_daemon.storage.names import MAX_SEGMENT_BYTES, safe_name
from panini_daemon.storage.store import Store

Mark = Literal["intent", "hold"]

_MAX_CONTENT = 1 << 16
_ATTEMPT = re.compile(r"[0-9]{1,9}")
_NONCE = re.compile(r"[0-9a-z]{1,64}")
_COPY = re.compile(r"(.*?) ?\(([0-9]{1,9})\)$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class EntryName:
    """A lease file's name, `<key>.<attempt>.<nonce>.<worker>.json`.

    `copy` is above 0 for the `name (1).json` that some mounts show for a second file of one name; it is
    another entry of the same owner. The worker is kept as it stands in the name (see `quote_worker`).
    """

    key: str
    attempt: int
    nonce: str
    worker: str
    copy: int = 0

    @property
    def rank(self) -> tuple[int, str, str]:
        """What claims are compared by; the lowest goes on. The worker only breaks a tie of nonces."""
        return (self.attempt, self.nonce, self.worker)

    @property
    def file(self) -> str:
        """The file's name. Raises UnsafeName where it would be too long."""
        name = f"{self.key}.{self.attempt}.{self.nonce}.{self.worker}.json"
        if len(name.encode()) > MAX_SEGMENT_BYTES:
            raise UnsafeName(
                f"the lease file {name[:60]!a}... would have a name of {len(name.encode())} bytes; expected at "
                f"most {MAX_SEGMENT_BYTES}; give the job or the worker a shorter name"
            )
        return name


def name_entry(key: str, attempt: int, nonce: str, worker: str) -> EntryName:
    """Return the name of a new claim. Raises UnsafeName; ValueError for a nonce that is not of [0-9a-z]."""
    if not _NONCE.fullmatch(nonce):
        raise ValueError(f"the nonce {nonce!r} is not of 1 to 64 characters of 0-9 and a-z")
    return EntryName(safe_name(key), attempt, nonce, quote_worker(worker))


def quote_worker(worker: str) -> str:
    """Return the worker's name; all but letters, digits, `-`, `_` and `~` is written as %XX.

    So neither a dot nor a " (1)" in it can be mistaken for a part of the file's name. Raises UnsafeName.
    """
    return quote(safe_name(worker), safe="").replace(".", "%2E")


def parse_name(file: str) -> EntryName | None:
    """Read a file's name; None where it is no lease."""
    stem, copy = file, 0
    if found := _COPY.fullmatch(stem):
        stem, copy = found[1], int(found[2])
    if not stem.endswith(".json"):
        return None
    stem = stem[: -len(".json")]
    if not copy and stem.endswith(")") and (found := _COPY.fullmatch(stem)):
        stem, copy = found[1], int(found[2])
    parts = stem.rsplit(".", 3)
    if len(parts) != 4:
        return None
    key, attempt, nonce, worker = parts
    if not key or not worker or not _ATTEMPT.fullmatch(attempt) or not _NONCE.fullmatch(nonce):
        return None
    return EntryName(key, int(attempt), nonce, worker, copy)


def format_content(name: EntryName, worker: str, mark: Mark, sequence: int, written_at: str) -> bytes:
    """Write a lease file's content. `written_at` is for people; nothing is concluded from it."""
    fields = {
        "worker": worker,
        "job": name.key,
        "attempt": name.attempt,
        "nonce": name.nonce,
        "state": mark,
        "sequence": sequence,
        "written_at": written_at,
    }
    return (json.dumps(fields, ensure_ascii=False) + "\n").encode()


def read_content(store: Store, path: str) -> bytes:
    """Return a lease file's content; of what is too large to be any, enough to tell. Raises what the store raises."""
    with store.open(path) as file:
        return file.read(_MAX_CONTENT + 1)


def parse_content(data: bytes, name: EntryName) -> Mark | None:
    """Read how far a claim got; None where the content is empty, cut short, or of another claim."""
    if not data or len(data) > _MAX_CONTENT:
        return None
    try:
        fields: Any = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict) or (fields.get("job"), fields.get("nonce")) != (name.key, name.nonce):
        return None
    mark = fields.get("state")
    if mark == "hold":
        return "hold"
    return "intent" if mark == "intent" else None
