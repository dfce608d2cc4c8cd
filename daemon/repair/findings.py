"""What a repair looks for and what becomes of it."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from panini_daemon.inspection import ChunkLook
from panini_daemon.reader import Reader
from panini_daemon.storage.clock import Clock
from panini_daemon.storage.root import CHUNKS
from panini_daemon.storage.store import Store


class Fate(StrEnum):
    """What became of something that was wrong."""

    MENDED = "mended"
    """It is good again."""
    WAITING = "waiting"
    """Its job is in the inbox, or in work: a worker does it."""
    RETURNED = "returned"
    """A job with its original bytes was put into the inbox."""
    OFFERED = "offered"
    """It comes from a repository, which offers it again."""
    LOST = "lost"
    """Nothing in the tree can bring it back."""


@dataclass(frozen=True, slots=True, order=True)
class Spot:
    """The place of one chunk, or of a whole file of which nothing is left: then `chunk_id` is -1."""

    base: str
    chunk_id: int = -1

    @property
    def folder(self) -> str:
        """The folder in the tree."""
        base = f"{CHUNKS}/{self.base}" if self.base else CHUNKS
        return base if self.chunk_id < 0 else f"{base}/chunk_{self.chunk_id:04d}"


@dataclass(frozen=True, slots=True)
class Damage:
    """A spot without the chunk that belongs there. `expected` is its SHA-256 where the manifest tells it.

    `look` is what was seen there. `doubtful` is a chunk that agrees with itself and says that it belongs there,
    of which only the manifest says otherwise. `disputed`: the file's manifest is not to be relied on.
    """

    spot: Spot
    reason: str
    expected: str | None = None
    look: ChunkLook | None = None
    doubtful: bool = False
    disputed: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was wrong: where, what became of it, and how."""

    path: str
    fate: Fate
    message: str


@dataclass(slots=True)
class Repaired:
    """All that a repair found; `removed` are paths of left-overs and superfluous duplicates, `kept` those left."""

    dry_run: bool = False
    findings: list[Finding] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)

    def add(self, path: str, fate: Fate, message: str) -> None:
        """Note what became of something."""
        self.findings.append(Finding(path, fate, message))

    def count(self) -> dict[str, int]:
        """Return how many things had each fate."""
        counts = Counter(finding.fate for finding in self.findings)
        return {fate.value: counts[fate] for fate in Fate}

    @property
    def whole(self) -> bool:
        """Whether all is good now."""
        return all(finding.fate is Fate.MENDED and not self.dry_run for finding in self.findings)


@dataclass(frozen=True, slots=True)
class Tools:
    """What the steps of a repair work with.

    `ready` is asked before each change; it raises LeaseLost where another repair may be at work. `scratch` is a
    local folder; `shared`: what was written may still be on its way, so nothing is deleted for its sake.
    """

    reader: Reader
    clock: Clock
    scratch: Path
    ready: Callable[[], None]
    deep: bool
    dry_run: bool
    shared: bool
    threads: int = 1
    on_chunk: Callable[[], None] = lambda: None

    @property
    def store(self) -> Store:
        """The tree."""
        return self.reader.store
