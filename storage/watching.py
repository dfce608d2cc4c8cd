"""Waiting for the next look at the inbox: a hint from the operating system, and a delay that grows."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

_SILENT = logging.NullHandler()


class Watcher:
    """Calls `on_change` when something appears in a local folder.

    A hint only, never relied on: on a shared mount nothing is told of what other machines did, so do not start
    it there; whoever polls does so anyway when the time has come. `problem` says why there are no hints.
    """

    def __init__(self, on_change: Callable[[], None]) -> None:
        self._on_change = on_change
        self.problem: str | None = None
        self._observer: Any = None

    def start(self, folder: Path) -> bool:
        """Begin to watch `folder` (not what is below); False, with `problem` set, where that fails."""
        from watchdog.events import (  # noqa: PLC0415 - loaded only where it is used
            EVENT_TYPE_CLOSED,
            EVENT_TYPE_CREATED,
            EVENT_TYPE_MODIFIED,
            EVENT_TYPE_MOVED,
            FileSystemEvent,
            FileSystemEventHandler,
        )
        from watchdog.observers import Observer  # noqa: PLC0415

        # Reading a manifest is an event too: without this choice every look would wake the next one.
        arrivals = {EVENT_TYPE_CLOSED, EVENT_TYPE_CREATED, EVENT_TYPE_MODIFIED, EVENT_TYPE_MOVED}
        on_change = self._on_change

        class Handler(FileSystemEventHandler):
            def on_any_event(self, event: FileSystemEvent) -> None:
                if event.event_type in arrivals:
                    on_change()

        # What it says at its end is of no use to anybody; a handler keeps Python from printing it.
        logging.getLogger("watchdog").addHandler(_SILENT)
        observer = Observer()
        try:
            observer.schedule(Handler(), str(folder), recursive=False)
            observer.start()
        except (OSError, RuntimeError) as error:
            self.problem = f"{folder} cannot be watched ({error}); it is looked at in turn all the same"
            return False
        self._observer, self.problem = observer, None
        return True

    def close(self) -> None:
        """Stop watching."""
        if self._observer is not None:
            self._observer.stop()
            self._observer.join()
            self._observer = None

    def __enter__(self) -> Self:
        """Use the watcher in a with statement."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()


@dataclass(slots=True)
class Backoff:
    """A delay in seconds that grows by `factor` from `minimum` to `maximum` while nothing happens."""

    minimum: float
    maximum: float
    factor: float = 2.0
    _delay: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        """Begin with the minimum. Raises ValueError."""
        if not 0 <= self.minimum <= self.maximum or self.factor < 1:
            raise ValueError(
                f"minimum {self.minimum}, maximum {self.maximum}, factor {self.factor}; "
                "expected 0 <= minimum <= maximum and factor >= 1"
            )
        self.reset()

    def next(self) -> float:
        """Return how long to wait now."""
        delay = self._delay
        self._delay = min(self.maximum, delay * self.factor)
        return delay

    def reset(self) -> None:
        """Start again from the minimum: something happened."""
        self._delay = self.minimum
