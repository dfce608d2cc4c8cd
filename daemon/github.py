"""Everything of the daemon that speaks with a GitHub repository: its jobs, its leases, the reports to it.

Each has a thread and a connection of its own; all share one gate, so that a rate limit met by one stops all.
"""

import random
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta

from panini_daemon.config import Settings
from panini_daemon.logs import Logger
from panini_daemon.outcomes import Outcome
from panini_daemon.receipts import ended_as, is_settled, settled_jobs
from panini_daemon.reporting import make_report
from panini_daemon.rounds import Rounds
from panini_daemon.storage.clock import Clock, iso
from panini_daemon.storage.errors import StorageError
from panini_daemon.storage.github.client import Client
from panini_daemon.storage.github.download import Downloader
from panini_daemon.storage.github.gate import Closed, Gate
from panini_daemon.storage.github.leases import GithubLeases
from panini_daemon.storage.github.reporter import Reporter
from panini_daemon.storage.github.repository import Repository
from panini_daemon.storage.github.requests_made import RequestsMade
from panini_daemon.storage.github.source import GithubSource
from panini_daemon.storage.jobs import Job, is_in_repository
from panini_daemon.storage.outbox import Outbox
from panini_daemon.storage.parts import Committed
from panini_daemon.storage.store import Store

_TIMEOUT = 30.0
_REPORT_DELAY = 10.0
"""Seconds between two looks for reports to send: what ends meanwhile goes in one dispatch."""
_LEASE_PACE = 10.0
"""Seconds in which claims and ends gather, so that writing leases stays far below GitHub's limit for writes."""
_PATIENCE, _TRIES = 20.0, 3
"""What a daemon that runs once puts up with before it gives the repository up."""


