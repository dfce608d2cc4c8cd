"""What most commands begin and end with: settings, a store, errors told to a person."""

import functools
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec

from panini_daemon.compressors.errors import CompressorError, DeviceUnavailable
from panini_daemon.config import ConfigError, Settings, load
from panini_daemon.errors import DaemonError, Incomplete, ReconstructionFailed, UsageError
from panini_daemon.exit_codes import ExitCode
from panini_daemon.storage.clock import SystemClock
from panini_daemon.storage.errors import NameCollision, NotCommitted, RootLost, RootUnusable, StorageError, UnsafeName
from panini_daemon.storage.json_output import write_json
from panini_daemon.storage.root import open_root
from panini_daemon.storage.store import Store
from panini_daemon.stores import open_store

if TYPE_CHECKING:
    from panini_daemon.slow_work import Told

P = ParamSpec("P")

_DAMAGE = (Incomplete, ReconstructionFailed, NotCommitted, CompressorError)


def load_settings(flags: Mapping[str, object]) -> Settings:
    """Load the settings for a command. Raises ConfigError."""
    return load(flags, environ=os.environ, cwd=Path.cwd()).settings


def open_tree(settings: Settings, *, create: bool = False) -> Store:
    """Open the tree at the settings' root. Raises RootLost where there is none, RootUnusable."""
    store = open_store(settings.root)
    try:
        open_root(store, create=create, clock=SystemClock())
    except RootLost as error:
        raise RootLost(f"{settings.root}: {error}") from error
    return store


def watch_decoding(name: str) -> "Told":
    """Return what a slow codec tells its progress to: a line a minute on standard error."""
    from panini_daemon.logs import make_logger  # noqa: PLC0415  late, so that short commands start fast
    from panini_daemon.slow_work import SlowWork  # noqa: PLC0415

    clock = SystemClock()
    return SlowWork(clock, make_logger(clock=clock, level="info", tree=None, screen=sys.stderr)).begin([name], "decode")


def print_json(value: object) -> None:
    """Print a value for a script."""
    print(write_json(value, default=str).decode(), end="")


def tell_errors(command: Callable[P, int]) -> Callable[P, int]:
    """Turn the errors a person can do something about into one message and an exit status."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> int:
        try:
            return command(*args, **kwargs)
        except BrokenPipeError:  # whoever read the output has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return ExitCode.ERROR
        except (ConfigError, UsageError, UnsafeName, NameCollision, RootUnusable, DeviceUnavailable) as error:
            return _fail(error, ExitCode.USAGE)
        except _DAMAGE as error:
            return _fail(error, ExitCode.DAMAGE)
        except (StorageError, DaemonError, OSError) as error:
            return _fail(error, ExitCode.ERROR)

    return run


def _fail(error: Exception, code: ExitCode) -> int:
    print(f"error: {error}", file=sys.stderr)
    return code


def parse_size(text: str, flag: str) -> int:
    """Read a size such as 1MiB. Raises UsageError."""
    from panini_daemon.config.values import parse_size as parse  # noqa: PLC0415

    try:
        size: Any = parse(text)
    except ValueError as error:
        raise UsageError(f"{flag} is {text!r}: {error}") from error
    if not isinstance(size, int) or size < 1:
        raise UsageError(f"{flag} is {text!r}; expected at least one byte, such as 1MiB")
    return size
