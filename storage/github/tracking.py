"""What is known of each candidate, and what the daemon is still to be told: shared by two threads, never held long."""

import threading
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import Enum, auto

from panini_daemon.storage.github.candidates import Candidate, Found
from panini_daemon.storage.github.pins import pin_of
from panini_daemon.storage.inbox_state import News
from panini_daemon.storage.jobs import Job, Poll, Rejected
from panini_daemon.storage.ordering import job_key


class State(Enum):
    """Where a candidate stands."""

    UNREAD = auto()
    OFFERED = auto()
    """It is a job that the daemon was told of, or will be at the next poll."""
    REFUSED = auto()
    IDLE = auto()
    """Nothing of it is to be done now; a status that changes may alter that."""
    SETTLED = auto()
    """It was finished or given up, here or elsewhere."""


@dataclass(slots=True)
class Record:
    """One candidate. `folders` are those of the offered job's chunks; `tries` counts readings that failed."""

    candidate: Candidate
    state: State = State.UNREAD
    folders: tuple[str, ...] = ()
    tries: int = 0


class Tracking:
    """Records by job id. One thread looks at GitHub and tells what it finds, another one asks."""

    def __init__(self) -> None:
        """Know nothing."""
        self._lock = threading.Lock()
        self._records: dict[str, Record] = {}
        self._unread: dict[str, None] = {}
        self._changed: dict[str, None] = {}
        self._news = News()
        self._looked = False

    # What the service asks; it never waits for GitHub.

    def take_news(self) -> Poll:
        """Return what was not told yet."""
        with self._lock:
            news, self._news = self._news, News()
            arriving = max(len(self._unread), 0 if self._looked else 1)
        return Poll(
            ready=tuple(sorted(news.ready.values(), key=job_key)),
            gone=tuple(news.gone),
            rejected=tuple(news.rejected.values()),
            arriving=arriving,
        )

    def is_pending(self, job_id: str) -> bool:
        """Tell whether a job is still to be done; True as long as nobody could know."""
        with self._lock:
            if not self._looked:
                return True
            record = self._records.get(job_id)
            return record is not None and record.state in (State.UNREAD, State.OFFERED)

    def is_there(self, job_id: str) -> bool:
        """Tell whether nothing is known to have taken a job away."""
        with self._lock:
            record = self._records.get(job_id)
            return not self._looked if record is None else record.state is not State.IDLE

    def finish(self, job_id: str) -> None:
        """Take a job as finished by the daemon itself, which need not be told."""
        with self._lock:
            self._settle(job_id)
            self._news.gone.pop(job_id, None)

    # What the thread that looks at GitHub tells and asks.

    def adopt(self, found: Found, settled: Collection[str]) -> None:
        """Take in what a commit holds; `settled` are the ids that need not be read."""
        with self._lock:
            for job_id, candidate in found.candidates.items():
                record = self._records.get(job_id)
                if record is None:
                    self._records[job_id] = record = Record(candidate)
                    if job_id in settled:
                        record.state = State.SETTLED
                    else:
                        self._unread[job_id] = None
                elif candidate.state != record.candidate.state:
                    self._note_change(job_id, record)
                record.candidate = candidate
            for job_id in [*self._records] if found.whole else ():
                if job_id not in found.candidates:
                    self._withdraw(job_id, self._records.pop(job_id))

    def settle(self, job_ids: Iterable[str]) -> None:
        """Take jobs as finished elsewhere; those that the daemon was told of are gone."""
        with self._lock:
            for job_id in job_ids:
                self._settle(job_id)

    def settled_beside(self, job_ids: Collection[str]) -> list[str]:
        """Return the settled ones that are not among these ids."""
        with self._lock:
            records = self._records.items()
            return [id_ for id_, record in records if record.state is State.SETTLED and id_ not in job_ids]

    def reopen(self, job_id: str) -> None:
        """Offer a settled job again."""
        with self._lock:
            if (record := self._records.get(job_id)) is not None and record.state is State.SETTLED:
                record.state, record.tries = State.UNREAD, 0
                self._unread[job_id] = None

    def unread(self) -> list[Candidate]:
        """Return the candidates that are to be read, in order."""
        with self._lock:
            return [self._records[job_id].candidate for job_id in self._unread]

    def changed(self) -> list[tuple[str, tuple[str, ...]]]:
        """Return the offered jobs of which a status may have changed, with their chunks' folders."""
        with self._lock:
            return [(job_id, self._records[job_id].folders) for job_id in self._changed]

    def report(self, job_id: str, result: Job | Rejected | None) -> None:
        """Take what a candidate turned out to be, None where nothing is to be done."""
        with self._lock:
            if job_id not in self._unread:
                return  # it was settled meanwhile
            del self._unread[job_id]
            record = self._records[job_id]
            record.tries = 0
            if isinstance(result, Job):
                record.state = State.OFFERED
                record.folders = tuple(dict.fromkeys(pin_of(chunk).folder for chunk in result.chunks))
                self._news.gone.pop(job_id, None)
                self._news.ready[job_id] = result
            elif result is None:
                record.state = State.IDLE
            else:
                record.state = State.REFUSED
                self._news.rejected[job_id] = result

    def report_failure(self, job_id: str) -> int:
        """Put a candidate that could not be read behind the others; return how often that happened."""
        with self._lock:
            if job_id not in self._unread:
                return 0
            del self._unread[job_id]
            self._unread[job_id] = None
            self._records[job_id].tries += 1
            return self._records[job_id].tries

    def report_statuses(self, job_id: str, *, ended: bool) -> None:
        """Take whether all chunks of an offered job have ended."""
        with self._lock:
            self._changed.pop(job_id, None)
            record = self._records.get(job_id)
            if ended and record is not None and record.state is State.OFFERED:
                self._withdraw(job_id, record)
                record.state = State.IDLE

    def end_first_look(self) -> None:
        """Take note that a look has come to its end."""
        with self._lock:
            self._looked = True

    def _settle(self, job_id: str) -> None:
        if (record := self._records.get(job_id)) is not None and record.state is not State.SETTLED:
            self._withdraw(job_id, record)
            record.state = State.SETTLED

    def _note_change(self, job_id: str, record: Record) -> None:
        if record.state is State.OFFERED:
            self._changed[job_id] = None
        elif record.state is State.IDLE:
            record.state = State.UNREAD
            self._unread[job_id] = None

    def _withdraw(self, job_id: str, record: Record) -> None:
        """Take back what was or would be told of a job."""
        self._unread.pop(job_id, None)
        self._changed.pop(job_id, None)
        untold = self._news.ready.pop(job_id, None) or self._news.rejected.pop(job_id, None)
        if record.state is State.OFFERED and untold is None:
            self._news.gone[job_id] = None
