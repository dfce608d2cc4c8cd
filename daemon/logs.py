"""The structured log: JSON lines into the tree, coloured lines for a person, no secret in either."""

import json
import logging
import re
import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Protocol, TextIO

import structlog

from panini_daemon.log_lines import Event, make_renderer
from panini_daemon.storage.clock import Clock, iso
from panini_daemon.storage.errors import NotFound, StorageError
from panini_daemon.storage.store import Store

_TOKEN = re.compile(r"\b(gh[pousr]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{20,})")
_HIDDEN = "********"
_KEPT_LINES = 200_000


class Logger(Protocol):
    """A bound structlog logger, as far as this package uses one."""

    def bind(self, **fields: Any) -> "Logger":
        """Return a logger that puts these fields on every line."""

    def debug(self, event: str, **fields: Any) -> Any:
        """Log what only a debugging person wants."""

    def info(self, event: str, **fields: Any) -> Any:
        """Log what happened."""

    def warning(self, event: str, **fields: Any) -> Any:
        """Log what was not as it should be and is being dealt with."""

    def error(self, event: str, **fields: Any) -> Any:
        """Log what a person has to look at."""


class TreeLog:
    """Appends JSON lines to logs/<worker>.jsonl in the tree, rotated by size.

    Lines are kept in memory while the folder is away and written when it is back; at most 200,000, the oldest
    are then dropped and their number is logged.
    """

    def __init__(self, store: Store, path: str, *, max_bytes: int, backups: int) -> None:
        """Write to `path` in `store`; over `max_bytes` it becomes .1, .1 becomes .2, up to `backups`."""
        self._store, self._path, self._max, self._backups = store, path, max_bytes, backups
        self._lines: deque[bytes] = deque()
        self._lost = 0
        self._size: int | None = None
        self._adding, self._flushing = threading.Lock(), threading.Lock()

    @property
    def waiting(self) -> bool:
        """Whether there are lines that are not written yet."""
        return bool(self._lines)

    def add(self, line: str) -> None:
        """Keep one line for the next flush."""
        with self._adding:
            if len(self._lines) >= _KEPT_LINES:
                self._lines.popleft()
                self._lost += 1
            self._lines.append(line.encode("utf-8", "backslashreplace") + b"\n")

    def flush(self) -> bool:
        """Write what is kept; False where the folder did not take it (it is kept, then)."""
        with self._flushing:
            with self._adding:
                lines, lost = list(self._lines), self._lost
            if not lines:
                return True
            if lost:
                lines.insert(0, json.dumps({"event": "log_lines_lost", "count": lost}).encode() + b"\n")
            data = b"".join(lines)
            try:
                self._append(data)
            except StorageError:
                return False
            with self._adding:
                for _ in range(min(len(lines) - bool(lost), len(self._lines))):
                    self._lines.popleft()
                self._lost -= lost
            return True

    def _append(self, data: bytes) -> None:
        if self._size is None:
            try:
                self._size = self._store.stat(self._path).size
            except NotFound:
                self._size = 0
        if self._size and self._size + len(data) > self._max:
            self._rotate()
        self._store.append(self._path, data)
        self._size += len(data)

    def _rotate(self) -> None:
        names = [self._path, *(f"{self._path}.{number}" for number in range(1, self._backups + 1))]
        self._store.delete(names[-1])
        for newer, older in zip(reversed(names[:-1]), reversed(names[1:]), strict=True):
            try:
                self._store.move(newer, older)
            except NotFound:
                continue
        self._size = 0


def make_redactor(secrets: Iterable[str]) -> Callable[[str], str]:
    """Return a function that hides the given values, and whatever looks like a GitHub token, in a finished line."""
    known = [form for secret in secrets if secret for form in {secret, json.dumps(secret)[1:-1]}]

    def hide(line: str) -> str:
        for secret in known:
            line = line.replace(secret, _HIDDEN)
        return _TOKEN.sub(_HIDDEN, line)

    return hide


def make_logger(
    *,
    clock: Clock,
    level: str,
    tree: TreeLog | None,
    screen: TextIO | None,
    named: bool = False,
    secrets: Iterable[str] = (),
) -> Logger:
    """Return a logger that writes to the tree's log and to a person's screen, either of which may be None.

    `named` shows on the screen, too, which worker logs.
    """
    threshold = logging.getLevelNamesMapping()[level.upper()]

    def stamp(_logger: Any, method: str, event: Event) -> Event:
        return {"timestamp": iso(clock.now()), "level": method, **event}

    def drop_below(_logger: Any, method: str, event: Event) -> Event:
        if logging.getLevelNamesMapping()[method.upper()] < threshold:
            raise structlog.DropEvent
        return event

    hide, colours = make_redactor(secrets), screen is not None and screen.isatty()
    render = make_renderer(colours=colours, named=named)

    def write(_logger: Any, _method: str, event: Event) -> str:
        if tree is not None:
            tree.add(hide(json.dumps(event, ensure_ascii=False, default=str)))
        if screen is not None:
            _show(screen, hide(render(event)))
        raise structlog.DropEvent

    logger: Logger = structlog.wrap_logger(
        None,
        processors=[drop_below, stamp, write],
        wrapper_class=structlog.BoundLogger,
        context_class=dict,
    )
    return logger


def _show(screen: TextIO, line: str) -> None:
    try:
        screen.write(line + "\n")  # at once: `print` would let other threads write before the line's end
        screen.flush()
    except (OSError, ValueError):  # nobody reads any more: a closed terminal is no reason to stop working
        return
