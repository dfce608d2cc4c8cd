"""A folder of a GitHub repository as a source of jobs.

One thread calls `look`, which asks GitHub and may take long; the service calls all the rest. What a look found out
waits for the next poll, which never uses the network, so a GitHub that hangs stops nobody.
"""

from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from itertools import islice
from pathlib import Path

from panini_daemon.storage.clock import Clock
from panini_daemon.storage.github.blobs import Blobs
from panini_daemon.storage.github.candidates import Candidate, Found, find_candidates
from panini_daemon.storage.github.chunk_fetch import fetch_chunk
from panini_daemon.storage.github.client import Client
from panini_daemon.storage.github.commit_store import CommitStore
from panini_daemon.storage.github.download import Downloader
from panini_daemon.storage.github.errors import GithubError, GithubMissing, GithubRefused
from panini_daemon.storage.github.git_trees import EMPTY
from panini_daemon.storage.github.head import Folder, Head
from panini_daemon.storage.github.job_reading import JobReader, Revision
from panini_daemon.storage.github.listing import Trees
from panini_daemon.storage.github.progress import has_ended
from panini_daemon.storage.github.tracking import Tracking
from panini_daemon.storage.jobs import Chunk, Job, Poll, Rejected
from panini_daemon.storage.parts import Committed
from panini_daemon.storage.root import FAILED
from panini_daemon.storage.store import Store

LISTINGS = 50
"""Requests for listings in one look; the next look goes on."""
FILES, FILES_SINGLY = 500, 50
"""Manifests and metadata files read in one look: where one request brings many, and where it brings one."""
SETTLED_EVERY = 900.0
"""Seconds after which the receipts are looked through again, new commit or not."""
_TRIES = 3
"""Looks in which a candidate's files could not be read before it is refused; the others go on meanwhile."""


