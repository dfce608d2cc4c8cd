"""Many git objects of the repository in one GraphQL query, where GitHub takes such queries.

What is answered is never trusted: a git object's id proves its content, and the caller asks the REST API for
whatever is not proven.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from panini_daemon.storage.clock import Clock
from panini_daemon.storage.github.client import Client
from panini_daemon.storage.github.errors import GithubDenied, GithubMissing, GithubRefused, GithubUnavailable

AT_ONCE = 100
"""Objects that one query asks for."""
_PAUSE = 900.0
"""Seconds for which no query is sent after GitHub refused one: the REST API does it all meanwhile."""
_FAILURES = 2
"""Queries in a row without any answer: they may ask too much, and the REST API is tried instead."""


class ObjectQueries:
    """Queries for objects of one type, `on` (Blob, Tree), of which `fields` are wanted; counted as `kind`."""

    def __init__(self, client: Client, kind: str, on: str, fields: str, *, clock: Clock, allowed: bool = True) -> None:
        """Ask nothing yet; without `allowed`, never."""
        self._client, self._kind, self._clock = client, kind, clock
        self._want = f"... on {on} {{ {fields} }}"
        self._paused_until = float("-inf") if allowed else float("inf")
        self._failures = 0

    @property
    def usable(self) -> bool:
        """Whether it makes sense to ask."""
        return self._clock.monotonic() >= self._paused_until

    def ask(self, shas: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """Return the fields of those objects, at most AT_ONCE, that GitHub tells about; none where it refuses.

        Raises GithubUnavailable.
        """
        if not shas or not self.usable:
            return {}
        repository = self._client.repository
        objects = " ".join(f'o{at}: object(oid: "{sha}") {{ {self._want} }}' for at, sha in enumerate(shas))
        query = f"query($owner: String!, $name: String!) {{ repository(owner: $owner, name: $name) {{ {objects} }} }}"
        try:
            data = self._client.query(self._kind, query, {"owner": repository.owner, "name": repository.name})
        except GithubUnavailable:
            self._failures += 1
            if self._failures >= _FAILURES:
                self._pause()
            raise
        except (GithubRefused, GithubDenied, GithubMissing):
            self._pause()
            return {}
        self._failures = 0
        found = data.get("repository")
        if not isinstance(found, dict):
            self._pause()
            return {}
        answers = {sha: found.get(f"o{at}") for at, sha in enumerate(shas)}
        return {sha: answer for sha, answer in answers.items() if isinstance(answer, dict)}

    def _pause(self) -> None:
        self._paused_until, self._failures = max(self._paused_until, self._clock.monotonic() + _PAUSE), 0
