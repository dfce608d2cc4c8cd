"""Tell GitHub what was compressed: events for workflows, a status for each commit, the chunks' metadata.json."""

import random
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from panini_daemon.storage.chunk_state import Change
from panini_daemon.storage.clock import Clock
from panini_daemon.storage.errors import StorageError
from panini_daemon.storage.github.client import Client
from panini_daemon.storage.github.commit_statuses import CommitStatuses
from panini_daemon.storage.github.delivery import Delivery
from panini_daemon.storage.github.dispatches import batches, dispatch
from panini_daemon.storage.github.errors import (
    GithubConflict,
    GithubDenied,
    GithubError,
    GithubMissing,
    GithubRefused,
    GithubUnavailable,
)
from panini_daemon.storage.github.metadata_update import update_metadata
from panini_daemon.storage.outbox import Outbox
from panini_daemon.storage.reports import COMPLETED, JobReport

BETWEEN_ROUNDS = 15.0
"""Seconds in which reports gather, so that those of several jobs go together."""
DENIED = 900.0
"""Seconds until something is tried again that only a person can put right."""
CROWDED = 60.0
"""Seconds until a branch is tried again that others change all the time."""

_DISPATCHES_A_ROUND = 60
_CHUNKS_A_COMMIT = 1000
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


class _Channel:
    """One of the ways to tell; each fails and is tried again by itself. `act` returns whether it left work."""

    def __init__(self, what: str, permission: str, act: Callable[[Delivery], bool]) -> None:
        self.what, self.permission, self.act = what, permission, act
        self.opens_at = float("-inf")
        self._told = False

    def failed(self, error: GithubError, now: float) -> GithubError | None:
        """Close for a while; return the error to raise, None where it was raised before."""
        if isinstance(error, GithubConflict):
            self.opens_at = now + CROWDED
            return error
        self.opens_at = now + DENIED
        told, self._told = self._told, True
        if told:
            return None
        if isinstance(error, GithubDenied | GithubMissing):
            first = str(error).partition("; expected")[0]
            return GithubDenied(
                f"{self.what} cannot be written: {first}; expected a token with the permission '{self.permission}'. "
                f"What is to be told is kept, and tried again every {DENIED / 60:.0f} min"
            )
        return error

    def worked(self) -> None:
        """Take the next failure for news."""
        self._told = False


