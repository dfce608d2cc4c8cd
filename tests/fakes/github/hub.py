"""The fake's state, and what tests do to it directly."""

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fakes.github.exchange import Request
from fakes.github.faults import Faults
from fakes.github.rate import Rate
from fakes.github.repository import BareRepository
from fakes.github.trees import find_entry

MEGABYTE = 1 << 20


class Hub:
    """One repository of one owner, as GitHub keeps it. Everything public may be read or set by tests at any time."""

    def __init__(self, folder: Path, owner: str, repo: str, token: str) -> None:
        self.owner, self.repo, self.token = owner, repo, token
        self.tokens = {token}
        """Those that are accepted; a test that renews a token adds to it."""
        self.default_branch = "main"
        self.git = BareRepository(folder / "hub.git", self.default_branch)
        self.lock = self.git.lock
        self.origin = ""
        self.private = True
        self.permissions: dict[str, bool] = {"admin": False, "push": True, "pull": True}
        """push: whatever writes; pull: see the repository at all; statuses: write statuses (as push where not set)."""

        self.requests: list[Request] = []
        self.dispatches: list[tuple[str, dict[str, Any]]] = []
        self.on_dispatch: Callable[[str, dict[str, Any]], object] | None = None
        self.statuses: list[dict[str, Any]] = []
        self.lfs: dict[str, bytes] = {}
        self.lfs_links: dict[str, str] = {}
        """Signatures of download links that were not used yet, and their object ids."""
        self.faults = Faults()
        self.crashes: list[BaseException] = []
        """What went wrong in the fake itself."""

        self.clock: Callable[[], datetime] = lambda: datetime.now(UTC)
        self.rate = Rate(self._now, "core")
        self.graphql_rate = Rate(self._now, "graphql")

        self.tree_limit = 100_000
        self.tree_bytes = 7_000_000
        self.blob_limit = 100 * MEGABYTE
        self.contents_json_limit = MEGABYTE
        self.contents_listing_limit = 1000
        self.text_limit = 512_000
        """Bytes from which on GraphQL cuts a text."""
        self.blob_ranges = False
        self.lfs_ranges = True
        self.gzip = False
        """Whether answers to clients that accept gzip are packed and chunked, without a length."""
        self.rendered: dict[tuple[object, ...], bytes] = {}

    @property
    def url(self) -> str:
        """Where the REST API begins."""
        return f"{self.origin}/api/v3"

    @property
    def graphql(self) -> str:
        """Where GraphQL queries go."""
        return f"{self.origin}/api/graphql"

    @property
    def git_url(self) -> str:
        """Where `git` clones from and pushes to, with the token as password."""
        return f"{self.origin}/{self.owner}/{self.repo}.git"

    @property
    def repo_url(self) -> str:
        """Where the repository's REST endpoints begin."""
        return f"{self.url}/repos/{self.owner}/{self.repo}"

    def commit(
        self,
        files: Mapping[str, bytes | None],
        message: str = "Change files",
        branch: str = "main",
        mode: Mapping[str, str] | None = None,
    ) -> str:
        """Commit files on top of a branch, which is made where it is missing, and return the commit.

        None removes a file. `mode` has modes that are not 100644: 120000 is a link to what the bytes say, 160000 a
        submodule at the commit that they name.
        """
        return self.git.commit(branch, files, mode or {}, message + "\n", self.git.person(self._now()))

    def read(self, path: str, ref: str = "main") -> bytes:
        """Return a file's bytes; KeyError where there is none."""
        tree = self.git.resolve_tree(ref)
        entry = find_entry(self.git.objects, tree, path) if tree else None
        if entry is None:
            raise KeyError(f"expected a file {path!r} at {ref!r}, found none")
        return self.git.objects.read(entry.sha, "blob")

    def head(self, branch: str = "main") -> str:
        """Return the commit of a branch; KeyError where it does not exist."""
        sha = self.git.refs.get(f"refs/heads/{branch}")
        if sha is None:
            raise KeyError(f"expected a branch {branch!r}, found {sorted(self.refs())}")
        return sha

    def refs(self) -> dict[str, str]:
        """Return every reference by its full name."""
        with self.lock:
            return self.git.refs.all()

    def force(self, branch: str, sha: str) -> None:
        """Point a branch at any commit, as a forced push does."""
        with self.lock:
            self.git.refs.set(f"refs/heads/{branch}", sha)

    def revoke(self) -> None:
        """Accept no token from now on."""
        self.tokens.clear()

    def count(self, kind: str | None = None, method: str | None = None) -> int:
        """Return how many requests came so far, of one kind and method where given."""
        requests = list(self.requests)
        return sum(kind in {None, each.kind} and method in {None, each.method} for each in requests)

    def _now(self) -> datetime:
        return self.clock()


class Counter:
    """Numbers from 1 on, one a call, for as many threads as like."""

    def __init__(self) -> None:
        self._value = 0
        self._lock = threading.Lock()

    def __call__(self) -> int:
        """Return the next number."""
        with self._lock:
            self._value += 1
            return self._value
