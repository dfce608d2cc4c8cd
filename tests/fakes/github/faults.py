"""What can go wrong, on order: `hub.faults.add("GET */git/blobs/*", CutBody(100))`."""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any, Protocol

from fakes.github.exchange import JSON, Answer, Problem, lower

Match = str | Callable[[str, str], bool]


class Line(Protocol):
    """The connection to a client, as actions see it."""

    def send(self, answer: Answer) -> None:
        """Send a whole answer."""

    def send_head(self, answer: Answer) -> None:
        """Send the status and headers of a whole answer, its length among them."""

    def send_piece(self, data: bytes) -> None:
        """Send a piece of the body."""

    def wait(self, event: threading.Event) -> None:
        """Wait until `event` is set or the server closes."""

    def wait_for_the_end(self) -> None:
        """Wait until the client goes or the server closes."""

    def drop(self) -> None:
        """Close the connection."""


class Action:
    """One thing that goes wrong; by itself, nothing does."""

    applied = True
    """Whether the request is carried out, so that only its answer suffers."""

    def stand_in(self) -> Answer:
        """Return what takes the answer's place where the request is not carried out."""
        return Answer(0)

    def send(self, line: Line, answer: Answer) -> None:
        """Send the answer, or what becomes of it."""
        line.send(answer)


@dataclass
class Status(Action):
    """Answer `code` without carrying the request out; `body` is bytes or something for JSON."""

    code: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    applied: bool = False

    def stand_in(self) -> Answer:
        """Return the answer that was ordered, with GitHub's form of a message where no body was."""
        if isinstance(self.body, bytes):
            return Answer(self.code, self.body, {"content-type": "text/plain; charset=utf-8", **lower(self.headers)})
        answer = Problem(self.code, "Fault on order").answer()
        if self.body is not None:
            answer = Answer(self.code, json.dumps(self.body).encode(), {"content-type": JSON})
        return Answer(self.code, answer.body, {**answer.headers, **lower(self.headers)})

    def send(self, line: Line, answer: Answer) -> None:
        """Send what was ordered even where the request was carried out."""
        line.send(replace(self.stand_in(), headers={**answer.headers, **self.stand_in().headers}))


@dataclass
class SecondaryLimit(Action):
    """Refuse as GitHub does when requests come too fast; `retry_after` in seconds, None for no such header."""

    retry_after: int | None = None
    code: int = 403
    applied: bool = False

    def stand_in(self) -> Answer:
        """Return the refusal."""
        answer = Problem(self.code, "You have exceeded a secondary rate limit. Please wait a few minutes.").answer()
        if self.retry_after is not None:
            answer.headers["retry-after"] = str(self.retry_after)
        return answer


@dataclass
class Redirect(Action):
    """Send the client to `location`."""

    location: str
    code: int = 302
    applied: bool = False

    def stand_in(self) -> Answer:
        """Return the redirection."""
        return Answer(self.code, b"", {"location": self.location})


@dataclass
class Hang(Action):
    """Answer nothing until the client goes; with `applied` the request is carried out nevertheless."""

    applied: bool = False

    def send(self, line: Line, answer: Answer) -> None:
        """Send nothing."""
        line.wait_for_the_end()


@dataclass
class CloseBeforeAnswer(Action):
    """Close the connection instead of answering; with `applied` the request is carried out nevertheless."""

    applied: bool = False

    def send(self, line: Line, answer: Answer) -> None:
        """Close."""
        line.drop()


@dataclass
class CutBody(Action):
    """Promise the whole body, send its first `at_bytes` bytes and close."""

    at_bytes: int

    def send(self, line: Line, answer: Answer) -> None:
        """Send too little."""
        line.send_head(answer)
        line.send_piece(answer.body[: self.at_bytes])
        line.drop()


@dataclass
class SlowBody(Action):
    """Send the body in pieces; after each but the last, call `pause` or wait until that event is set."""

    bytes_per_piece: int
    pause: Callable[[], object] | threading.Event

    def send(self, line: Line, answer: Answer) -> None:
        """Send piece by piece."""
        line.send_head(answer)
        for at in range(0, len(answer.body), self.bytes_per_piece):
            if at and isinstance(self.pause, threading.Event):
                line.wait(self.pause)
            elif at:
                self.pause()  # type: ignore[operator]
            line.send_piece(answer.body[at : at + self.bytes_per_piece])


@dataclass
class WrongBody(Action):
    """Send another body under the right status and headers."""

    body: bytes

    def send(self, line: Line, answer: Answer) -> None:
        """Send the wrong bytes."""
        line.send(replace(answer, body=self.body))


@dataclass
class Fault:
    """An action that is due for some of the requests that match; `hits` counts those it met."""

    match: Match
    action: Action
    left: int | None
    skip: int
    hits: int = 0

    def matches(self, method: str, path: str) -> bool:
        """Return whether the request is one of those meant."""
        if callable(self.match):
            return self.match(method, path)
        wanted, _, glob = self.match.partition(" ")
        return wanted in {"*", method} and fnmatchcase(path, glob)


class Faults:
    """The faults on order; the first one ordered that is due comes first."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, match: Match, action: Action, times: int | None = 1, after: int = 0) -> Fault:
        """Order `action` for `times` matching requests (None: all) after the first `after` ones that match.

        `match` is a predicate on (method, path) or "METHOD glob", where * stands for any method, and in the glob for
        anything, slashes too. The path is the whole one of the request: begin the glob with a *.
        """
        fault = Fault(match, action, times, after)
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Forget all faults."""
        with self._lock:
            self._faults.clear()

    def due(self, method: str, path: str) -> Action:
        """Return what goes wrong with this request, and count it; a plain Action where nothing does."""
        with self._lock:
            for fault in self._faults:
                if fault.left == 0 or not fault.matches(method, path):
                    continue
                if fault.skip:
                    fault.skip -= 1
                    continue
                fault.hits += 1
                fault.left = None if fault.left is None else fault.left - 1
                return fault.action
        return Action()
