"""Which chunk trees lie where in the inbox, found with few listings."""

from collections import deque
from collections.abc import Callable, Iterable

from panini_daemon.storage.allowance import Allowance
from panini_daemon.storage.errors import NotFound, StoreReadOnly
from panini_daemon.storage.forms import TREE_MANIFEST
from panini_daemon.storage.plans import CHUNK_FOLDER
from panini_daemon.storage.store import Entry, Store

MAX_DEPTH = 16
LISTINGS = 32
"""Folders of folders that are listed again at each look, in turn. A folder's own stamp is not relied on: on a
shared mount it need not change when something arrives in it."""

_JUNK = frozenset(("desktop.ini", ".ds_store", "thumbs.db"))


def is_junk(name: str) -> bool:
    """Tell whether file managers leave a file of this name in any folder."""
    return name.lower() in _JUNK


def is_ignored(name: str) -> bool:
    """Tell whether a name in the inbox is nobody's job: hidden, a left-over, or still being written."""
    return name.startswith((".", "~")) or is_junk(name) or name.endswith((".tmp", ".partial"))


class Folders:
    """The folders below `root`: a chunk tree has a manifest.json or chunk folders; all others are searched.

    What is in a tree, or in a folder that a job manifest claims for its data, is never listed here.
    """

    def __init__(self, store: Store, root: str) -> None:
        self.trees: set[str] = set()
        self._store = store
        self._root = root
        self._children: dict[str, set[str]] = {}
        self._new: deque[str] = deque()
        self._turn: deque[str] = deque()
        self._claimed: set[str] = set()

    def look(self, top: Iterable[Entry], is_claimed: Callable[[str], bool], allowance: Allowance) -> None:
        """Take in a listing of the root, then look at new folders, then at some known ones in turn."""
        self._take_in(self._root, top)
        for _ in range(min(LISTINGS, len(self._turn))):
            self._new.append(self._turn.popleft())
        while self._new:
            folder = self._new[0]
            if folder in self._children and is_claimed(folder):
                self._claimed.add(folder)
            elif folder in self._children:
                if not allowance.spend():
                    return
                if not self._list(folder):
                    self._turn.append(folder)
            self._new.popleft()

    def look_again(self, folder: str) -> None:
        """Search a folder anew: it is no tree any more, or no longer claimed."""
        if folder in self.trees or folder in self._claimed:
            self.trees.discard(folder)
            self._claimed.discard(folder)
            self._new.append(folder)

    def _list(self, folder: str) -> bool:
        """List one folder; True where it turned out to be a tree."""
        try:
            entries = self._store.list(folder)
        except (NotFound, StoreReadOnly):  # what this user may not look into is not this worker's job
            entries = []
        return self._take_in(folder, entries)

    def _take_in(self, folder: str, entries: Iterable[Entry]) -> bool:
        found = {f"{folder}/{entry.name}": entry for entry in entries}
        below = {path for path, entry in found.items() if entry.kind == "folder" and not is_ignored(entry.name)}
        known = self._children.setdefault(folder, set())
        if folder != self._root and (
            f"{folder}/{TREE_MANIFEST}" in found
            or any(CHUNK_FOLDER.fullmatch(path.rpartition("/")[2]) for path in below)
        ):
            below = set()
            self.trees.add(folder)
        elif folder.count("/") - self._root.count("/") >= MAX_DEPTH:
            below = set()
        for gone in known - below:
            self._forget(gone)
        for new in sorted(below - known):
            self._children[new] = set()
            self._new.append(new)
        self._children[folder] = below
        return folder in self.trees

    def _forget(self, folder: str) -> None:
        for below in self._children.pop(folder, ()):
            self._forget(below)
        self.trees.discard(folder)
        self._claimed.discard(folder)
