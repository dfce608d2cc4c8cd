"""One download: tried, resumed where it broke, and checked as a whole."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from requests import Response, Session

from panini_daemon.storage.clock import Clock
from panini_daemon.storage.github.errors import GithubMissing, GithubRefused
from panini_daemon.storage.github.gate import READ, Gate
from panini_daemon.storage.github.intake import Intake
from panini_daemon.storage.github.lfs import Link
from panini_daemon.storage.github.ranges import Body, body_of
from panini_daemon.storage.github.refusals import explain, quote
from panini_daemon.storage.github.repository import Repository
from panini_daemon.storage.github.requests_made import RequestsMade
from panini_daemon.storage.github.transport import (
    Broken,
    Pace,
    exchange,
    headers_of,
    origin_of,
    pieces,
    read_message,
)

TRIES = 5
"""Tries of one download, as long as each brings something."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One object: where to get it, asked anew for each try, and how to see that it is right.

    `size` is None where nobody told it; `limit` is then how many bytes are taken.
    """

    kind: str
    name: str
    size: int | None
    limit: int
    link: Callable[[Session], Link]
    is_right: Callable[[Intake], bool]


class Receiver:
    """Requests of downloads: each asks the gate first, is counted, and has its refusals explained."""

    def __init__(
        self,
        repository: Repository,
        token: str | None,
        *,
        gate: Gate,
        requests: RequestsMade,
        clock: Clock,
        timeout: float,
    ) -> None:
        """Connect to nothing yet; `timeout` is in seconds."""
        self._repository, self._token = repository, token
        self._gate, self._requests, self._clock, self._timeout = gate, requests, clock, timeout

    def receive(self, session: Session, wanted: Wanted, intake: Intake) -> None:
        """Fill `intake` with the whole object. Raises what Client raises, StoreFull, GithubRefused where damaged."""
        damaged = stale = False
        tried = 0
        while True:
            tried, received = tried + 1, intake.received
            try:
                headers = self._try(session, wanted, intake)
            except Broken as error:
                if tried >= TRIES or intake.received == received:
                    raise self._gate.failed(f"{wanted.name}: {error}, after {intake.size} bytes") from None
            except _Damaged as error:
                if damaged:
                    raise GithubRefused(
                        f"{wanted.name} came damaged twice: {error}; look for a proxy that changes what passes, "
                        "or push the object again"
                    ) from None
                damaged = True
                intake.begin(None)
            except _Unserved as error:
                if stale:
                    raise error.meaning(wanted.name) from None
                stale = True
            else:
                self._gate.answered(headers)
                return

    def exchange(
        self, session: Session, kind: str, verb: str, link: Link, headers: Mapping[str, str], body: bytes | None = None
    ) -> Response:
        """Send one request, counted as `kind`; the caller closes the answer. Raises as `transport.exchange`."""
        self._gate.check()
        reads = verb == "GET"
        self._gate.spend(READ)
        try:
            answer = exchange(
                session,
                verb,
                link.url,
                headers,
                secret=link.secret,
                body=body,
                timeout=self._timeout,
                elsewhere=reads,
            )
        except Broken:
            self._requests.add(f"{kind} (failed)")
            raise
        self._requests.add(kind)
        return answer

    def explain(self, what: str, answer: Response) -> Exception:
        """Return the error to raise for a refusal by GitHub itself."""
        said = quote(read_message(answer, Pace(self._clock)), self._token)
        return explain(self._gate, self._repository, what, answer.status_code, headers_of(answer), said)

    def _try(self, session: Session, wanted: Wanted, intake: Intake) -> Mapping[str, str]:
        """Ask for what is not there yet and write it; return the headers of the API's answer."""
        link, start = wanted.link(session), intake.size
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
        kind = f"{wanted.kind} (resumed)" if start else wanted.kind
        with self.exchange(session, kind, "GET", link, headers) as answer:
            ours = origin_of(answer.url) == origin_of(self._repository.url)
            if answer.status_code >= 300 and not (start and answer.status_code == 416):
                raise self._refusal(wanted.name, answer, ours=ours)
            body = body_of(answer, start)
            if body is not None:
                self._write(wanted, intake, body, answer)
            elif not start:
                raise _Damaged(f"status {answer.status_code}, expected 200")
        if body is None:  # not what was left: all of it, then
            intake.begin(None)
            return self._try(session, wanted, intake)
        if not wanted.is_right(intake):
            raise _Damaged(f"{intake.size} bytes with another checksum")
        return headers_of(answer) if ours else {}

    def _write(self, wanted: Wanted, intake: Intake, body: Body, answer: Response) -> None:
        size = body.size if wanted.size is None else wanted.size
        if body.size not in (None, size):
            raise _Damaged(f"found {body.size} bytes, expected {size}")
        if size is not None and size > wanted.limit:
            raise GithubRefused(f"{wanted.name} has {size} bytes; expected at most {wanted.limit}")
        if not body.resumes:
            intake.begin(size)
        for piece in pieces(answer, Pace(self._clock), decode=body.packed):
            if intake.size + len(piece) > wanted.limit:
                if wanted.size is None:
                    raise GithubRefused(f"{wanted.name} has over {wanted.limit} bytes; expected at most so many")
                raise _Damaged(f"found over {size} bytes, expected {size}")
            intake.write(piece)
        if size is not None and intake.size < size:
            raise Broken(f"cut short of {size} bytes")

    def _refusal(self, name: str, answer: Response, *, ours: bool) -> Exception:
        """Return what to raise for a status; that of another host says nothing of the token and its limits."""
        status = answer.status_code
        if ours:
            return self.explain(name, answer)
        if status >= 500 or status in (408, 429):
            return self._gate.failed(f"{name}: the host that stores it says {status}", headers_of(answer))
        return _Unserved(status)


class _Damaged(Exception):
    """What came is not what was asked for."""


class _Unserved(Exception):
    """Another host than GitHub's did not serve what GitHub's link leads to: a link that was used or is too old."""

    def __init__(self, status: int) -> None:
        super().__init__(str(status))
        self._status = status

    def meaning(self, name: str) -> Exception:
        """Return the error to raise where a fresh link fares no better."""
        text = f"{name}: the host that stores it says {self._status} to fresh links"
        if self._status in (404, 410):
            return GithubMissing(f"{text}; push the object again (`git lfs push --object-id`)")
        return GithubRefused(f"{text}; expected the object; look for a proxy that changes requests")
