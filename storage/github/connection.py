"""The connection that PyGithub's requests take, in place of its own.

Its own drops the query of a redirected request (a renamed repository's recursive tree would come back flat), follows
to another port of the same host with the token, sleeps and asks again without end on 202, and waits without end for
an answer that drips.
"""

import re
from collections.abc import ItemsView

from requests import Response

from panini_daemon.storage.clock import Clock
from panini_daemon.storage.github.repository import Repository
from panini_daemon.storage.github.transport import Broken, Pace, exchange, headers_of, open_session, read_whole

_NUMBERS = frozenset(("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"))
_NUMBER = re.compile(r"[0-9]{1,15}(\.[0-9]{1,15})?")
_LARGEST = 64 << 20
"""Bytes of an answer: the largest documented one, a tree, has 7 MB."""


class Carried:
    """An answer as PyGithub reads it."""

    def __init__(self, answer: Response, text: str) -> None:
        """Keep a whole answer."""
        self.status, self._text = answer.status_code, text
        # PyGithub takes these for numbers without looking; what is none says nothing anyway.
        headers = headers_of(answer).items()
        self._headers = {name: value for name, value in headers if name not in _NUMBERS or _NUMBER.fullmatch(value)}

    def getheaders(self) -> ItemsView[str, str]:
        """Return the headers by lower-case names."""
        return self._headers.items()

    def read(self) -> str:
        """Return the body."""
        return self._text


class Connection:
    """One session, which follows redirections within the API's own origin. `getresponse` raises Broken."""

    def __init__(self, repository: Repository, timeout: float, clock: Clock) -> None:
        """Connect to nothing yet; `timeout` is in seconds."""
        scheme, _, rest = repository.url.partition("://")
        self._origin = f"{scheme}://{rest.partition('/')[0]}"
        self._timeout, self._clock = timeout, clock
        self._session = open_session()
        self._asked: tuple[str, str, str | None, dict[str, str]] = ("GET", "/", None, {})

    def request(self, verb: str, url: str, body: str | None, headers: dict[str, str], _stream: object = None) -> None:
        """Take what `getresponse` sends; `url` is a path with its query."""
        self._asked = (verb, url, body, headers)

    def getresponse(self) -> Carried:
        """Send it and return the whole answer."""
        verb, path, body, headers = self._asked
        # That no redirection leaves the origin keeps the token among these headers where it belongs.
        answer = exchange(
            self._session,
            verb,
            f"{self._origin}{path}",
            headers,
            secret={},
            body=body,
            timeout=self._timeout,
            elsewhere=False,
        )
        data = read_whole(answer, Pace(self._clock), _LARGEST)
        if answer.status_code == 202 and verb == "GET":
            raise Broken("202, the answer is not ready")
        return Carried(answer, data.decode("utf-8", "replace"))

    def close(self) -> None:
        """Close the session."""
        self._session.close()
