"""GitHub's answers made up from a case: every request of a client or of a download gets what the case says.

A case is a JSON object: its keys are the ends of paths with a verb before them ("GET /git/ref/heads/main"), its
values answers, {"status", "headers", "body"}; a body that is no text is sent as JSON.
"""

import io
import json
import random
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from fakes.clock import FakeClock
from requests import Request, Response, Session
from urllib3 import HTTPResponse

from panini_daemon.storage.github.client import Client
from panini_daemon.storage.github.download import Downloader
from panini_daemon.storage.github.gate import Gate
from panini_daemon.storage.github.repository import Repository
from panini_daemon.storage.github.requests_made import RequestsMade

REPOSITORY = Repository("o", "r")
DATE = "Mon, 06 May 2024 07:08:09 GMT"


def answer(body: object, status: object = 200, **headers: str) -> dict[str, object]:
    """Return an answer as it stands in a case."""
    return {"status": status, "headers": {"date": DATE, **headers}, "body": body}


class Wire:
    """The clients of one case, and the answers."""

    def __init__(self, case: bytes) -> None:
        self.clock = FakeClock()
        self._answers = _read(case)
        self._left = 60
        gate = Gate(self.clock, jitter=random.Random(1), sleep=self.clock.advance, between_writes=0.0)
        made = RequestsMade()
        self.client = Client(REPOSITORY, "token", gate=gate, requests=made)
        self.client._connection._session = _Session(self)
        self.downloader = Downloader(REPOSITORY, "token", gate=gate, requests=made, clock=self.clock)
        self.downloader._idle.append(_Session(self))  # type: ignore[arg-type]

    def find(self, verb: str, url: str) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body for a request; 404 where the case has none."""
        self._left -= 1
        assert self._left, "over 60 requests for one case"
        path = urlsplit(url).path
        found = next((told for key, told in self._answers.items() if _fits(key, verb, path)), None)
        if not isinstance(found, dict):
            return 404, {"date": DATE}, b'{"message": "Not Found"}'
        status, headers, body = found.get("status"), found.get("headers"), found.get("body")
        status = status if type(status) is int and 100 <= status <= 599 else 200
        told = headers.items() if isinstance(headers, dict) else ()
        # What http.client lets through as a header: Latin-1 without line ends.
        clean = {_latin(name).lower().strip(): _latin(value) for name, value in told}
        text = body if isinstance(body, str) else json.dumps(body)
        binary = clean.get("content-type") == "application/octet-stream"
        data = text.encode("latin-1", "replace") if binary else text.encode("utf-8", "surrogatepass")
        return status, {name: value for name, value in clean.items() if name}, data


class _Session(Session):
    def __init__(self, wire: Wire) -> None:
        super().__init__()
        self._wire = wire

    def request(self, verb: str, url: str, **options: Any) -> Response:  # type: ignore[override]
        # What requests itself makes of a URL and of headers that somebody else chose.
        asked = Request(verb, url, headers=options.get("headers"), data=options.get("data"))
        prepared = self.prepare_request(asked)
        status, headers, data = self._wire.find(verb, prepared.url or "")
        made = Response()
        made.status_code, made.url, made.request = status, prepared.url or "", prepared
        made.headers.update(headers)
        made.raw = HTTPResponse(
            io.BytesIO(data), headers=headers, status=status, preload_content=False, request_method=verb
        )
        return made


def _fits(key: str, verb: str, path: str) -> bool:
    asked, _, end = key.rpartition(" ")
    return asked in ("", verb) and path.endswith(end)


def _latin(value: object) -> str:
    text = str(value)[:4000].encode("latin-1", "replace").decode("latin-1")
    return "".join(letter for letter in text if letter not in "\r\n\0")


def _read(case: bytes) -> Mapping[str, object]:
    try:
        found = json.loads(case)
    except (ValueError, RecursionError):
        # No longer what answers which request: then all of it is the answer to everything.
        found = {"": {"status": 200, "headers": {"date": DATE}, "body": case.decode("utf-8", "surrogateescape")}}
    return found if isinstance(found, dict) else {"": answer(found)}
