"""Which commit is looked at, and which tree its folder has: one conditional request while nothing changes."""

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from panini_daemon.storage.github.client import Client
from panini_daemon.storage.github.errors import GithubConflict, GithubMissing, GithubRefused
from panini_daemon.storage.github.git_trees import FOLDER, Entry, parse_entries
from panini_daemon.storage.github.listing import read_tree

_COMMIT = re.compile(r"[0-9a-f]{40}", re.IGNORECASE)
_TAGS = 8
"""Tags of tags that are followed."""


class Head:
    """The commit that a branch or tag points to; None for `ref` is the default branch.

    A reference given in full, `refs/...`, is taken literally, and a full commit id is never asked about.
    """

    def __init__(self, client: Client, ref: str | None) -> None:
        """Ask nothing yet."""
        self._client, self._ref = client, ref or None
        self._pinned = ref.lower() if ref and _COMMIT.fullmatch(ref) else None
        self._name: str | None = None
        self._etag: str | None = None
        self._commit: str | None = None

    @property
    def ref(self) -> str | None:
        """The reference in full, `refs/heads/main`; None for a commit, or before the first look."""
        return f"refs/{self._name}" if self._name else None

    def look(self) -> str:
        """Return the commit's id. Raises GithubError; GithubMissing says which setting to check."""
        if self._pinned:
            return self._pinned
        if self._name is not None:
            try:
                return self._ask(self._name)
            except GithubMissing:
                self._name = self._etag = self._commit = None  # renamed or deleted: it is looked for anew
        tried = []
        for name in self._names():
            with suppress(GithubMissing):
                commit = self._ask(name)
                self._name = name
                return commit
            self._etag = self._commit = None
            tried.append(name)
        raise GithubMissing(
            f"{self._client.repository.full_name} has no {' and no '.join(tried)}, or no commit yet; expected the "
            "branch or tag that the setting github_ref names (by default the default branch); check it, or push one"
        )

    def _names(self) -> Iterator[str]:
        if self._ref is None:
            yield f"heads/{self._ask_default()}"
        elif self._ref.startswith("refs/"):
            yield self._ref.removeprefix("refs/")
        else:
            yield from (f"heads/{self._ref}", f"tags/{self._ref}")

    def _ask_default(self) -> str:
        try:
            data = self._client.get("repository", "").data
        except GithubMissing as error:
            raise GithubMissing(
                f"{error}; check the setting github_repo, and that the token may read the repository"
            ) from error
        name = data.get("default_branch") if isinstance(data, dict) else None
        if not isinstance(name, str) or not name.isprintable() or not name:
            raise GithubRefused(
                f"{self._client.repository.full_name} tells no default_branch; check the setting github_url"
            )
        return name

    def _ask(self, name: str) -> str:
        try:
            answer = self._client.get("head", f"/git/ref/{quote(name)}", etag=self._etag)
        except GithubConflict as error:  # how GitHub speaks of a repository without a commit
            raise GithubMissing(str(error)) from error
        if answer.modified or self._commit is None:
            self._commit = self._peel(answer.data)
            self._etag = answer.etag
        return self._commit

    def _peel(self, data: Any) -> str:
        """Return the commit that a reference, or the tag that it points to, stands for."""
        for _ in range(_TAGS):
            found = data.get("object") if isinstance(data, dict) else None
            kind, sha = (found.get("type"), found.get("sha")) if isinstance(found, dict) else (None, None)
            if not isinstance(sha, str) or not _COMMIT.fullmatch(sha):
                break
            if kind == "commit":
                return sha
            if kind != "tag":
                raise GithubMissing(f"the reference points to a {kind}; expected a commit; check github_ref")
            data = self._client.get("head", f"/git/tags/{sha}").data
        raise GithubRefused("the answer about the reference names no commit; check the setting github_url")


class Folder:
    """The tree of the folder `path` ("" for the whole repository) in a commit."""

    def __init__(self, client: Client, path: str) -> None:
        """Ask nothing yet."""
        self._client, self._path = client, path
        self._levels: dict[str, Entry | None] = {}

    def find(self, commit: str) -> str | None:
        """Return the id of the folder's tree, None where the commit has no such folder. Raises GithubError."""
        if not self._path:
            return self._whole(commit)
        tree: str | None = commit
        levels: dict[str, Entry | None] = {}
        for name in self._path.split("/"):
            if tree is None:
                break
            levels[tree] = entry = self._levels[tree] if tree in self._levels else self._step(tree, name)
            tree = entry.sha if entry is not None and entry.mode == FOLDER else None
        self._levels = levels
        return tree

    def _step(self, tree: str, name: str) -> Entry | None:
        data = read_tree(self._client, tree)
        entries = dict(parse_entries(data.get("tree"), f"the listing of {tree}", "path"))
        if name not in entries and data.get("truncated"):
            raise GithubRefused(
                f"a folder above {self._path!a} has more entries than GitHub lists, {len(entries)}; "
                "move the folder that the setting github_path names"
            )
        return entries.get(name)

    def _whole(self, commit: str) -> str:
        data = self._client.get("tree", f"/git/commits/{commit}").data
        tree = data.get("tree") if isinstance(data, dict) else None
        sha = tree.get("sha") if isinstance(tree, dict) else None
        if not isinstance(sha, str) or not _COMMIT.fullmatch(sha):
            raise GithubRefused(f"the answer about commit {commit} names no tree; check the setting github_url")
        return sha