class GithubSource:
    """The folder `path` ("" for all) of the repository at `ref`: a branch, tag, `refs/...` or commit, or the default.

    `store` is the worker's tree; `settled` lists the ids of jobs with a receipt or a failure in it, `is_settled`
    looks for one. `committed` is as for the inbox. `graphql` is whether queries may be sent: they need a token.
    """

    def __init__(
        self,
        client: Client,
        downloader: Downloader,
        store: Store,
        *,
        ref: str | None,
        path: str,
        clock: Clock,
        committed: Committed,
        settled: Callable[[], Collection[str]],
        is_settled: Callable[[str], bool],
        graphql: bool = True,
    ) -> None:
        """Ask nothing yet."""
        self.head: str | None = None
        """The commit last looked at."""
        self._downloader, self._store, self._clock = downloader, store, clock
        self._settled, self._is_settled = settled, is_settled
        self._name, self._path = client.repository.full_name, path.strip("/")
        self._ref, self._folder = Head(client, ref), Folder(client, self._path)
        self._trees = Trees(client, clock=clock, graphql=graphql)
        self._blobs = Blobs(client, downloader, clock=clock, graphql=graphql)
        self._reader = JobReader(self._blobs, clock=clock, committed=committed)
        self._tracking = Tracking()
        self._revision: Revision | None = None
        self._adopted: str | None = None
        self._whole = False
        self._present: Collection[str] = ()
        self._settled_ids: frozenset[str] = frozenset()
        self._settled_at = float("-inf")
        self._asked: dict[str, set[str]] = {}

    # For the thread that looks.

    def look(self) -> bool:
        """Look at GitHub once; return whether there is more to look at right now.

        While nothing changes this is one request that costs nothing of the rate limit. Raises GithubError, and
        StoreUnavailable where the receipts cannot be read; the next look goes on where this one ended.
        """
        revision = self._revise(self._ref.look())
        self._look_at_receipts(revision)
        self._take_in(revision)
        if self._whole:
            self._look_at_statuses(revision)
        more = self._read_some(revision) or not self._whole
        if not more:
            self._tracking.end_first_look()
        return more

    # For the service. Nothing here waits for GitHub but `fetch`.

    def poll(self) -> Poll:
        """Return what the looks found since the last poll."""
        return self._tracking.take_news()

    def pending(self, job_id: str) -> bool:
        """Tell whether, as far as the last look knows, a job is still to be done; True while none has ended."""
        return self._tracking.is_pending(job_id)

    def fetch(self, chunk: Chunk, target: Path) -> str:
        """Download one chunk and return its SHA-256. Raises as `fetch_chunk` does."""
        return fetch_chunk(self._downloader, chunk, target)

    def has(self, job: Job | Rejected) -> bool:
        """Tell whether nobody has settled the job, and its commit's successors still have it."""
        return self._tracking.is_there(job.job_id) and not self._is_settled(job.job_id)

    def remove(self, job: Job | Rejected) -> None:
        """Take a job as finished. Nothing is deleted in the repository."""
        self._tracking.finish(job.job_id)

    def set_aside(self, job: Job | Rejected, committed: Iterable[Chunk]) -> None:
        """Keep the manifest of a failed job under failed/<job_id>/; its data stays in the repository."""
        del committed
        if job.manifest:
            self._store.write(f"{FAILED}/{job.job_id}/manifest.json", job.manifest)
        self._tracking.finish(job.job_id)

    # The steps of a look.

    def _revise(self, commit: str) -> Revision:
        if self._revision is None or self._revision.commit != commit:
            sha = self._folder.find(commit) or EMPTY
            store = CommitStore(self._trees, self._blobs, self._path, sha)
            self._revision = Revision(self._name, commit, self._ref.ref, store)
            self.head = commit
        return self._revision

    def _look_at_receipts(self, revision: Revision) -> None:
        """Find out which jobs are settled: at a new tree, and every now and then."""
        now = self._clock.monotonic()
        if revision.store.sha == self._adopted and now - self._settled_at < SETTLED_EVERY:
            return
        ids = frozenset(self._settled())
        self._tracking.settle(ids)
        for job_id in self._tracking.settled_beside(ids):
            if not self._is_settled(job_id):  # a listing can be late
                self._tracking.reopen(job_id)
        self._settled_ids, self._settled_at = ids, now

    def _take_in(self, revision: Revision) -> None:
        """List what is not known of a new tree, and find the candidates in what is."""
        store = revision.store
        if store.sha == self._adopted and self._whole:
            return
        if store.sha != self._adopted:
            self._adopted, self._present, self._whole = store.sha, (), False
        whole = self._trees.list_all(store.sha, LISTINGS)
        found = find_candidates(self._trees, self._path, store.sha, self._name, whole=whole)
        if whole:
            self._trees.forget_others(store.sha)
            found = self._without_claimed(store, found)
        self._tracking.adopt(found, self._settled_ids)
        self._present, self._whole = found.candidates.keys(), whole

    def _without_claimed(self, store: CommitStore, found: Found) -> Found:
        """Leave out trees that have no manifest of their own and are the data of another manifest."""
        bare = {id_ for id_, each in found.candidates.items() if each.bare and id_ not in self._settled_ids}
        if not bare:
            return found
        claimed = self._reader.list_claimed(store, found.candidates.values())
        kept = {id_: each for id_, each in found.candidates.items() if id_ not in bare or each.tree not in claimed}
        return Found(kept, found.whole)

    def _look_at_statuses(self, revision: Revision) -> None:
        """Find out whether offered jobs have ended elsewhere."""
        for job_id, folders in self._tracking.changed():
            ended = False
            with suppress(GithubMissing, GithubRefused):  # then it is not known to have ended
                self._blobs.read_many(self._reader.list_statuses(revision.store, folders))
                ended = all(has_ended(self._reader.status(revision.store, folder)) for folder in folders)
            self._tracking.report_statuses(job_id, ended=ended)

    def _read_some(self, revision: Revision) -> bool:
        """Read some candidates; return whether others are left."""
        limit = FILES if self._blobs.batched else FILES_SINGLY
        batch, needs = self._choose(revision.store, limit)
        if len(needs) > limit:
            part = dict(islice(needs.items(), limit))
            self._blobs.read_many(part)
            self._asked.setdefault(batch[0].job_id, set()).update(part)
            return True
        self._blobs.read_many(needs)
        more = [self._reader.list_more_needs(revision.store, candidate) for candidate in batch]
        self._blobs.read_many({sha: size for files in more for sha, size in files.items()})
        error: GithubError | None = None
        for candidate in batch:
            try:
                self._tracking.report(candidate.job_id, self._reader.read(revision, candidate))
            except (GithubMissing, GithubRefused) as found:
                if self._tracking.report_failure(candidate.job_id) < _TRIES:
                    error = found
                    continue
                name = revision.name(candidate.path)
                self._tracking.report(candidate.job_id, Rejected(candidate.job_id, name, b"", found))
        self._asked.clear()
        if error is not None:
            raise error
        return bool(self._tracking.unread())

    def _choose(self, store: CommitStore, limit: int) -> tuple[list[Candidate], dict[str, int]]:
        """Return the next candidates and the files to read for them: about `limit`, or more for a single one."""
        batch: list[Candidate] = []
        needs: dict[str, int] = {}
        for candidate in self._tracking.unread():
            if candidate.job_id not in self._present:  # of an earlier commit; whether it is in this one will be seen
                continue
            asked = self._asked.get(candidate.job_id, set())
            own = {sha: size for sha, size in self._reader.list_needs(store, candidate).items() if sha not in asked}
            if batch and len(needs) + len(own) > limit:
                break
            batch.append(candidate)
            needs |= own
            if max(len(needs), len(batch)) >= limit:
                break
        return batch, needs
