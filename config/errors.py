"""Everything that can go wrong with settings."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One wrong setting: its name, the value found (None where not shown), where, and what is expected."""

    name: str
    value: str | None
    origin: str
    expected: str

    def __str__(self) -> str:
        """Say all of it on one line."""
        shown = "" if self.value is None else f" = {self.value}"
        return f"{self.name}{shown} ({self.origin}): {self.expected}"


class ConfigError(Exception):
    """Settings are wrong and nothing was started. The message lists every wrong one; correct them all."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        """Keep the problems and say them all."""
        self.problems = tuple(problems)
        count = "1 setting is" if len(self.problems) == 1 else f"{len(self.problems)} settings are"
        super().__init__("\n".join([f"{count} wrong:", *(f"  {problem}" for problem in self.problems)]))
