"""Blobs and Git LFS objects: streamed into a file in constant memory, resumed, and checked as a whole.

Follows GitHub's "Get a blob" (raw media type, up to 100 MB), the "Git LFS Batch API", and RFC 9110 on ranges.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from requests import Session

from panini_daemon.storage.clock import Clock
from panini_daemon.storage.github.errors import GithubRefused
from panini_daemon.storage.github.gate import Gate
from panini_daemon.storage.github.intake import Intake, open_intake
from panini_daemon.storage.github.lfs import MEDIA_TYPE, Link, Pointer, batch_login, batch_request, read_batch
from panini_daemon.storage.github.receiving import Receiver, Wanted
from panini_daemon.storage.github.repository import Repository
from panini_daemon.storage.github.requests_made import RequestsMade
from panini_daemon.storage.github.transport import Pace, open_session, read_whole

LARGEST_BLOB = 128 << 20
"""Bytes taken of a blob whose size nobody told: GitHub serves blobs of up to 100 MB."""

_RAW = "application/vnd.github.raw+json"
_BATCH_LIMIT = 1 << 20
_HEX = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A whole object: its SHA-256 in hex and its size in bytes."""

    sha256: str
    size: int


class Downloader:
    """Thread-safe; `at_once` downloads run at a time, further ones wait for their turn.

    `timeout` is in seconds, for connecting and for each wait for bytes. A connection that breaks, hangs or crawls is
    resumed, five times in all as long as each brings something. All methods raise GithubUnavailable, GithubDenied,
    GithubMissing as Client does, and GithubRefused where an object comes damaged twice.
    """

    def __init__(
        self,
        repository: Repository,
        token: str | None,
        *,
        gate: Gate,
        requests: RequestsMade,
        clock: Clock,
        timeout: float = 30.0,
        at_once: int = 8,
    ) -> None:
        """Connect to nothing yet."""
        self._repository, self._token, self._clock = repository, token, clock
        self._receiver = Receiver(repository, token, gate=gate, requests=requests, clock=clock, timeout=timeout)
        self._turns = threading.BoundedSemaphore(at_once)
        self._lock = threading.Lock()
        self._idle: list[Session] = []
        self._closed = False

    def blob(self, sha: str, target: Path, *, size: int | None = None) -> Downloaded:
        """Download a git blob of `size` bytes (None: not known) to `target`, which is replaced.

        Where this raises, `target` is absent or not to be used. Raises StoreFull where it has no room.
        """
        return self._save(self._wanted_blob(sha, size, LARGEST_BLOB), target)

    def read(self, sha: str, *, limit: int) -> bytes:
        """Return a git blob of at most `limit` bytes. Raises GithubRefused where it has more."""
        with self._session() as session, BytesIO() as file:
            intake = Intake(file, sha)
            try:
                self._receiver.receive(session, self._wanted_blob(sha, None, limit), intake)
            finally:
                intake.close()
            return file.getvalue()

    def lfs(self, pointer: Pointer, target: Path) -> Downloaded:
        """Download a Git LFS object to `target`, as `blob` does. Raises GithubMissing where it was not pushed."""
        name = f"Git LFS object {pointer.oid}"
        if pointer.extended:
            raise GithubRefused(
                f"{name}: its pointer names extensions, programs that change the file; expected none; "
                "add the file again without them"
            )
        wanted = Wanted(
            "lfs",
            name,
            pointer.size,
            pointer.size,
            lambda session: self._ask_for_link(session, pointer),
            lambda intake: intake.sha256() == pointer.oid,
        )
        return self._save(wanted, target)

    def close(self) -> None:
        """Close the connections; those of downloads that still run when these end."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for session in idle:
            session.close()

    def _save(self, wanted: Wanted, target: Path) -> Downloaded:
        with self._session() as session, open_intake(target) as intake:
            self._receiver.receive(session, wanted, intake)
            return Downloaded(intake.sha256(), intake.size)

    @contextmanager
    def _session(self) -> Iterator[Session]:
        """Wait for a turn and lend a session: those of ended downloads keep their connections for the next."""
        with self._turns:
            with self._lock:
                session = self._idle.pop() if self._idle else open_session()
            try:
                yield session
            finally:
                with self._lock:
                    keep = not self._closed
                    if keep:
                        self._idle.append(session)
                if not keep:
                    session.close()

    def _wanted_blob(self, sha: str, size: int | None, limit: int) -> Wanted:
        if len(sha) != 40 or not _HEX.issuperset(sha):
            raise GithubRefused(f"{sha[:80]!r} is no name of a git blob; expected 40 hexadecimal digits")
        url = f"{self._repository.url.rstrip('/')}{self._repository.path}/git/blobs/{sha}"
        login = {"Authorization": f"token {self._token}"} if self._token else {}
        link = Link(url, {"Accept": _RAW, **login})
        return Wanted(
            "blob",
            f"blob {sha}",
            size,
            limit if size is None else size,
            lambda _: link,
            lambda intake: intake.blob_id() == sha,
        )

    def _ask_for_link(self, session: Session, pointer: Pointer) -> Link:
        url = f"{self._repository.git_url}/info/lfs/objects/batch"
        headers = {"Accept": MEDIA_TYPE, "Content-Type": MEDIA_TYPE}
        link = Link(url, batch_login(self._token))
        answer = self._receiver.exchange(session, "lfs batch", "POST", link, headers, batch_request(pointer))
        if answer.status_code >= 300:
            with answer:
                raise self._receiver.explain("the Git LFS batch request", answer)
        data = read_whole(answer, Pace(self._clock), _BATCH_LIMIT)
        return read_batch(data, pointer, https=url.startswith("https:"))
