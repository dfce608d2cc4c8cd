"""What the process's exit status means; README lists the same."""

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit statuses of every command."""

    OK = 0
    ERROR = 1
    """The command could not do what was asked; standard error says why."""
    USAGE = 2
    """Wrong arguments or settings; nothing was done."""
    DAMAGE = 3
    """A job failed (`run --once`), or something is damaged or bad (`verify`, `restore`, `decompress`, `doctor`)."""
    KILLED = 130
    """Ended at once by a second signal."""
