"""The book of leases: which worker has which job until when, and which jobs are over.

It is a JSON file that people can read, `leases.json`:

    {"format": "panini-leases",
     "leases": {"<job id>": {"attempt": 1, "expires_at": "2024-05-06T07:38:09.000Z", "nonce": "...", "worker": "..."}},
     "over": {"<job id>": {"at": "2024-05-06T07:08:09.000Z", "state": "done", "worker": "..."}},
     "version": 1}

All times are GitHub's. A nonce is `<process>.<number>`, both the worker's choice: it tells apart the claims of one
process, and processes of one name. What is not exactly of this form is refused, and so never written over.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from panini_daemon.storage.clock import iso
from panini_daemon.storage.github.errors import GithubRefused

FILE = "leases.json"
REF = "refs/panini/leases"
OUTCOMES = frozenset({"done", "failed"})
"""How a job can be over."""

_FORMAT, _VERSION = "panini-leases", 1


@dataclass(frozen=True, slots=True)
class Lease:
    """Who has a job, by which claim, and until when if it is not renewed; `attempt` counts claims that outlived."""

    worker: str
    nonce: str
    attempt: int
    expires_at: datetime

    @property
    def process(self) -> str:
        """Return which process of the worker claimed."""
        return self.nonce.rpartition(".")[0]


@dataclass(frozen=True, slots=True)
class Over:
    """How a job ended (`done` or `failed`), who ended it and when."""

    state: str
    worker: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Book:
    """Leases and ended jobs, by job."""

    leases: Mapping[str, Lease] = field(default_factory=dict)
    over: Mapping[str, Over] = field(default_factory=dict)


def format_book(book: Book) -> str:
    """Return the book as sorted JSON, ASCII, times in milliseconds."""
    leases = {
        key: {
            "worker": lease.worker,
            "nonce": lease.nonce,
            "attempt": lease.attempt,
            "expires_at": iso(lease.expires_at),
        }
        for key, lease in book.leases.items()
    }
    over = {key: {"state": mark.state, "worker": mark.worker, "at": iso(mark.at)} for key, mark in book.over.items()}
    whole = {"format": _FORMAT, "version": _VERSION, "leases": leases, "over": over}
    return json.dumps(whole, indent=1, sort_keys=True) + "\n"


def parse_book(data: bytes) -> Book:
    """Return the book in `data`. Raises GithubRefused for another version and for what is no book."""
    try:
        whole = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise damaged(f"its {len(data)} bytes are no JSON ({error!s:.100})") from error
    if not isinstance(whole, dict):
        raise damaged(f"it is a JSON {type(whole).__name__}, expected an object")
    version = whole.get("version")
    if whole.get("format") != _FORMAT or not isinstance(version, int) or isinstance(version, bool):
        raise damaged(f'it has format {whole.get("format")!r:.40}, version {version!r:.40}; expected "{_FORMAT}", 1')
    if version != _VERSION:
        raise GithubRefused(
            f"{FILE} at {REF} is of version {version}, this program knows version {_VERSION}; "
            "install a later version of it"
        )
    _require(whole, {"format", "version", "leases", "over"}, "the whole")
    return Book(
        {key: _read_lease(value, f"the lease of {key!r:.80}") for key, value in _entries(whole, "leases")},
        {key: _read_over(value, f"the end of {key!r:.80}") for key, value in _entries(whole, "over")},
    )


def damaged(reason: str) -> GithubRefused:
    """Return the error for a reference that somebody else made or a file that somebody damaged."""
    return GithubRefused(
        f"{FILE} at {REF} is not a book of leases: {reason}; nothing is leased until that is put right: stop all "
        f"workers and delete the reference (git push origin :{REF}), it is made anew"
    )


def _entries(whole: Mapping[str, Any], name: str) -> list[tuple[str, Any]]:
    if not isinstance(whole[name], dict):
        raise damaged(f"{name} is a JSON {type(whole[name]).__name__}, expected an object")
    return list(whole[name].items())


def _read_lease(value: Any, what: str) -> Lease:
    fields = _require(value, {"worker", "nonce", "attempt", "expires_at"}, what)
    attempt = fields["attempt"]
    if not isinstance(attempt, int) or isinstance(attempt, bool) or attempt < 1:
        raise damaged(f"{what} has attempt {attempt!r:.40}, expected a number from 1 on")
    expires_at = _read_time(fields["expires_at"], what)
    return Lease(_read_text(fields["worker"], what), _read_text(fields["nonce"], what), attempt, expires_at)


def _read_over(value: Any, what: str) -> Over:
    fields = _require(value, {"state", "worker", "at"}, what)
    if not isinstance(fields["state"], str) or fields["state"] not in OUTCOMES:
        raise damaged(f"{what} has state {fields['state']!r:.40}, expected one of {', '.join(sorted(OUTCOMES))}")
    return Over(fields["state"], _read_text(fields["worker"], what), _read_time(fields["at"], what))


def _require(value: Any, names: set[str], what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict) or set(value) != names:
        found = ", ".join(sorted(value))[:200] if isinstance(value, dict) else f"a JSON {type(value).__name__}"
        raise damaged(f"{what} has the fields {found}, expected {', '.join(sorted(names))}")
    return value


def _read_text(value: Any, what: str) -> str:
    if not isinstance(value, str) or not value:
        raise damaged(f"{what} has {value!r:.40}, expected some text")
    return value


def _read_time(value: Any, what: str) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        moment = None
    if moment is None or moment.tzinfo is None:
        raise damaged(f"{what} has the time {value!r:.40}, expected one as 2024-05-06T07:08:09.000Z")
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise damaged(f"{what} has the time {value!r:.40}, expected one of this age") from error
