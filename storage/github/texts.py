"""Small text files of the repository, a hundred in one query, each proven by its git blob's id."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from panini_daemon.storage.clock import Clock
from panini_daemon.storage.github.client import Client
from panini_daemon.storage.github.object_queries import AT_ONCE, ObjectQueries

_TEXT = 256 * 1024
"""Bytes up to which a file is asked for as text: GitHub cuts long texts."""
_QUERY = 2 * 1024 * 1024
"""Bytes of text that one query asks for."""


def text_queries(client: Client, *, clock: Clock, allowed: bool = True) -> ObjectQueries:
    """Return what asks for texts; `allowed` is whether queries may be sent: they need a token."""
    return ObjectQueries(client, "metadata", "Blob", "oid byteSize isTruncated text", clock=clock, allowed=allowed)


def read_texts(queries: ObjectQueries, sizes: Mapping[str, int]) -> dict[str, bytes]:
    """Return those files, by id, that GitHub has the text of, in few requests; `sizes` are their bytes.

    Raises GithubUnavailable.
    """
    found: dict[str, bytes] = {}
    for group in _group({sha: size for sha, size in sizes.items() if size <= _TEXT}):
        for sha, fields in queries.ask(group).items():
            if (data := _prove(sha, fields)) is not None:
                found[sha] = data
    return found


def blob_id(data: bytes) -> str:
    """Return the id that git gives a file with this content."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _prove(sha: str, fields: Mapping[str, Any]) -> bytes | None:
    """Return the content that a query told, None where it is not that of the blob: cut, no text, or changed."""
    text = fields.get("text")
    if not isinstance(text, str):
        return None
    data = text.encode("utf-8", "surrogatepass")
    return data if blob_id(data) == sha else None


def _group(sizes: Mapping[str, int]) -> Iterator[Sequence[str]]:
    """Yield groups of ids that are small enough for one query."""
    group: list[str] = []
    total = 0
    for sha, size in sizes.items():
        if group and (len(group) >= AT_ONCE or total + size > _QUERY):
            yield group
            group, total = [], 0
        group.append(sha)
        total += size
    if group:
        yield group
