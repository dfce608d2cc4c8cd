"""The tree in an object store, such as S3, Google Cloud Storage or Azure Blob Storage.

Such a store is coherent: what was written is there for everyone, whole, and absence is no doubt. It has no folders;
one is there while an object lies below it, and the tree's own folders always are.
"""

import io
import shutil
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

from panini_daemon.storage.commits import MANIFEST, PAYLOAD, RECIPE
from panini_daemon.storage.errors import NotFound, RootLost, StoreUnavailable, UnsafeName
from panini_daemon.storage.names import split_path
from panini_daemon.storage.object_connection import Client, Meta
from panini_daemon.storage.object_errors import mapped
from panini_daemon.storage.object_file import LARGEST, ObjectFile
from panini_daemon.storage.root import DONE, FOLDERS, LEASES, LOGS, MARKER, STATUS
from panini_daemon.storage.solid import RUN_FILE
from panini_daemon.storage.store import Entry, Stat

_PART = 1 << 23
_PARTS_AT_ONCE = 4
_COPY_LIMIT = 5 << 30
"""Bytes of the largest object that S3 copies by itself (Amazon S3 API reference, CopyObject)."""
_AT_ONCE = 1000
"""Objects in one request for deletion."""
_FLAT = {DONE, LEASES, LOGS, STATUS}
_FILES = {MARKER, MANIFEST, PAYLOAD, RECIPE}


