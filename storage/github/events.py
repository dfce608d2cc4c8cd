"""Completion reports as GitHub Actions hands them on: the file of a repository_dispatch event."""

from typing import Any

from panini_daemon.storage.github.dispatches import EVENT, MORE
from panini_daemon.storage.reports import ChunkReport, ReportInvalid, read_chunk, read_fields

_MAX_EVENT_BYTES = 4 * 1024 * 1024
"""The payload has 64 KB at most; the rest of the file describes the repository and who sent the event."""


def parse_event(data: bytes) -> list[ChunkReport]:
    """Return the chunk reports of an event file (GITHUB_EVENT_PATH), one or, with `more`, several.

    Anybody with write access can send such an event, so nothing in it is trusted. Raises ReportInvalid.
    """
    fields = read_fields(data, "the event", _MAX_EVENT_BYTES)
    if fields.get("action") != EVENT:
        raise ReportInvalid(
            f"the event's action is {ascii(fields.get('action'))[:80]}; expected {EVENT!r}; "
            f"let the workflow run for repository_dispatch of the type {EVENT} only"
        )
    payload = fields.get("client_payload")
    first = read_chunk(payload, "client_payload")
    more: Any = payload.get(MORE, []) if isinstance(payload, dict) else []
    if not isinstance(more, list):
        raise ReportInvalid(
            f"client_payload.{MORE} is a JSON {type(more).__name__}; expected a list of objects of the same five "
            "properties; send it as documented"
        )
    return [first, *(read_chunk(item, f"client_payload.{MORE}[{number}]") for number, item in enumerate(more))]
