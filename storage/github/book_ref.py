"""The book of leases in the repository: one reference, changed by compare-and-swap.

`refs/panini/leases` is no branch: it starts no workflow, and no clone brings it along. It points to a commit whose
tree holds the book and nothing else. A change is a new tree, a commit whose only parent is the commit that was read,
and a move of the reference that is not forced: GitHub makes it only where it is a fast-forward, so it fails when
anybody has moved or deleted the reference since. The first book is a commit without a parent and a reference made
anew, which fails where there is one.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from panini_daemon.storage.github.client import Answer, Client
from panini_daemon.storage.github.errors import GithubConflict, GithubMissing, GithubRefused
from panini_daemon.storage.github.lease_book import FILE, REF, Book, damaged, format_book, parse_book

_READ, _WRITE = "lease read", "lease write"
_NAME = REF.removeprefix("refs/")
_REMEMBERED = 64
"""Commits that are known to be older than the last one seen."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The book at a commit, None and empty where there is no reference; `date` is GitHub's time of the answer."""

    commit: str | None
    book: Book
    date: datetime


class BookRef:
    """Reads and writes the book, for one thread at a time. Remembers what it read, so that no change costs nothing."""

    def __init__(self, client: Client) -> None:
        """Ask nothing yet."""
        self._client = client
        self._etag: str | None = None
        self._last: tuple[str, Book] | None = None
        self._seen: dict[str, None] = {}

    def read(self) -> Reading:
        """Return the book as it is now.

        One request, free where nothing changed; one more where somebody else changed it or where there is none.
        Raises GithubRefused for a book that is damaged or of a later version, and what Client raises.
        """
        try:
            answer = self._client.get(_READ, f"/git/ref/{_NAME}", etag=self._etag)
        except GithubMissing:
            self._etag, self._last = None, None
            self._seen.clear()
            # A refusal has no date; the repository itself gives one, and says so where it is not visible.
            return Reading(None, Book(), _date_of(self._client.get(_READ, "")))
        except GithubConflict as error:
            raise _not_ready(error) from error
        date = _date_of(answer)
        if answer.modified:
            target = _field(answer.data, "object", dict)
            commit = _field(target, "sha", str)
            if target.get("type") != "commit":
                raise damaged(f"the reference points to a {target.get('type')}, expected a commit")
            # A reference never goes back: a copy of GitHub's that shows an earlier commit is behind.
            if commit not in self._seen:
                self._remember(commit, self._load(commit))
            self._etag = answer.etag
        if self._last is None:
            raise GithubRefused(f"GitHub says that {REF} is unchanged, but it was never read; try again")
        return Reading(*self._last, date)

    def write(self, reading: Reading, book: Book, message: str) -> None:
        """Replace the book that was read by another; three requests.

        Raises GithubConflict where somebody else was faster, GithubRefused, and what Client raises. Where there is
        no answer, the book may or may not have been written: read it to find out.
        """
        entry = {"path": FILE, "mode": "100644", "type": "blob", "content": format_book(book)}
        parents = [reading.commit] if reading.commit else []
        try:
            tree = self._client.send(_WRITE, "POST", "/git/trees", {"tree": [entry]}, together=3)
            body = {"message": message, "tree": _field(tree.data, "sha", str), "parents": parents}
            commit = _field(self._client.send(_WRITE, "POST", "/git/commits", body, together=0).data, "sha", str)
        except GithubConflict as error:
            raise _not_ready(error) from error
        if reading.commit:
            self._client.send(_WRITE, "PATCH", f"/git/refs/{_NAME}", {"sha": commit, "force": False}, together=0)
        else:
            self._client.send(_WRITE, "POST", "/git/refs", {"ref": REF, "sha": commit}, together=0)
        self._remember(commit, book)

    def _remember(self, commit: str, book: Book) -> None:
        self._last = (commit, book)
        self._seen[commit] = None
        if len(self._seen) > _REMEMBERED:
            del self._seen[next(iter(self._seen))]

    def _load(self, commit: str) -> Book:
        try:
            found = self._client.get(_READ, f"/contents/{FILE}", parameters={"ref": commit}).data
        except GithubMissing:
            found = self._find(commit)
        if not isinstance(found, dict) or not found.get("content") or found.get("encoding") != "base64":
            # The contents API leaves out what is over 1 MB.
            found = self._client.get(_READ, f"/git/blobs/{_field(found, 'sha', str)}").data
        try:
            data = base64.b64decode(_field(found, "content", str))
        except ValueError as error:
            raise GithubRefused(f"GitHub's answer for {FILE} is no base64: {error}") from error
        return parse_book(data)

    def _find(self, commit: str) -> Mapping[str, Any]:
        """Look the file up in the commit's tree: says for sure whether it is missing."""
        tree = self._client.get(_READ, f"/git/trees/{commit}").data
        for entry in _field(tree, "tree", list):
            if isinstance(entry, dict) and entry.get("path") == FILE and entry.get("type") == "blob":
                return entry
        raise damaged(f"the commit {commit[:10]} has no {FILE}")


def _date_of(answer: Answer) -> datetime:
    """Return GitHub's time; the local clock must not stand in for it."""
    if "date" not in answer.headers:
        raise GithubRefused("GitHub's answer has no Date header, expected one; is there a proxy that takes it out?")
    return answer.date


def _field(data: Any, name: str, kind: type) -> Any:
    value = data.get(name) if isinstance(data, dict) else None
    if not isinstance(value, kind):
        raise GithubRefused(f"GitHub's answer has no {name!r} ({kind.__name__}), expected one; found {data!r:.200}")
    return value


def _not_ready(error: GithubConflict) -> GithubRefused:
    return GithubRefused(f"{error}; leases need a repository with at least one commit")