class ObjectStore:
    """The Store over a client whose prefix is the root; `name` is what messages call it."""

    def __init__(self, client: Client, name: str, *, copy_limit: int = _COPY_LIMIT) -> None:
        self.client = client
        self._name, self._copy_limit = name, copy_limit
        self._tails: dict[str, bytes] = {}
        self._appending = threading.Lock()

    def list(self, path: str) -> list[Entry]:
        """List a folder. Raises NotFound, but never for the tree's own folders."""
        split_path(path)
        with mapped(path):
            found = self.client.list_with_delimiter(path or None)
        entries = [Entry(_last(prefix), "folder") for prefix in found["common_prefixes"]]
        # Consoles mark a folder by an empty object that is called as the folder itself.
        entries += [Entry(_last(meta["path"]), "file") for meta in found["objects"] if meta["path"] != path]
        if not entries and path and path not in FOLDERS:
            raise NotFound(f"{path}: no object lies below it; check the name, or wait if it is still arriving")
        return entries

    def stat(self, path: str) -> Stat:
        """Tell kind, size and stamp. Raises NotFound."""
        if not split_path(path) or path in FOLDERS:
            return Stat("folder", 0, 0)
        try:
            meta = self._head(path)
        except NotFound:
            if not _is_file(path) and self._has_below(path):
                return Stat("folder", 0, 0)
            raise
        return Stat("file", meta["size"], _stamp(meta))

    def read(self, path: str) -> bytes:
        """Read a whole object. Raises NotFound."""
        split_path(path)
        with mapped(path):
            found = self.client.get(path)
            meta = found.meta
            if meta["size"] <= LARGEST:
                return bytes(found.bytes())
        del found  # the answer that is not read would keep its connection
        return ObjectFile(self.client, path, meta["size"], meta["e_tag"]).readall()

    def open(self, path: str) -> BinaryIO:
        """Open an object for streaming; its reads raise storage errors as well."""
        meta = self._head(path)
        return io.BufferedReader(ObjectFile(self.client, path, meta["size"], meta["e_tag"]))

    def write(self, path: str, data: bytes, *, durable: bool = True) -> None:
        """Write an object whole or not at all; it is durable when the server says that it is there."""
        del durable
        self._demand_place(path)
        self._put(path, data)

    def put(self, path: str, source: Path, *, durable: bool = True, consume: bool = False) -> None:
        """Upload a local file, a large one in parts. An OSError of `source` itself stays what it is."""
        del durable, consume
        with source.open("rb") as file:
            self._demand_place(path)
            self._put(path, file)

    def sync(self, paths: Sequence[str]) -> None:
        """Do nothing: whatever was written is durable."""

    def arrived(self, paths: Sequence[str]) -> bool:
        """Tell that all of it has arrived: what was written is in the store."""
        del paths
        return True

    def append(self, path: str, data: bytes) -> None:
        """Append to a file that only this worker writes: by writing all of it, so it had better stay small.

        What was there is read once and remembered.
        """
        split_path(path)
        with self._appending:
            tail = self._tails.get(path)
            if tail is None:
                try:
                    tail = self.read(path)
                except NotFound:
                    tail = b""
            whole = tail + data
            self._put(path, whole)
            self._tails[path] = whole

    def move(self, source: str, target: str) -> None:
        """Copy, check and only then delete: a file, or all that lies below a folder. Raises NotFound."""
        split_path(source)
        split_path(target)
        try:
            moved = {source: self._head(source)}
        except NotFound:
            moved = {meta["path"]: meta for meta in self._below(source)}
            if not moved:
                raise
        for path, meta in moved.items():
            self._copy(meta, target + path[len(source) :])
        self._delete(list(moved))

    def delete(self, path: str) -> None:
        """Delete a file, or all that lies below a folder; absence is no error."""
        if not split_path(path):
            raise UnsafeName("the root itself is never deleted; delete the paths in it")
        if not _is_file(path):
            try:
                self._head(path)  # a tenth of the price of a listing
            except NotFound:
                self._delete([meta["path"] for meta in self._below(path)])
                return
        self._delete([path])

    def check_root(self) -> None:
        """Raise RootLost unless the marker is there."""
        try:
            self._head(MARKER)
        except NotFound as error:
            raise RootLost(
                f"{self._name} has no {MARKER}; expected the tree's root. Check bucket and prefix"
            ) from error

    def _head(self, path: str) -> Meta:
        split_path(path)
        with mapped(path):
            return self.client.head(path)

    def _put(self, path: str, data: bytes | BinaryIO) -> None:
        try:
            with mapped(path):
                self.client.put(path, data, chunk_size=_PART, max_concurrency=_PARTS_AT_ONCE)
        except NotFound as error:  # what is missing is not the object, which is new
            raise StoreUnavailable(f"{self._name} takes no object: {error}") from error
        self._tails.pop(path, None)

    def _copy(self, meta: Meta, target: str) -> None:
        path, size = meta["path"], meta["size"]
        self._demand_place(target)
        if size > self._copy_limit:
            with tempfile.TemporaryFile() as file:
                shutil.copyfileobj(ObjectFile(self.client, path, size, meta["e_tag"]), file, _PART)
                file.seek(0)
                self._put(target, file)
        else:
            with mapped(path):
                self.client.copy(path, target)
        self._tails.pop(target, None)
        if (found := self._head(target)["size"]) != size:
            raise StoreUnavailable(
                f"{target}: the copy of {path} has {found} bytes, expected {size}; it is tried again"
            )

    def _delete(self, paths: Sequence[str]) -> None:
        for path in paths:
            self._tails.pop(path, None)
        for start in range(0, len(paths), _AT_ONCE):
            self._delete_some(paths[start : start + _AT_ONCE])

    def _delete_some(self, paths: Sequence[str]) -> None:
        try:
            with mapped(paths[0]):
                self.client.delete(paths[0] if len(paths) == 1 else paths)
        except NotFound:
            # Some stores complain of an absent object and leave the others: one by one, each is no error.
            for path in paths if len(paths) > 1 else ():
                self._delete_some([path])

    def _below(self, path: str) -> Iterator[Meta]:
        with mapped(path):
            for page in self.client.list(path, chunk_size=_AT_ONCE):
                yield from (meta for meta in page if meta["path"] != path)

    def _has_below(self, path: str) -> bool:
        return next(self._below(path), None) is not None

    def _demand_place(self, path: str) -> None:
        """Raise UnsafeName where no file may be: at the root, or where a folder is."""
        if not split_path(path):
            raise UnsafeName("the root itself is a folder; expected the path of a file in it")
        if path in FOLDERS or (not _is_file(path) and self._has_below(path)):
            raise UnsafeName(f"{path} is a folder; expected a file; rename or remove what stands there")


def _is_file(path: str) -> bool:
    """Tell whether a path can only be a file's, by the tree's own rules: then nobody need look for a folder there.

    `names.safe_base` refuses the tree's names for folders of a base, and some folders of the tree hold files only.
    """
    parent, _, name = path.rpartition("/")
    return name in _FILES or parent in _FLAT or RUN_FILE.fullmatch(name) is not None


def _last(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]


def _stamp(meta: Mapping[str, Any]) -> int:
    told = f"{meta['e_tag']} {meta.get('version')} {meta['last_modified']}"
    return int.from_bytes(sha256(told.encode()).digest()[:8], "big")
