"""Keeping the settle time of leases above what the shared folder was measured to take."""

from collections.abc import Callable

from panini_daemon.logs import Logger
from panini_daemon.storage.propagation import Propagation

_WORTH = 1.1
"""By what factor the time must change before leases go by another one."""


class Settling:
    """Measures with `propagation` and tells `adapt`, which takes seconds and returns how many it could take.

    `least` is the settle time that is right while nothing else was measured; it is never gone below: a worker that
    nobody has measured yet may be as slow as that.
    """

    def __init__(self, propagation: Propagation, adapt: Callable[[float], float], least: float, log: Logger) -> None:
        """Measure nothing yet."""
        self._propagation, self._adapt, self._least, self._log = propagation, adapt, least, log
        self.seconds = least
        """The settle time now."""
        self._asked = least

    def beat(self) -> None:
        """Measure a little; call it every few seconds. Raises StorageError."""
        self._propagation.beat()
        longest = self._propagation.longest()
        wanted = max(self._least, longest or 0.0)
        if max(wanted, self._asked) < _WORTH * min(wanted, self._asked):
            return
        self._asked, self.seconds = wanted, self._adapt(wanted)
        if self.seconds < wanted:
            self._log.warning("folder_slow", seconds=round(wanted, 1), settle=round(self.seconds, 1))
        else:
            self._log.info("settle_changed", seconds=round(self.seconds, 1), round_trip=longest and round(longest, 1))

    def close(self) -> None:
        """Take the probe away. Raises StorageError."""
        self._propagation.close()
