"""What goes in and comes out: requests as recorded, answers as given, and the problems that end as answers."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from typing import Any

JSON = "application/json; charset=utf-8"
DOCUMENTATION = "https://docs.github.com/rest"


@dataclass
class Request:
    """A request as it came; `status` is what it was answered with, 0 while it is not or where it never was."""

    method: str
    path: str
    """Percent-decoded, without the query."""
    query: dict[str, str]
    headers: Message
    """Names are looked up in any case; `in`, `[]` (None where missing) and `get` work."""
    body: bytes
    kind: str
    """What it asks for: repo, ref, refs, tag, tree, commit, blob, contents, commits, dispatch, status, rate, graphql,
    git, lfs, lfs-object, or other."""
    status: int = 0

    @property
    def accept(self) -> str:
        """What the client wants, in lower case."""
        return str(self.headers.get("Accept", "")).lower()

    def json(self) -> dict[str, Any]:
        """Return the body as a JSON object, or raise the Problem that GitHub answers."""
        try:
            value = json.loads(self.body or b"{}")
        except ValueError:
            raise Problem(400, "Problems parsing JSON") from None
        if not isinstance(value, dict):
            raise Problem(400, "Body should be a JSON object")
        return value

    def require(self, name: str, kind: type = str) -> Any:
        """Return a field of the JSON body, which must be there and of that type."""
        value = self.json().get(name)
        if not isinstance(value, kind):
            raise Problem(422, f'Invalid request.\n\n"{name}" wasn\'t supplied or is no {kind.__name__}.')
        return value


@dataclass
class Answer:
    """A status, a body and headers (names in lower case)."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    tag: str = ""
    """What the ETag is made from where that is cheaper than the body."""
    ranges: bool = False
    """Whether a Range header is followed."""


class Problem(Exception):
    """A request that ends in an error: its status and GitHub's message."""

    def __init__(self, status: int, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status, self.message, self.more = status, message, more

    def answer(self) -> Answer:
        """Return GitHub's form of it."""
        body = {"message": self.message, "documentation_url": DOCUMENTATION, "status": str(self.status), **self.more}
        return json_answer(body, self.status)


def json_answer(value: Any, status: int = 200, **headers: str) -> Answer:
    """Return `value` as a JSON answer."""
    return Answer(status, json.dumps(value).encode(), {"content-type": JSON, **headers})


def apply_range(answer: Answer, wanted: str | None) -> Answer:
    """Return the part of a whole answer that a single `bytes=` range asks for; the whole one for anything else."""
    unit, _, span = (wanted or "").partition("=")
    first, dash, last = span.strip().partition("-")
    if unit.strip() != "bytes" or not dash or not (first + last).isdecimal():
        return answer
    size = len(answer.body)
    start = int(first) if first else max(0, size - int(last))
    stop = min(size, int(last) + 1) if first and last else size
    if start >= size or start >= stop:
        return Answer(416, b"", {**answer.headers, "content-range": f"bytes */{size}"})
    headers = {**answer.headers, "content-range": f"bytes {start}-{stop - 1}/{size}"}
    return Answer(206, answer.body[start:stop], headers)


def etag_matches(etag: str, wanted: str | None) -> bool:
    """Compare weakly, as RFC 9110 has it for If-None-Match."""
    tags = [tag.strip().removeprefix("W/") for tag in (wanted or "").split(",")]
    return "*" in tags or etag.removeprefix("W/") in tags


def lower(headers: Mapping[str, str]) -> dict[str, str]:
    """Return headers with their names in lower case."""
    return {name.lower(): value for name, value in headers.items()}
