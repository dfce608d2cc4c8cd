"""What taking one file apart goes by, and what it has used up."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from panini_daemon.compressors.containers.inflation import Allowance
from panini_daemon.compressors.containers.nodes import Node
from panini_daemon.compressors.protocol import Level


@dataclass(frozen=True, slots=True)
class Task:
    """The level, the allowance that all parts share, how deep this part lies, and how such parts are taken apart."""

    level: Level
    allowance: Allowance
    take_apart: Callable[[bytes, "Task"], Sequence[Node]]
    depth: int = 0

    def level_for(self, content: bytes) -> Level:
        """Return the level at which rows are to be coded."""
        return self.allowance.patience.choose(self.level, len(content))

    def open(self, data: bytes) -> Sequence[Node]:
        """Take apart what lies one level down."""
        return self.take_apart(data, replace(self, depth=self.depth + 1))


@dataclass(frozen=True, slots=True)
class Taken:
    """A part of the file that came apart: from `start` up to `end`."""

    node: Node
    start: int
    end: int