class GithubLink:
    """The daemon's side of one repository.

    `committed` tells which chunks need no data any more, `wake` lets the service look again at once.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        clock: Clock,
        log: Logger,
        *,
        committed: Committed,
        wake: Callable[[], None],
    ) -> None:
        """Connect to nothing yet."""
        self._settings, self._store, self._clock, self._log, self._wake = settings, store, clock, log, wake
        owner, _, name = settings.github_repo.partition("/")
        self._repository = Repository(owner, name, settings.github_url)
        self._token = settings.github_token.get_secret_value() if settings.github_token else None
        self._ended = threading.Event()
        self._jitter = random.Random()  # noqa: S311  spreads retries, guards nothing
        self._gate = Gate(clock, jitter=self._jitter, sleep=self._ended.wait, changed=self._tell)
        self._requests = RequestsMade()
        self._clients: list[Client] = []
        self._downloader = Downloader(
            self._repository, self._token, gate=self._gate, requests=self._requests, clock=clock, timeout=_TIMEOUT
        )
        self._looked = ""
        self._rounds: list[Rounds] = []
        self.source = GithubSource(
            self._client(),
            self._downloader,
            store,
            ref=settings.github_ref or None,
            path=settings.github_path,
            clock=clock,
            committed=committed,
            settled=lambda: settled_jobs(store),
            is_settled=lambda job_id: is_settled(store, job_id),
            graphql=self._token is not None,
        )
        if self.polls:
            self._looking = self._add(Rounds("poll", self._look, log))
        self.leases = self._make_leases() if settings.github_leases == "github" else None
        self._outbox = Outbox(store, settings.worker, clock, tell=self._tell_damage)
        self._reporter = self._make_reporter() if self.reports else None

    @property
    def polls(self) -> bool:
        """Whether the repository is asked for jobs."""
        return self._settings.github_poll > 0

    @property
    def reports(self) -> bool:
        """Whether the repository is told of results."""
        return self._settings.github_report != "off" and self._token is not None

    @property
    def problem(self) -> str | None:
        """Why the repository's jobs are not known, None where they are."""
        return self._looking.problem if self.polls and not self.source.head else None

    def hopeless(self) -> bool:
        """Tell whether nothing is to be expected of the repository soon."""
        if not self.polls:
            return True
        looking = self._looking
        return looking.refused or looking.pause > _PATIENCE or looking.failures >= _TRIES

    def closed_for(self, job: Job) -> float:
        """Return for how many seconds a job's bytes cannot be had."""
        if not is_in_repository(job):
            return 0.0
        closed = self._gate.closed()
        return closed.seconds if closed else 0.0

    def report(self, job: Job, outcomes: Sequence[Outcome]) -> None:
        """Note in the tree what the repository is to be told; it is sent from there. Raises StorageError."""
        if not self.reports:
            return
        settings = self._settings
        report = make_report(
            job,
            outcomes,
            repository=settings.github_repo,
            path=settings.github_path,
            worker=settings.worker,
            moment=self._clock.now(),
        )
        if report is not None:
            self._outbox.add(report)

    def start(self) -> None:
        """Start the threads."""
        for rounds in self._rounds:
            rounds.start()

    def stop(self, seconds: float) -> None:
        """End the threads, give leases back and send what is left to be told, for at most `seconds` in all.

        What could not be sent stays in the tree; leases that could not be given back expire.
        """
        end = self._clock.monotonic() + seconds
        self._ended.set()
        for rounds in self._rounds:
            rounds.stop(max(0.0, end - self._clock.monotonic()))
        last = threading.Thread(target=self._say_goodbye, name="github-goodbye", daemon=True)
        last.start()
        last.join(max(0.0, end - self._clock.monotonic()))
        if waiting := self._waiting():
            self._log.warning("reports_kept", jobs=waiting)
        if not last.is_alive():
            self._downloader.close()
            for client in self._clients:
                client.close()

    def status(self) -> dict[str, object]:
        """Return what the status file says of GitHub."""
        closed = self._gate.closed()
        problem = closed.reason if closed else next(filter(None, (rounds.problem for rounds in self._rounds)), None)
        pause = closed.seconds if closed else max((rounds.pause for rounds in self._rounds), default=0.0)
        return {
            "repository": self._repository.full_name,
            "state": "ok" if problem is None else "waiting",
            "problem": problem,
            "next_try": None if problem is None else iso(self._clock.now() + timedelta(seconds=pause)),
            "commit": self.source.head,
            "rate_limit_remaining": self._gate.remaining,
            "reports_waiting": self._waiting(),
            "requests": self._requests.counts(),
        }

    def _client(self) -> Client:
        client = Client(self._repository, self._token, gate=self._gate, requests=self._requests, timeout=_TIMEOUT)
        self._clients.append(client)
        return client

    def _add(self, rounds: Rounds) -> Rounds:
        self._rounds.append(rounds)
        return rounds

    def _make_leases(self) -> GithubLeases:
        leases = GithubLeases(
            self._client(),
            self._settings.worker,
            clock=self._clock,
            stale=self._settings.github_lease_stale,
            nonce=lambda: f"{random.SystemRandom().getrandbits(64):016x}",
            outcome_of=lambda job_id: ended_as(self._store, job_id),
            pending=self.source.pending,
            changed=self._wake,
            jitter=self._jitter,
            sleep=self._ended.wait,
            pace=_LEASE_PACE,
        )
        self._add(Rounds("leases", leases.turn, self._log, leases.woken))
        return leases

    def _make_reporter(self) -> Reporter:
        settings = self._settings
        reporter = Reporter(
            self._client(),
            self._outbox,
            repository=settings.github_repo,
            mode=settings.github_report,
            commit_status=settings.github_commit_status,
            metadata=settings.github_metadata,
            ref=settings.github_ref or None,
            path=settings.github_path,
            clock=self._clock,
            sleep=self._ended.wait,
            jitter=self._jitter,
            tell=self._tell_refusal,
        )
        self._add(Rounds("reports", self._send, self._log))
        return reporter

    def _look(self) -> float:
        before, more = self.source.head, self.source.look()
        if more or self.source.head != before:
            self._wake()
        return 0.0 if more else self._settings.github_poll

    def _send(self) -> float:
        assert self._reporter is not None  # noqa: S101  its thread is made with it
        return min(self._reporter.send_due(), _REPORT_DELAY)

    def _say_goodbye(self) -> None:
        if self.leases is not None:
            self.leases.release_all()
        if self._reporter is not None:
            Rounds("last reports", self._reporter.send_due, self._log).step()

    def _waiting(self) -> int:
        return self._outbox.waiting(self._repository.full_name)

    def _tell_damage(self, error: StorageError) -> None:
        self._log.warning("report_unreadable", error=str(error))

    def _tell_refusal(self, error: StorageError) -> None:
        self._log.warning("report_refused", error=str(error))

    def _tell(self, closed: Closed | None) -> None:
        if closed is None:
            self._log.info("github_back")
            return
        at = self._clock.now() + timedelta(seconds=closed.seconds)
        self._log.warning("github_waiting", reason=closed.reason, next_try=iso(at), seconds=round(closed.seconds))
