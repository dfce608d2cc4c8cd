"""What the doctor finds: one finding for each thing that it looked at."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum


class Health(StrEnum):
    """How a thing is. `skipped` was not looked at, because it is not used here or something before it failed."""

    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing: what was looked at, how it is, what was found, and what to do where that is not good."""

    name: str
    health: Health
    found: str
    remedy: str = ""


def good(name: str, found: str) -> Finding:
    """Return that a thing is as it should be."""
    return Finding(name, Health.GOOD, found)


def warning(name: str, found: str, remedy: str) -> Finding:
    """Return that a thing works, but not as well as it could."""
    return Finding(name, Health.WARNING, found, remedy)


def bad(name: str, found: str, remedy: str) -> Finding:
    """Return that a thing keeps the worker from its work."""
    return Finding(name, Health.BAD, found, remedy)


def skipped(name: str, found: str) -> Finding:
    """Return that a thing was not looked at."""
    return Finding(name, Health.SKIPPED, found)


Check = Callable[[], Iterable[Finding]]


def examine(checks: Iterable[tuple[str, Check]]) -> Iterator[Finding]:
    """Run checks; one that fails by itself becomes a bad finding, and the others go on."""
    for name, check in checks:
        try:
            yield from check()
        except Exception as error:  # noqa: BLE001  a doctor that dies of what it looks for helps nobody
            yield bad(
                name,
                f"the check itself failed: {type(error).__name__}: {error}",
                "read the message; where it tells nothing, report it with `panini-daemon doctor --json`",
            )
