"""A proxy before the fake GitHub that holds each request, and the fake's answer, against GitHub's own description."""

import http.client
import json
import sys
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from fakes.github.server import API, GRAPHQL, FakeGithub
from fakes.openapi import LIMIT, Given, Prism, Violation
from fakes.openapi_description import MEDIA_TYPES, Description, Operation

NOT_FORWARDED = {"host", "connection", "content-length", "transfer-encoding", "keep-alive", "accept-encoding"}


@dataclass(frozen=True)
class Exchange:
    """A request of the REST API: the operation's name (method and path where none is described) and what was asked.

    `path` is below the repository's, percent-encoded as it was sent.
    """

    name: str
    path: str
    parameters: frozenset[str]
    media_types: frozenset[str]
    status: int
    found: tuple[Violation, ...]

    def violations(self, side: str) -> list[str]:
        """Return what is wrong with the `request` or with the `response`."""
        return [f"{self.name}: {each.text}" for each in self.found if each.side == side]


class ValidatingProxy(ThreadingHTTPServer):
    """Serves what `hub` serves, at the hub's own address: whoever asks the hub where it is, is sent here.

    `queries` are those of the GraphQL API.
    """

    daemon_threads = False

    def __init__(self, prism: Prism, description: Description, hub: FakeGithub) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self._prism, self._description = prism, description
        self._repository = f"/repos/{hub.owner}/{hub.repo}"
        self.upstream = urlsplit(hub.origin).netloc
        hub.origin = f"http://127.0.0.1:{self.server_address[1]}"
        self.exchanges: list[Exchange] = []
        self.queries: list[str] = []
        self._crashes: list[BaseException] = []
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,))
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()
        if error is None and self._crashes:
            raise AssertionError("the validating proxy itself failed") from self._crashes[0]

    def take(self, method: str, target: str, headers: dict[str, str], body: bytes, given: Given) -> None:
        """Judge a request and the answer to it."""
        if urlsplit(target).path == GRAPHQL:
            self.queries.append(json.loads(body)["query"])
        if not target.startswith(f"{API}/"):
            return
        path, _, query = target.removeprefix(API).partition("?")
        operation, encoded = self._description.find(method, path)
        parameters = frozenset(name for name, _ in parse_qsl(query, keep_blank_values=True))
        accepted = headers.get("Accept", "*/*").split(",")
        media_types = frozenset(each.partition(";")[0].strip() for each in accepted) - {"*/*"}
        found = self._prism.judge(method, f"{encoded}?{query}" if query else encoded, headers, body, given)
        if not _is_described(given):
            found = [each for each in found if each.side != "response"]
        if operation is not None:
            found += _look_further(operation, parameters, media_types)
        name, below = operation.name if operation else f"{method} {path}", path.removeprefix(self._repository)
        self.exchanges.append(Exchange(name, below, parameters, media_types, given.status, tuple(found)))

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep what went wrong here: it is raised at the end."""
        if (error := sys.exception()) is not None:
            self._crashes.append(error)


def _is_described(given: Given) -> bool:
    """Return whether descriptions have such answers: not to conditional requests, nor bytes of a raw media type."""
    return given.status != 304 and (not given.body or "json" in given.content_type)


def _look_further(operation: Operation, parameters: frozenset[str], media_types: frozenset[str]) -> list[Violation]:
    """Return what Prism does not look at: parameters and media types that are not described."""
    unknown = [f"request.query: {name} is not described" for name in parameters - operation.parameters]
    unknown += [
        f"request.header.accept: {each} is not described"
        for each in media_types - MEDIA_TYPES
        if each not in operation.text
    ]
    return [Violation("request", text) for text in unknown]


class _Handler(BaseHTTPRequestHandler):
    server: ValidatingProxy

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name: value for name, value in self.headers.items() if name.lower() not in NOT_FORWARDED}
        connection = http.client.HTTPConnection(self.server.upstream, timeout=LIMIT)
        try:
            connection.request(self.command, self.path, body or None, headers)
            answer = connection.getresponse()
            data = answer.read()
        finally:
            connection.close()
        given = Given(answer.status, answer.headers.get("content-type", ""), data)
        self.server.take(self.command, self.path, headers, body, given)
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in NOT_FORWARDED:
                self.send_header(name, value)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 -- names that http.server looks up

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Print nothing."""
