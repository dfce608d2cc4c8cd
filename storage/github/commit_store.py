"""One commit's folder as a store that can only be read: its paths are those of the repository."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, NoReturn

from panini_daemon.storage.errors import NotFound, StoreReadOnly, StoreUnavailable, UnsafeName
from panini_daemon.storage.github.blobs import Blobs
from panini_daemon.storage.github.git_trees import FOLDER, Entry, Tree
from panini_daemon.storage.github.listing import Trees
from panini_daemon.storage.json_input import MAX_MANIFEST_BYTES, MAX_METADATA_BYTES, check_size
from panini_daemon.storage.names import split_path
from panini_daemon.storage.parts import METADATA
from panini_daemon.storage.store import Entry as StoreEntry
from panini_daemon.storage.store import Stat


class CommitStore:
    """The tree `sha`, which lies at `root` of the repository ("" for the whole of it).

    `sizes`, by blob id, stand in for those of files that only point to their data.
    """

    def __init__(self, trees: Trees, blobs: Blobs, root: str, sha: str, sizes: Mapping[str, int] | None = None) -> None:
        """Look at nothing yet."""
        self._trees, self._blobs, self.root, self.sha = trees, blobs, root, sha
        self._sizes = sizes or {}

    def seeing(self, sizes: Mapping[str, int]) -> "CommitStore":
        """Return the same store with other sizes of some files."""
        return CommitStore(self._trees, self._blobs, self.root, self.sha, sizes)

    def place(self, path: str) -> str:
        """Return where in the repository a path lies that a manifest named, which may begin with the root once more."""
        path = path.lstrip("/")  # below an empty root, paths are made as "/name"
        twice = f"{self.root}/{self.root}/"
        if self.root and path.startswith(twice) and self._find(f"{self.root}/{self.root}") is None:
            return path.removeprefix(f"{self.root}/")
        return path

    def find(self, path: str) -> Entry | None:
        """Return what stands at a path, None where nothing does.

        Raises UnsafeName where a link or submodule stands in the way, StoreUnavailable where it was not listed.
        """
        return self._find(self.place(path))

    def size_of(self, entry: Entry) -> int:
        """Return the size of a file's data in bytes."""
        return self._sizes.get(entry.sha, entry.size)

    def list(self, path: str) -> list[StoreEntry]:
        """List a folder. Raises NotFound, UnsafeName."""
        entry = self._need(path)
        if entry.kind == "other":
            raise _through_link(path)
        if entry.kind == "file":
            raise NotFound(f"{path} is a file; expected a folder")
        return [StoreEntry(name, found.kind) for name, found in self._tree(entry, path).entries.items()]

    def stat(self, path: str) -> Stat:
        """Tell kind and size; the stamp is that of the content. Raises NotFound, UnsafeName."""
        entry = self._need(path)
        return Stat(entry.kind, self.size_of(entry) if entry.kind == "file" else 0, int(entry.sha[:15], 16))

    def read(self, path: str) -> bytes:
        """Read a JSON file. Raises NotFound, UnsafeName, GithubError, ManifestInvalid where it is too large."""
        entry = self._need(path)
        if entry.kind == "other":
            raise _through_link(path)
        if entry.kind == "folder":
            raise NotFound(f"{path} is a folder; expected a file")
        limit = MAX_METADATA_BYTES if path.rpartition("/")[2] == METADATA else MAX_MANIFEST_BYTES
        check_size(entry.size, path, limit)
        return self._blobs.read(entry.sha)

    def open(self, path: str) -> BinaryIO:
        """Open what `read` reads. Raises like it."""
        return io.BytesIO(self.read(path))

    def write(self, path: str, data: bytes, *, durable: bool = True) -> None:
        """Refuse: a commit does not change. Raises StoreReadOnly."""
        del data, durable
        _refuse(path)

    def put(self, path: str, source: Path, *, durable: bool = True, consume: bool = False) -> None:
        """Refuse, as `write` does."""
        del source, durable, consume
        _refuse(path)

    def append(self, path: str, data: bytes) -> None:
        """Refuse, as `write` does."""
        del data
        _refuse(path)

    def move(self, source: str, target: str) -> None:
        """Refuse, as `write` does."""
        del target
        _refuse(source)

    def delete(self, path: str) -> None:
        """Refuse, as `write` does."""
        _refuse(path)

    def sync(self, paths: Sequence[str]) -> None:
        """Do nothing: nothing was written."""

    def arrived(self, paths: Sequence[str]) -> bool | None:
        """Return True: a commit is nowhere else."""
        del paths
        return True

    def check_root(self) -> None:
        """Do nothing: a commit is always there."""

    def _need(self, path: str) -> Entry:
        if (entry := self.find(path)) is None:
            raise NotFound(f"{path} is not in the commit; expected it there; push it")
        return entry

    def _find(self, path: str) -> Entry | None:
        below = f"{self.root}/" if self.root else ""
        if not f"{path}/".startswith(below):
            return None
        entry = Entry(FOLDER, self.sha)
        for name in split_path(path[len(below) :]):
            if entry.kind == "other":
                raise _through_link(path)
            if entry.kind == "file":
                return None
            found = self._tree(entry, path).entries.get(name)
            if found is None:
                return None
            entry = found
        return entry

    def _tree(self, entry: Entry, path: str) -> Tree:
        if (tree := self._trees.get(entry.sha)) is None:
            raise StoreUnavailable(f"{path} is not listed yet; it is looked at again")
        return tree


def _refuse(path: str) -> NoReturn:
    raise StoreReadOnly(f"{path} lies in a commit, which does not change; push a new commit")


def _through_link(path: str) -> UnsafeName:
    return UnsafeName(f"{path}: a symbolic link or submodule stands in the path; commit the file itself")
