"""Small files of the repository, many in one request where GitHub has their text, else one by one."""

from collections import OrderedDict
from collections.abc import Mapping

from panini_daemon.storage.clock import Clock
from panini_daemon.storage.github.client import Client
from panini_daemon.storage.github.download import Downloader
from panini_daemon.storage.github.errors import GithubMissing, GithubRefused
from panini_daemon.storage.github.texts import read_texts, text_queries
from panini_daemon.storage.json_input import MAX_MANIFEST_BYTES

CACHE = 64 * 1024 * 1024
"""Bytes of files that are kept in memory."""
WORTH_KEEPING = CACHE // 8
"""Bytes up to which a file is kept; a larger one is read each time."""
_OVERHEAD = 200
"""Bytes of memory that a cached file takes beside its content."""


class Blobs:
    """Contents of files by the id of their git blob, which proves them. Used by one thread."""

    def __init__(
        self, client: Client, downloader: Downloader, *, clock: Clock, graphql: bool = True, cache: int = CACHE
    ) -> None:
        """Read nothing yet. `graphql` is whether queries may be sent: they need a token. `cache` is in bytes."""
        self._downloader, self._limit = downloader, cache
        self._queries = text_queries(client, clock=clock, allowed=graphql)
        self._cache: OrderedDict[str, bytes] = OrderedDict()
        self._held = 0

    @property
    def batched(self) -> bool:
        """Whether many files cost one request."""
        return self._queries.usable

    def knows(self, sha: str) -> bool:
        """Tell whether a file is in memory."""
        return sha in self._cache

    def read(self, sha: str) -> bytes:
        """Return one file. Raises GithubError."""
        if (data := self._recall(sha)) is None:
            data = self._downloader.read(sha, limit=MAX_MANIFEST_BYTES)
            self._keep(sha, data)
        return data

    def read_many(self, sizes: Mapping[str, int]) -> dict[str, bytes]:
        """Return files by id, given their sizes in bytes; one that GitHub does not give is left out.

        Raises GithubUnavailable, GithubDenied.
        """
        found = self.read_texts(sizes)
        for sha in sizes:
            if sha not in found:
                try:
                    found[sha] = self.read(sha)
                except (GithubMissing, GithubRefused):
                    continue  # whoever needs it reads it by itself, and learns why
        return found

    def read_texts(self, sizes: Mapping[str, int]) -> dict[str, bytes]:
        """Return those files that are in memory or that GitHub has the text of, in as few requests as that takes.

        Raises GithubUnavailable.
        """
        found = {sha: data for sha in sizes if (data := self._recall(sha)) is not None}
        asked = read_texts(self._queries, {sha: size for sha, size in sizes.items() if sha not in found})
        for sha, data in asked.items():
            self._keep(sha, data)
        return found | asked

    def _recall(self, sha: str) -> bytes | None:
        if sha in self._cache:
            self._cache.move_to_end(sha)
        return self._cache.get(sha)

    def _keep(self, sha: str, data: bytes) -> None:
        if len(data) > WORTH_KEEPING or sha in self._cache:
            return
        self._cache[sha] = data
        self._held += len(data) + _OVERHEAD
        while self._held > self._limit:
            _, old = self._cache.popitem(last=False)
            self._held -= len(old) + _OVERHEAD
