"""Requests to the REST API of one repository: authenticated, counted, and with typed errors.

PyGithub makes them (authentication, API version, paths) and `connection` carries them; its own waiting and retrying
are off, because the daemon must go on with other work meanwhile: see `gate`.
"""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, cast
from urllib.parse import urlsplit

from github import Auth, Github
from github.Requester import HTTPSRequestsConnectionClass

from panini_daemon.storage.github.connection import Connection
from panini_daemon.storage.github.errors import GithubConflict, GithubDenied, GithubError, GithubMissing, GithubRefused
from panini_daemon.storage.github.gate import READ, WRITE, Gate
from panini_daemon.storage.github.refusals import explain, quote
from panini_daemon.storage.github.repository import Repository
from panini_daemon.storage.github.requests_made import RequestsMade
from panini_daemon.storage.github.transport import Broken

_ACCEPT = "application/vnd.github+json"
_WRITES = frozenset({"POST", "PATCH", "PUT", "DELETE"})
_GRAPHQL: Mapping[str, type[GithubError]] = {
    "NOT_FOUND": GithubMissing,
    "FORBIDDEN": GithubDenied,
    "STALE_DATA": GithubConflict,
}
"""What the types of GraphQL's errors mean."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What GitHub answered. `data` is the JSON, None where there is none; `date` is GitHub's own time, UTC."""

    status: int
    headers: Mapping[str, str]
    data: Any
    date: datetime

    @property
    def etag(self) -> str | None:
        """Return what makes the next request for the same thing conditional."""
        return self.headers.get("etag")

    @property
    def modified(self) -> bool:
        """Tell whether a conditional request found something new."""
        return self.status != 304


class Client:
    """Calls to one repository's API, one at a time; each thread of the daemon has a client of its own.

    `timeout` is in seconds, for connecting and for each wait for bytes. All methods raise GithubUnavailable,
    GithubDenied (401 closes the gate, 403 names the permission), GithubMissing (404), GithubConflict (409, and 422
    of a reference or file that somebody else changed), GithubRefused.
    """

    def __init__(
        self, repository: Repository, token: str | None, *, gate: Gate, requests: RequestsMade, timeout: float = 30.0
    ) -> None:
        """Connect to nothing yet. Without a token only public repositories can be read, 60 requests an hour."""
        self.repository, self.gate, self.requests = repository, gate, requests
        self._lock = threading.Lock()
        self._token = token
        self._connection = Connection(repository, timeout, gate.clock)
        self._github = Github(
            auth=Auth.Token(token) if token else None,
            base_url=repository.url,
            retry=None,
            seconds_between_requests=None,
            seconds_between_writes=None,
        )

    def get(
        self,
        kind: str,
        path: str,
        *,
        parameters: Mapping[str, str] | None = None,
        etag: str | None = None,
        accept: str = _ACCEPT,
    ) -> Answer:
        """GET `path` of the repository; with `etag` an Answer that is not `modified` where nothing changed."""
        headers = {"Accept": accept} | ({"If-None-Match": etag} if etag else {})
        return self._call(kind, "GET", f"{self.repository.path}{path}", headers, dict(parameters or {}), None)

    def send(
        self, kind: str, verb: str, path: str, body: Mapping[str, Any] | None = None, *, together: int = 1
    ) -> Answer:
        """POST, PATCH, PUT or DELETE `path` of the repository with a JSON body.

        `together` announces with the first of several writes how many there are; the others have 0.
        """
        self.gate.check()
        if together:
            self.gate.take_turn_to_write(together)
        return self._call(kind, verb, f"{self.repository.path}{path}", {"Accept": _ACCEPT}, {}, body)

    def query(self, kind: str, query: str, variables: Mapping[str, Any]) -> Mapping[str, Any]:
        """Ask the GraphQL API; return `data`, with None for what could not be found.

        Where there is no data, its errors raise as elsewhere: a rate limit, GithubMissing, GithubDenied,
        GithubConflict, else GithubRefused.
        """
        url = self._github.requester.graphql_url
        answer = self._call(kind, "POST", url, {}, {}, {"query": query, "variables": dict(variables)})
        data = answer.data.get("data") if isinstance(answer.data, dict) else None
        if not isinstance(data, dict):
            raise self._graphql_error(answer)
        return data

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()
        self._github.close()

    def _call(
        self,
        kind: str,
        verb: str,
        url: str,
        headers: dict[str, str],
        parameters: dict[str, str],
        body: Mapping[str, Any] | None,
    ) -> Answer:
        self.gate.check()
        what = f"{verb} {urlsplit(url).path}"
        # It has what PyGithub asks of a connection, though it is none of the two that PyGithub knows.
        connection = cast("HTTPSRequestsConnectionClass", self._connection)
        with self._lock:
            self.gate.spend(WRITE if verb in _WRITES else READ)
            self.gate.check()  # it may have closed while this thread waited for its turn
            try:
                status, answered, text = self._github.requester.requestJson(
                    verb, url, parameters, headers, body, connection
                )
            except Broken as error:
                self.requests.add(f"{kind} (failed)")
                raise self.gate.failed(f"no answer to {what} ({error})") from None
        self.requests.add(f"{kind} (304)" if status == 304 else kind)
        data = self._read(what, status, text)
        if status >= 300 and status != 304:
            said = quote(data.get("message") if isinstance(data, dict) else "", self._token)
            raise explain(self.gate, self.repository, what, status, answered, said, writing=verb in _WRITES)
        answer = Answer(status, answered, data, self._date_of(answered))
        if not _is_limited(answer):
            self.gate.answered(answered)
        return answer

    def _read(self, what: str, status: int, text: str) -> Any:
        try:
            return json.loads(text) if text else None
        except (ValueError, RecursionError):
            if status >= 300:
                return {"message": text}
            raise self.gate.failed(f"the answer to {what} is no JSON ({len(text)} characters): cut short?") from None

    def _graphql_error(self, answer: Answer) -> GithubError:
        if _is_limited(answer):
            return self.gate.limited(answer.status, answer.headers)
        errors = _graphql_errors(answer)
        said = quote("; ".join(str(error.get("message", "")) for error in errors), self._token)
        meaning = _GRAPHQL.get(str(errors[0].get("type")) if errors else "", GithubRefused)
        return meaning(f"GitHub's GraphQL API gave no data: {said or 'and no reason'}")

    def _date_of(self, headers: Mapping[str, str]) -> datetime:
        try:
            return parsedate_to_datetime(headers["date"]).astimezone(UTC)
        except (KeyError, ValueError, OverflowError):
            return self.gate.clock.now()


def _graphql_errors(answer: Answer) -> list[Mapping[str, Any]]:
    errors = answer.data.get("errors") if isinstance(answer.data, dict) else None
    return [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []


def _is_limited(answer: Answer) -> bool:
    """Tell whether GraphQL's API refused for its rate limit, which it says with status 200."""
    return any(error.get("type") == "RATE_LIMITED" for error in _graphql_errors(answer))