class Reporter:
    """Sends what waits in the outbox about one repository; for one thread.

    `repository` is `owner/name`. `mode`: `chunk` sends one event a chunk, `batch` as many chunks as fit into one.
    `ref` is the branch whose metadata.json files are written, the default branch where None; `path` is its folder of
    chunk trees. `sleep` waits between attempts. `tell` is called with what was given up on: refused reports and such.
    """

    def __init__(
        self,
        client: Client,
        outbox: Outbox,
        *,
        repository: str,
        mode: str,
        commit_status: bool,
        metadata: bool,
        ref: str | None,
        path: str,
        clock: Clock,
        sleep: Callable[[float], object],
        jitter: random.Random,
        tell: Callable[[StorageError], None] = lambda _: None,
    ) -> None:
        """Ask nothing yet."""
        self._client, self._outbox, self._repository = client, outbox, repository
        self._together, self._status, self._metadata = mode == "batch", commit_status, metadata
        self._ref, self._path = ref, path.strip("/")
        self._clock, self._sleep, self._jitter, self._tell = clock, sleep, jitter, tell
        self._statuses = CommitStatuses()
        self._channels = [_Channel("completion reports", "Contents: read and write", self._dispatch)]
        if commit_status:
            self._channels.append(
                _Channel("the status of commits", "Commit statuses: read and write", self._set_statuses)
            )
        if metadata:
            self._channels.append(
                _Channel("the chunks' metadata.json", "Contents: read and write", self._write_metadata)
            )

    @property
    def waiting(self) -> int:
        """How many jobs' reports about the repository are in the tree, as of the last look."""
        return self._outbox.waiting(self._repository)

    def send_due(self) -> float:
        """Send what is due; return in how many seconds the next round is of use.

        What was not sent stays in the outbox, whatever is raised: GithubUnavailable (try again after its
        `retry_in`), GithubDenied (once, then it is tried rarely), other GithubErrors, and what the store raises.
        A crash between sending and keeping that it was sent sends it twice.
        """
        now = self._clock.monotonic()
        channels = [channel for channel in self._channels if channel.opens_at <= now]
        if not channels:
            return min(channel.opens_at for channel in self._channels) - now
        reports = self._outbox.due(self._repository)
        delivery = Delivery(self._outbox, reports, status=self._status, metadata=self._metadata, tell=self._tell)
        errors: list[GithubError] = []
        left = False
        try:
            delivery.clean()
            for channel in channels:
                try:
                    left |= channel.act(delivery)
                except GithubUnavailable:
                    for earlier in errors:
                        self._tell(earlier)
                    raise
                except GithubError as error:
                    if news := channel.failed(error, self._clock.monotonic()):
                        errors.append(news)
                else:
                    channel.worked()
        finally:
            delivery.save()
        for further in errors[1:]:
            self._tell(further)
        if errors:
            raise errors[0]
        return 0.0 if left else BETWEEN_ROUNDS

    def _dispatch(self, delivery: Delivery) -> bool:
        rounds = batches(delivery.items, together=self._together)
        for items in islice(rounds, _DISPATCHES_A_ROUND):
            dispatch(self._client, items, sent=delivery.sent, refused=delivery.refused)
        return next(rounds, None) is not None

    def _set_statuses(self, delivery: Delivery) -> bool:
        commits: dict[str, list[JobReport]] = {}
        for report in delivery.reports:
            if not report.status_set:
                commits.setdefault(report.commit, []).append(report)
                self._statuses.count(report)
        for commit, reports in commits.items():
            # Where a job names no commit there is nothing to set the status of.
            if _COMMIT.fullmatch(commit):
                try:
                    self._client.send("status", "POST", f"/statuses/{commit}", self._statuses.body(commit))
                except (GithubRefused, GithubConflict) as error:
                    self._tell(error)
            for report in reports:
                delivery.status_set(report.job_id)
        return False

    def _write_metadata(self, delivery: Delivery) -> bool:
        for reports in _groups([report for report in delivery.reports if not report.metadata_set]):
            changes: dict[str, Change] = {}
            for report in reports:
                for chunk in report.chunks:
                    folder = self._folder(chunk.chunk_path)
                    if folder not in changes or changes[folder].status != COMPLETED:
                        changes[folder] = Change.of(chunk, report.created_at)
            updated = update_metadata(self._client, changes, ref=self._branch(), sleep=self._sleep, jitter=self._jitter)
            if updated.skipped:
                self._tell(
                    GithubMissing(
                        f"the state of {len(updated.skipped)} of {len(changes)} chunks was not written into the "
                        f"repository: {next(iter(updated.skipped.values()))}"
                    )
                )
            for report in reports:
                delivery.metadata_set(report.job_id)
        return False

    def _folder(self, chunk_path: str) -> str:
        """Return a chunk's folder in the repository; reports name it with or without the folder of chunk trees."""
        inside = not self._path or chunk_path.startswith(f"{self._path}/")
        return chunk_path if inside else f"{self._path}/{chunk_path}"

    def _branch(self) -> str:
        if self._ref is None:
            data = self._client.get("repository", "").data
            name = data.get("default_branch") if isinstance(data, dict) else None
            if not isinstance(name, str) or not name.isprintable() or not name:
                raise GithubRefused(f"GitHub does not tell the default branch of {self._repository}; set `ref`")
            self._ref = name
        return self._ref


def _groups(reports: Sequence[JobReport]) -> Iterator[list[JobReport]]:
    """Put jobs together whose chunks go into one commit."""
    group: list[JobReport] = []
    size = 0
    for report in reports:
        if group and size + len(report.chunks) > _CHUNKS_A_COMMIT:
            yield group
            group, size = [], 0
        group, size = [*group, report], size + len(report.chunks)
    if group:
        yield group
