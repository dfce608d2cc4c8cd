"""The four times of a lease, and how they must relate."""

import math
from dataclasses import dataclass, replace
from typing import Self

_ROOM = 0.9
"""How much of the time between a holder's own end and its take-over a settle time may be."""


@dataclass(frozen=True, slots=True)
class LeaseTiming:
    """Seconds. ValueError where the times would let two workers hold one job.

    `settle`: how long a claim waits before it looks who else claimed; longer than any change takes to show
    in the folder, 0 where changes show at once. `refresh`: how often a holder rewrites its file. `stale`:
    after how long without a change an observer takes a lease for dead. `stop`: after how long without a
    successful refresh a holder stops by itself.
    """

    settle: float
    refresh: float
    stale: float
    stop: float

    def __post_init__(self) -> None:
        """Check the relations."""
        times = (self.settle, self.refresh, self.stale, self.stop)
        if not all(math.isfinite(time) for time in times) or self.settle < 0 or self.refresh <= 0:
            raise ValueError(
                f"lease times {times} (settle, refresh, stale, stop): expected finite seconds, settle at least "
                "0, refresh above 0"
            )
        if self.stop < 2 * self.refresh:
            raise ValueError(
                f"lease stop {self.stop} s leaves no room for one failed refresh every {self.refresh} s; "
                "expected stop to be at least twice refresh"
            )
        if self.stop >= self.stale - max(self.refresh, self.settle):
            raise ValueError(
                f"lease stop {self.stop} s is too close to stale {self.stale} s; expected stop below stale less"
                f" the larger of refresh ({self.refresh} s) and settle ({self.settle} s), so that a holder has "
                "stopped before another takes over: raise stale or lower stop"
            )

    @classmethod
    def local(cls) -> Self:
        """Return the times for a coherent folder: one machine, changes show at once."""
        return cls(settle=0.0, refresh=10.0, stale=60.0, stop=45.0)

    @classmethod
    def shared(cls, settle: float = 60.0) -> Self:
        """Return the times for a folder shared through a cloud; the ratios are restic's."""
        stale = max(1800.0, 8 * settle)
        return cls(settle=settle, refresh=stale / 15, stale=stale, stop=stale * 0.75)

    def settling(self, settle: float) -> Self:
        """Return these times with another settle time, or with the longest that they have room for."""
        longest = _ROOM * (self.stale - self.stop)
        return replace(self, settle=min(settle, longest))

    @property
    def patience(self) -> float:
        """How long the lowest claim waits after its settle time for higher ones to yield or show a hold.

        A higher claim that did not see the lowest looked before it was visible: less than `settle` after
        the lowest was written. Its word that it holds is written within `slack` and visible within another
        settle.
        """
        return self.settle + self.slack

    @property
    def slack(self) -> float:
        """How long a claim may take from its look at the folder until its word that it holds is written."""
        return self.settle / 2

    @property
    def poll(self) -> float:
        """How long a claim that must wait waits between two looks."""
        return max(self.settle / 6, 0.1)
