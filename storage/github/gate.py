"""When GitHub may be asked: one gate for all threads, closed by rate limits, refused tokens and outages.

GitHub's documentation asks clients to obey Retry-After and x-ratelimit-reset, to wait a minute and then longer
where a secondary limit names no time, to leave a second between two writes, and to stay below 900 points a minute,
of which a read costs one and a write five ("Best practices for using the REST API", "Rate limits for the REST API").
"""

import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from panini_daemon.storage.clock import Clock
from panini_daemon.storage.github.errors import GithubUnavailable

BETWEEN_WRITES = 1.0
READ, WRITE = 1, 5
"""Points."""
_AT_ONCE, _A_SECOND = 120.0, 13.0
"""Points that may be spent at once, and a second from then on: 900 in any minute."""
_SECONDARY = 60.0
_OUTAGE, _REFUSAL = 2.0, 60.0
_LONGEST_OUTAGE, _LONGEST = 300.0, 900.0
_LONGEST_TOLD = 24 * 3600.0
"""Seconds to wait at most because a header says so: what is longer is no rate limit, which ends within the hour."""
_SHORTEST = 0.001
"""Seconds that are worth waiting."""
_LATE = 2.0
"""Seconds added to a time that a header tells: it is in whole seconds of another clock."""
_NEWS = 60.0
"""Seconds by which a further failure must lengthen the wait to be worth telling."""


@dataclass(frozen=True, slots=True)
class Closed:
    """Why GitHub is not asked, and for how many seconds."""

    reason: str
    seconds: float


class Gate:
    """Thread-safe. `changed` is called with a Closed when the wait changes, with None when GitHub answers again.

    `sleep` waits the given seconds.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        jitter: random.Random,
        sleep: Callable[[float], object],
        changed: Callable[[Closed | None], None] = lambda _: None,
        between_writes: float = BETWEEN_WRITES,
    ) -> None:
        """Start open."""
        self.clock = clock
        self._jitter, self._sleep, self._changed = jitter, sleep, changed
        self._between_writes = between_writes
        self._lock = threading.Lock()
        self._reason = ""
        self._until = float("-inf")
        self._failures = 0
        self._share = 1.0
        self._next_write = self._paid_until = float("-inf")
        self._remaining: int | None = None

    @property
    def remaining(self) -> int | None:
        """Requests left of the REST API's primary rate limit, as GitHub last said; None before it did."""
        return self._remaining

    def closed(self) -> Closed | None:
        """Return why and how long GitHub is not asked, None where it may be."""
        with self._lock:
            left, reason = self._until - self.clock.monotonic(), self._reason
        return Closed(reason, left) if left > 0 else None

    def check(self) -> None:
        """Raise GithubUnavailable while the gate is closed."""
        if closed := self.closed():
            raise GithubUnavailable(f"{closed.reason}; GitHub is asked again in {closed.seconds:.0f} s", closed.seconds)

    def spend(self, points: int) -> None:
        """Wait, if need be, until a request of so many points may be sent."""
        with self._lock:
            now = self.clock.monotonic()
            self._paid_until = max(now, self._paid_until) + points / _A_SECOND
            wait = self._paid_until - now - _AT_ONCE / _A_SECOND
        if wait > _SHORTEST:
            self._sleep(wait)

    def take_turn_to_write(self, requests: int = 1) -> None:
        """Wait until a second has passed since the last write of any thread.

        `requests` that belong together take one turn, so that little time passes between the first and the last;
        whoever is next waits a second for each of them.
        """
        with self._lock:
            now = self.clock.monotonic()
            at = max(now, self._next_write)
            self._next_write = at + requests * self._between_writes
        if at > now:
            self._sleep(at - now)

    def answered(self, headers: Mapping[str, str]) -> None:
        """Take an answer that was no failure."""
        self._count(headers)
        with self._lock:
            # An answer to what was under way when the gate closed does not end the wait that GitHub asked for.
            recovered = self._failures > 0 and self.clock.monotonic() >= self._until
            if recovered:
                self._failures = 0
        if recovered:
            self._changed(None)

    def limited(self, status: int, headers: Mapping[str, str]) -> GithubUnavailable:
        """Close for a rate limit (403 or 429), for as long as the headers say; return the error to raise."""
        self._count(headers)
        after, reset = _number(headers, "retry-after"), _number(headers, "x-ratelimit-reset")
        if after is not None:
            wait = min(after, _LONGEST_TOLD) + _LATE
            return self._close(f"GitHub limits this token ({status}, Retry-After {after:.0f})", lambda *_: wait)
        if headers.get("x-ratelimit-remaining") == "0" and reset is not None:
            wait = min(max(0.0, reset - self._time(headers)), _LONGEST_TOLD) + _LATE
            return self._close(f"the token's rate limit is used up ({status})", lambda *_: wait)
        reason = f"GitHub limits this token ({status}) without saying for how long"
        return self._close(reason, lambda failures, _: min(_LONGEST, _SECONDARY * 2.0**failures))

    def failed(self, reason: str, headers: Mapping[str, str] | None = None) -> GithubUnavailable:
        """Close for an outage: no connection, a time-out, a server error; longer each time, and as Retry-After says."""
        told = min(_number(headers or {}, "retry-after") or 0.0, _LONGEST_TOLD)
        return self._close(reason, lambda *grown: max(told, _grow(_OUTAGE, _LONGEST_OUTAGE, *grown)))

    def refused(self, reason: str) -> GithubUnavailable:
        """Close for a token that GitHub does not take (401): a person has to act, so it is asked rarely."""
        return self._close(reason, lambda *grown: _grow(_REFUSAL, _LONGEST, *grown))

    def _close(self, reason: str, wait: Callable[[int, float], float]) -> GithubUnavailable:
        with self._lock:
            now = self.clock.monotonic()
            was_open = now >= self._until
            if was_open:
                self._failures = min(self._failures + 1, 20)
                self._share = self._jitter.uniform(0.5, 1.0)
            # Requests that were under way when another one closed the gate failed of the same: they count as one.
            seconds = wait(self._failures - 1, self._share)
            news = was_open or now + seconds > self._until + _NEWS
            if now + seconds > self._until:
                self._until, self._reason = now + seconds, reason
            left = self._until - now
        if news:
            self._changed(Closed(reason, left))
        return GithubUnavailable(f"{reason}; GitHub is asked again in {left:.0f} s", left)

    def _count(self, headers: Mapping[str, str]) -> None:
        remaining = _number(headers, "x-ratelimit-remaining")
        if remaining is not None and headers.get("x-ratelimit-resource", "core") == "core":
            self._remaining = int(remaining)

    def _time(self, headers: Mapping[str, str]) -> float:
        """Return GitHub's own time in seconds since 1970: this machine's clock may be off by more than the wait."""
        try:
            return parsedate_to_datetime(headers["date"]).timestamp()
        except (KeyError, ValueError, OverflowError):
            return self.clock.now().timestamp()


def _grow(first: float, longest: float, failures: int, share: float) -> float:
    return min(longest, first * 2.0**failures) * share


def _number(headers: Mapping[str, str], name: str) -> float | None:
    text = headers.get(name, "").strip()
    return float(text) if text.isdecimal() and len(text) < 16 else None
