"""How a chunk of a commit names its data: by the id of a git blob, which never changes."""

from dataclasses import dataclass

from panini_daemon.storage.jobs import Chunk

_SCHEME = "github:"


@dataclass(frozen=True, slots=True)
class Pin:
    """A blob's id, "" where the commit has no such file, and its path in the repository."""

    sha: str
    path: str

    def __str__(self) -> str:
        """Return it as a chunk's `data_path`."""
        return f"{_SCHEME}{self.sha}:{self.path}"

    @property
    def folder(self) -> str:
        """The folder that the file lies in."""
        return self.path.rpartition("/")[0]


def pin_of(chunk: Chunk) -> Pin:
    """Return where a chunk's data is."""
    sha, _, path = chunk.data_path.removeprefix(_SCHEME).partition(":")
    return Pin(sha, path)
