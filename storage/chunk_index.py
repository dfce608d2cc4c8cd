"""Which bytes lie where in the tree: hints, each of which is looked at before anything is made of it.

Each worker appends what it committed to files of its own below index/, and reads those of the others when their size
or stamp has changed. A line is a chunk's SHA-256 in hex, a blank, and its folder below compressed_chunks/. A file that
is late, cut short or lost costs a chunk that is compressed once more, and nothing else.
"""

import re
import threading

from panini_daemon.storage.errors import ManifestInvalid, ManifestUnreadable, NotFound, UnsafeName
from panini_daemon.storage.names import safe_name, safe_path
from panini_daemon.storage.reading import read_bounded, stat_file
from panini_daemon.storage.root import CHUNKS, INDEX
from panini_daemon.storage.store import Store

FILE_BYTES = 1 << 18
"""Bytes from which a worker begins another file: shared folders and object stores write a file anew to append to it."""
MOST = 500_000
"""Chunks that are remembered."""
_LARGEST = 1 << 20
_NAME = re.compile(r"(.+)\.(\d{1,9})\.txt")
_LINE = re.compile(r"([0-9a-f]{64}) (.+/chunk_\d{4,})")


class ChunkIndex:
    """Folders of chunks by the SHA-256 of their bytes. Thread-safe; only `beat` touches the store."""

    def __init__(self, store: Store, worker: str) -> None:
        """Know nothing yet. Raises UnsafeName."""
        self._store, self._worker = store, safe_name(worker)
        self._folders: dict[bytes, str] = {}
        self._new: list[str] = []
        self._seen: dict[str, tuple[int, int]] = {}
        self._number, self._size = 1, 0
        self._knowing, self._beating = threading.Lock(), threading.Lock()

    def find(self, sha256: str) -> str | None:
        """Return the folder, from the tree's root on, where a chunk with these bytes may lie."""
        with self._knowing:
            return self._folders.get(bytes.fromhex(sha256))

    def add(self, sha256: str, folder: str) -> None:
        """Remember a committed chunk; the next `beat` tells the others."""
        with self._knowing:
            if self._remember(sha256, folder):
                self._new.append(f"{sha256} {folder.removeprefix(f'{CHUNKS}/')}\n")

    def forget(self, sha256: str, folder: str) -> None:
        """Drop a hint that turned out to be wrong."""
        with self._knowing:
            if self._folders.get(bytes.fromhex(sha256)) == folder:
                del self._folders[bytes.fromhex(sha256)]

    def beat(self) -> None:
        """Read what is new, write what is new here. Raises StorageError; call it again then."""
        with self._beating:
            self._read_others()
            with self._knowing:
                lines, self._new = self._new, []
            try:
                self._write("".join(lines).encode())
            except BaseException:
                with self._knowing:
                    self._new = lines + self._new
                raise

    def _read_others(self) -> None:
        try:
            names = sorted(entry.name for entry in self._store.list(INDEX) if entry.kind == "file")
        except NotFound:  # nobody has committed anything since there is an index
            return
        for name in names:
            if match := _NAME.fullmatch(name):
                self._read(name, own=match[1] == self._worker, number=int(match[2]))

    def _read(self, name: str, *, own: bool, number: int) -> None:
        path = f"{INDEX}/{name}"
        try:
            found = stat_file(self._store, path)
            if self._seen.get(name) == (found.size, found.stamp):
                return
            data = read_bounded(self._store, path, _LARGEST)
        except (NotFound, UnsafeName, ManifestInvalid, ManifestUnreadable):  # a hint less
            return
        self._seen[name] = (found.size, found.stamp)
        if own and number >= self._number:
            self._number, self._size = number, found.size
        with self._knowing:
            for sha256, folder in parse_index(data):
                self._remember(sha256, folder)

    def _write(self, data: bytes) -> None:
        if not data:
            return
        if self._size and self._size + len(data) > FILE_BYTES:
            self._number, self._size = self._number + 1, 0
        self._store.append(f"{INDEX}/{self._worker}.{self._number}.txt", data)
        self._size += len(data)

    def _remember(self, sha256: str, folder: str) -> bool:
        """Take a hint; False where one is there, or no more are taken."""
        key = bytes.fromhex(sha256)
        if key in self._folders or len(self._folders) >= MOST:
            return False
        self._folders[key] = folder
        return True


def parse_index(data: bytes) -> list[tuple[str, str]]:
    """Return each SHA-256 with the folder it names, from the tree's root on; what is no such line is passed over."""
    found = []
    for line in data.decode("utf-8", "replace").split("\n"):
        if match := _LINE.fullmatch(line):
            try:
                found.append((match[1], f"{CHUNKS}/{safe_path(match[2])}"))
            except UnsafeName:
                continue
    return found
