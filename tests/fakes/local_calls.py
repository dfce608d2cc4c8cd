"""The system calls of LocalStore, each of which can be where the process dies or that fails."""

import contextlib
import errno
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from fakes.wire import Dead

from panini_daemon.storage import local, local_file, paths, syncing

CHANGING = frozenset(("open", "write", "fsync", "close", "rename", "unlink", "rmdir", "makedirs"))
"""The calls by which a store changes a disk; `open` counts where it makes a file."""


@dataclass(slots=True)
class Calls:
    """Counts calls. At call `at` the process dies, before it (`part` 0), in it (1, a write), or after it (2).

    With `error`, an errno, the call fails instead, and the process lives on.
    """

    at: int | None = None
    part: int = 0
    error: int | None = None
    done: list[str] = field(default_factory=list)
    dead: bool = False

    def call(self, name: str, act: Callable[..., Any], *args: Any, **options: Any) -> Any:
        if self.dead:
            raise Dead
        here = len(self.done) == self.at
        self.done.append(name)
        if here and self.error is not None:
            if name == "close":  # Linux closes all the same
                act(*args)
            raise OSError(self.error, os.strerror(self.error))
        if here and self.part == 0:
            self.die()
        if here and self.part == 1 and name == "write":
            act(args[0], bytes(args[1])[: len(args[1]) // 2])
            self.die()
        result = None if name == "fsync" else act(*args, **options)  # no power is cut here
        if here:
            if name == "open":
                os.close(result)
            self.die()
        return result

    def die(self) -> None:
        self.dead = True
        raise Dead

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Let the store's modules make their calls here."""
        with pytest.MonkeyPatch.context() as patch:
            for module in (local, local_file, paths, syncing):
                if hasattr(module, "os"):
                    patch.setattr(module, "os", _Os(self))
            yield


class _Os:
    """Stands in for the module `os`."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        if name not in CHANGING:
            return self._unless_dead(real) if callable(real) and not isinstance(real, type) else real

        def call(*args: Any, **options: Any) -> Any:
            if name == "open" and not args[1] & os.O_CREAT:
                return self._unless_dead(real)(*args, **options)
            return self._calls.call(name, real, *args, **options)

        return call

    def _unless_dead(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            if self._calls.dead:
                raise Dead
            return real(*args, **options)

        return call


ERRORS = (errno.ENOSPC, errno.EIO, errno.ENOTCONN, errno.EACCES, errno.ETIMEDOUT)
