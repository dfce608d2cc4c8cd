"""The one interface to a folder tree that may be shared, late and unreliable.

Paths are strings relative to the root, segments separated by `/`, no leading slash; the root itself is "".
An implementation maps whatever its medium raises to the errors of `panini_daemon.storage.errors`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, Protocol

Kind = Literal["file", "folder", "other"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A name in a folder. A symbolic link, socket or device is `other`."""

    name: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Stat:
    """Size in bytes and an opaque modification stamp: only its change means something."""

    kind: Kind
    size: int
    stamp: int


class Store(Protocol):
    """A folder tree. Every method may raise StoreUnavailable, StoreFull or StoreReadOnly."""

    def list(self, path: str) -> list[Entry]:
        """List a folder, in no order, without a stat of its entries. Raises NotFound."""

    def stat(self, path: str) -> Stat:
        """Tell kind, size and stamp of one path, links not followed. Raises NotFound."""

    def read(self, path: str) -> bytes:
        """Read a whole file. Raises NotFound, and UnsafeName where a link stands in the path."""

    def open(self, path: str) -> BinaryIO:
        """Open a file for streaming. Raises like `read`."""

    def write(self, path: str, data: bytes, *, durable: bool = True) -> None:
        """Write a file whole or not at all, replacing one of the same name; folders are made as needed.

        `durable` asks for an fsync before the name appears.
        """

    def put(self, path: str, source: Path, *, durable: bool = True, consume: bool = False) -> None:
        """Copy a local file into the tree, whole or not at all, as `write` does.

        With `consume` the source is not needed any more, and may be gone afterwards.
        """

    def sync(self, paths: Sequence[str]) -> None:
        """Make files that were written without `durable` outlive a power cut; many cost little more than one."""

    def arrived(self, paths: Sequence[str]) -> bool | None:
        """Tell whether what was last written to all of these files would outlive this machine.

        False while one of them still waits to be uploaded, None where the medium does not tell.
        """

    def append(self, path: str, data: bytes) -> None:
        """Append to a file that only this worker writes."""

    def move(self, source: str, target: str) -> None:
        """Rename a file or folder within the tree; folders are made as needed. Raises NotFound."""

    def delete(self, path: str) -> None:
        """Delete a file or a whole folder; an absent one is no error."""

    def check_root(self) -> None:
        """Raise RootLost unless the root's marker file is there."""
