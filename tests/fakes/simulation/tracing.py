"""What a person reads of a world: every operation on the folder, every log line, in the order they happened."""

from collections.abc import Callable
from typing import Any

from fakes.simulation.mount import Mount

_OPERATIONS = ("list", "stat", "read", "write", "move", "delete")
_SHOWN = 200

Trace = Callable[[float, str, str, object], None]
"""Is told a time, who, what, and with what."""


def trace_mount(mount: Mount, time: Callable[[], float], trace: Trace) -> None:
    """Have every operation of a mount told when it has ended."""

    def wrap(name: str, act: Callable[..., Any]) -> Callable[..., Any]:
        def traced(path: str, *arguments: Any, **options: Any) -> Any:
            try:
                result = act(path, *arguments, **options)
            except BaseException as error:
                trace(time(), mount.view.name, name, (path, repr(error)))
                raise
            trace(time(), mount.view.name, name, (path, *arguments, result))
            return result

        return traced

    for name in _OPERATIONS:
        setattr(mount, name, wrap(name, getattr(mount, name)))


def print_trace(time: float, who: str, what: str, details: object) -> None:
    """Print one line."""
    print(f"{time:9.2f}  {who:<10} {what} {details!r:.{_SHOWN}}")
