"""Simulated time: tasks that run one at a time and hand over only where they wait."""

import heapq
import itertools
from collections.abc import Callable
from typing import Any, Protocol

from greenlet import getcurrent, greenlet


class Killed(BaseException):
    """Raised inside a task whose owner died. No `except Exception` catches it."""


class Owner(Protocol):
    """Whose tasks stand still together, and die together."""

    dead: bool
    paused_until: float


class Task(greenlet):
    """One thread of an owner. `ticket` tells the entry in the schedule that counts."""

    def __init__(self, body: Callable[[], None], owner: Owner, parent: greenlet) -> None:
        super().__init__(self._live, parent)
        self.owner = owner
        self.ticket = -1
        self._body = body

    def _live(self) -> None:
        try:
            self._body()
        except Killed:
            if not self.owner.dead:
                raise


class Scheduler:
    """The clock of the world, and who runs next.

    A task waits by `sleep`; all else that it does takes no time. Where nobody else is due before it, it goes on
    without a switch.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self.steps = 0
        self._heap: list[tuple[float, int, Task]] = []
        self._tickets = itertools.count()
        self._hub: Any = None
        self._until = 0.0

    def start(self, run: Callable[[], None], owner: Owner, after: float = 0.0) -> Task:
        """Have `run` begin `after` seconds from now."""
        task = Task(run, owner, self._hub or getcurrent())
        self._schedule(task, self.now + after)
        return task

    def sleep(self, seconds: float) -> None:
        """Wait; only a task may call this. Raises Killed where its owner died meanwhile."""
        task: Any = getcurrent()
        owner = task.owner
        if owner.dead:
            raise Killed
        when = self.now + seconds
        heap = self._heap
        self.steps += 1
        if when <= self._until and owner.paused_until <= self.now and (not heap or when < heap[0][0]):
            self.now = when
            task.ticket = -1
            return
        self._schedule(task, when)
        self._hub.switch()
        if owner.dead:
            raise Killed

    def wake(self, task: Task) -> None:
        """Let a task that sleeps go on at once."""
        if task.ticket >= 0:
            self._schedule(task, self.now)

    def run(self, until: float) -> None:
        """Let time pass up to `until`. Raises what a task raises."""
        self._hub = getcurrent()
        self._until = until
        heap = self._heap
        while heap and heap[0][0] <= until:
            when, ticket, task = heapq.heappop(heap)
            if task.ticket != ticket:
                continue
            owner = task.owner
            if owner.dead:
                self._end(task)
                continue
            self.now = max(self.now, when)
            if owner.paused_until > self.now:
                self._schedule(task, owner.paused_until)
                continue
            task.ticket = -1
            task.switch()
        self.now = max(self.now, until)

    def close(self) -> None:
        """End every task where it stands."""
        for _, ticket, task in sorted(self._heap, key=lambda entry: entry[1]):
            if task.ticket == ticket:
                task.owner.dead = True
                self._end(task)
        self._heap.clear()

    def _schedule(self, task: Task, when: float) -> None:
        task.ticket = next(self._tickets)
        heapq.heappush(self._heap, (when, task.ticket, task))

    def _end(self, task: Task) -> None:
        task.ticket = -1
        if task:  # it has begun
            task.parent = getcurrent()
            task.throw(Killed)
