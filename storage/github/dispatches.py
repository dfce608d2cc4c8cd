"""Completion reports as repository_dispatch events: their form, their size, and what becomes of refused ones."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from panini_daemon.storage.github.client import Client
from panini_daemon.storage.github.errors import GithubConflict, GithubRefused
from panini_daemon.storage.reports import ChunkReport

EVENT = "chunk_compressed"
MORE = "more"
MAX_BODY_BYTES = 60_000
"""GitHub takes 65,535 bytes of client_payload."""

Item = tuple[str, ChunkReport]
"""The id of a job and one of its chunks."""


def dispatch_body(chunks: Sequence[ChunkReport]) -> dict[str, Any]:
    """Return the body of the event: the first chunk as the contract has it, the others in a list beside it."""
    payload = chunks[0].payload()
    if len(chunks) > 1:
        payload[MORE] = [chunk.payload() for chunk in chunks[1:]]
    return {"event_type": EVENT, "client_payload": payload}


def body_size(body: object) -> int:
    """Return how many bytes the client sends for `body`: ASCII, all else escaped."""
    return len(json.dumps(body))


def batches(items: Sequence[Item], *, together: bool) -> Iterator[Sequence[Item]]:
    """Cut the items, in their order, into what goes into one event each: as many as fit, or one."""
    start, size = 0, 0
    for end, (_, chunk) in enumerate(items):
        if end > start and together:
            added = len(", ") + body_size(chunk.payload())
            opening = len(f', "{MORE}": []') if end == start + 1 else 0
            if size + opening + added < MAX_BODY_BYTES:
                size += opening + added
                continue
        if end > start:
            yield items[start:end]
        start, size = end, body_size(dispatch_body([chunk]))
    if items:
        yield items[start:]


def dispatch(
    client: Client,
    items: Sequence[Item],
    *,
    sent: Callable[[Sequence[Item]], None],
    refused: Callable[[Item, str], None],
) -> None:
    """Send one event; where GitHub refuses it, its halves, so that one bad report does not hold up the others.

    `sent` and `refused` are called in the order of the items. Raises what the client raises beside refusals.
    """
    try:
        client.send("dispatch", "POST", "/dispatches", dispatch_body([chunk for _, chunk in items]))
    except (GithubRefused, GithubConflict) as error:
        if len(items) == 1:
            refused(items[0], str(error))
            return
    else:
        sent(items)
        return
    middle = len(items) // 2
    dispatch(client, items[:middle], sent=sent, refused=refused)
    dispatch(client, items[middle:], sent=sent, refused=refused)
