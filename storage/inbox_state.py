"""What the inbox remembers between two looks."""

from dataclasses import dataclass, field
from enum import Enum, auto

from panini_daemon.storage.allowance import Allowance
from panini_daemon.storage.arrival import Arrival
from panini_daemon.storage.claims import Claim
from panini_daemon.storage.jobs import Job, Rejected


class State(Enum):
    """Where a manifest stands."""

    ARRIVING = auto()
    REPORTED = auto()
    REMOVED = auto()
    """Removed by this worker; a listing may show it a while longer."""


@dataclass(slots=True)
class Record:
    """What is known of one manifest. `arrival` is there while it is looked at; `job_id` once it was reported."""

    path: str
    tree: str | None
    state: State = State.ARRIVING
    arrival: Arrival | None = None
    job_id: str = ""
    accepted: bool = False
    seen: tuple[int, int] | None = None
    claim: Claim = field(default_factory=Claim)

    @property
    def is_bare(self) -> bool:
        """Whether it is a tree whose manifest never came."""
        return self.tree is not None and self.seen is None


@dataclass(slots=True)
class News:
    """What is to be told, by job id; it survives a poll that the store broke off."""

    ready: dict[str, Job] = field(default_factory=dict)
    gone: dict[str, None] = field(default_factory=dict)
    rejected: dict[str, Rejected] = field(default_factory=dict)


@dataclass(slots=True)
class Look:
    """One poll: what it may still cost, and which manifests it has looked at."""

    allowance: Allowance
    done: set[str] = field(default_factory=set)
