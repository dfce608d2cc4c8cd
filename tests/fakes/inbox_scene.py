import pytest
from fakes.clock import FakeClock
from fakes.deliveries import (
    mark_root,
)
from fakes.memory_store import MemoryStore

from panini_daemon.storage.inbox import Inbox
from panini_daemon.storage.jobs import Job, Poll, Rejected

TREE = "inbox/pending_compression/a/photo.png"
TIMEOUT = 100.0


class Scene:
    """A store with an inbox, and a clock."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        mark_root(self.store)
        self.store.write("inbox/README.md", b"what goes here")
        self.clock = FakeClock()
        self.inbox = self.another()

    def another(self, **options: object) -> Inbox:
        return Inbox(self.store, clock=self.clock, arrival_timeout=TIMEOUT, **options)  # type: ignore[arg-type]

    def poll(self) -> Poll:
        return self.inbox.poll()

    def wait(self, polls: int = 5) -> Poll:
        """Let the time-out pass and poll until something is told."""
        for _ in range(polls):
            self.clock.advance(TIMEOUT)
            poll = self.poll()
            if poll.ready or poll.rejected:
                return poll
        return poll

    def one(self) -> Job:
        (found,) = self.poll().ready
        return found

    def refusal(self) -> Rejected:
        poll = self.wait()
        assert not poll.ready
        (found,) = poll.rejected
        assert self.poll().rejected == ()
        return found

    def left(self) -> list[str]:
        return sorted(path for path in self.store.files if path.startswith("inbox/") and "README" not in path)


@pytest.fixture
def scene() -> Scene:
    return Scene()
