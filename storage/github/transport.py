"""How requests travel: sessions, redirections, time limits, and what a broken connection is called.

Proxies and certificates come from the environment (HTTPS_PROXY, REQUESTS_CA_BUNDLE); a login from ~/.netrc never
does: it would take the place of the token.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from urllib.parse import urljoin, urlsplit

from requests import PreparedRequest, RequestException, Response, Session
from urllib3.exceptions import HTTPError

from panini_daemon.storage.clock import Clock
from panini_daemon.storage.github.errors import GithubRefused

PIECE = 1 << 20
"""Bytes asked of a connection at a time."""
SLOWEST = 1024.0
"""Bytes a second, averaged over WINDOW, below which a connection counts as broken."""
WINDOW = 60.0

_PORTS = {"http": 80, "https": 443}
_REDIRECTS = 5
_SAME_VERB = frozenset({301, 302, 307, 308})
_SMALL = 1 << 16


class Broken(Exception):
    """A connection that was not made, broke, hung or crawled; the text says which, and nothing of the URL."""


class Pace:
    """Tells a transfer that crawls, which a time limit on each wait for bytes cannot."""

    def __init__(self, clock: Clock) -> None:
        """Start the first window."""
        self._clock, self._since, self._bytes = clock, clock.monotonic(), 0

    def add(self, count: int) -> None:
        """Count bytes; raise Broken where a window of time brought too few."""
        self._bytes += count
        seconds = self._clock.monotonic() - self._since
        if seconds < WINDOW:
            return
        if self._bytes < SLOWEST * seconds:
            raise Broken(f"too slow: {self._bytes} bytes in {seconds:.0f} s")
        self._since, self._bytes = self._since + seconds, 0


class _Session(Session):
    """A session that adds no login of its own and looks at no redirection: `exchange` does."""

    def __init__(self) -> None:
        super().__init__()
        self.auth = _as_it_is
        self.headers["User-Agent"] = "panini-daemon"

    def get_redirect_target(self, _: Response) -> None:
        # Else requests reads the redirection's whole body and stumbles over bad locations, even if told not to follow.
        return None


def open_session() -> Session:
    """Return a session for `exchange`; the caller closes it."""
    return _Session()


def origin_of(url: str) -> tuple[str, str, int]:
    """Return scheme, host and port; raises ValueError where `url` is no HTTP URL."""
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError("no HTTP URL")
    return parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme]


def exchange(
    session: Session,
    verb: str,
    url: str,
    headers: Mapping[str, str],
    *,
    secret: Mapping[str, str],
    body: bytes | str | None = None,
    timeout: float,
    elsewhere: bool,
) -> Response:
    """Send a request, follow redirections, and return the answer with its body unread; the caller closes it.

    `secret` are headers for the origin of `url` alone; once a redirection has left it, they are not sent again.
    `timeout` is in seconds, for connecting and for each wait for bytes. `elsewhere` allows redirections to other
    origins. Raises Broken, GithubRefused for a redirection that is not followed.
    """
    what, home = f"{verb} {urlsplit(url).path}", origin_of(url)
    sent = {**headers, **secret}
    for _ in range(_REDIRECTS + 1):
        try:
            answer = session.request(
                verb, url, headers=sent, data=body, timeout=timeout, stream=True, allow_redirects=False
            )
        except RequestException as error:
            raise Broken(name_of(error)) from None
        location = answer.headers.get("location")
        if not location or not (answer.status_code in _SAME_VERB or (verb == "GET" and answer.status_code == 303)):
            return answer
        _let_go(answer)
        url = _follow(what, url, location)
        if origin_of(url) != home:
            sent = dict(headers)
            if not elsewhere:
                raise GithubRefused(f"{what}: GitHub sends the request to another host; check the API's URL")
    raise GithubRefused(f"{what}: GitHub sends the request on and on; expected at most {_REDIRECTS} redirections")


def pieces(answer: Response, pace: Pace, *, decode: bool = False) -> Iterator[bytes]:
    """Yield the body as it comes, in pieces of at most PIECE bytes; the caller closes the answer. Raises Broken."""
    while True:
        try:
            # Not `read`: that waits until the piece is full, however slowly it comes.
            piece = answer.raw.read1(PIECE, decode_content=decode)
        except (HTTPError, OSError) as error:
            raise Broken(name_of(error)) from None
        if not piece:
            return
        yield piece
        if answer.raw.length_remaining != 0:  # what is whole may have been slow
            pace.add(len(piece))


def read_whole(answer: Response, pace: Pace, limit: int) -> bytes:
    """Return the body, decoded where it is packed, and close. Raises Broken, GithubRefused over `limit` bytes."""
    found = bytearray()
    with answer:
        for piece in pieces(answer, pace, decode=True):
            found += piece
            if len(found) > limit:
                raise GithubRefused(f"{urlsplit(answer.url).path}: the answer has over {limit} bytes; expected fewer")
    return bytes(found)


def read_message(answer: Response, pace: Pace) -> str:
    """Return what a refusal says: the `message` of its JSON, else its text; empty where that cannot be had."""
    try:
        text = read_whole(answer, pace, _SMALL).decode("utf-8", "replace")
    except (Broken, GithubRefused):
        return ""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return str(data.get("message", "")) if isinstance(data, dict) else ""


def headers_of(answer: Response) -> dict[str, str]:
    """Return the headers by lower-case names."""
    return {name.lower(): value for name, value in answer.headers.items()}


def name_of(error: BaseException) -> str:
    """Say what a transport error is, without the URL that its text holds."""
    seen: BaseException = error
    while (deeper := seen.__cause__ or seen.__context__) is not None and seen is not deeper:
        seen = deeper
    inner = "" if seen is error else f": {type(seen).__name__}"
    return f"{type(error).__name__}{inner}"


def _follow(what: str, url: str, location: str) -> str:
    try:
        target = urljoin(url, location)
        scheme, _, _ = origin_of(target)
    except ValueError:
        raise GithubRefused(f"{what}: GitHub sends the request to what is no HTTP URL") from None
    if scheme == "http" and urlsplit(url).scheme == "https":
        raise GithubRefused(f"{what}: GitHub sends the request from HTTPS to plain HTTP, which is not followed")
    return target


def _let_go(answer: Response) -> None:
    """Close an answer; where its body is short and there, the connection serves the next request."""
    with answer, suppress(HTTPError, OSError):
        answer.raw.read1(_SMALL, decode_content=False)


def _as_it_is(request: PreparedRequest) -> PreparedRequest:
    return request
