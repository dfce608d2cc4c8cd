"""The tree in a local folder or on a FUSE mount.

Strings instead of pathlib throughout: a small chunk's write should cost little beyond its system calls.
"""
# ruff: noqa: PTH104, PTH106, PTH108

import errno
import itertools
import os
import secrets
from collections.abc import Iterable, Sequence
from pathlib import Path
from stat import S_ISDIR, S_ISLNK, S_ISREG
from types import TracebackType
from typing import BinaryIO

from panini_daemon.storage.errors import RootLost, StoreUnavailable, UnsafeName
from panini_daemon.storage.local_file import open_file
from panini_daemon.storage.names import TEMPORARY_PREFIX, TEMPORARY_SUFFIX, is_unfinished
from panini_daemon.storage.os_errors import storage_error
from panini_daemon.storage.paths import Paths, link_error
from panini_daemon.storage.root import MARKER
from panini_daemon.storage.store import Entry, Kind, Stat
from panini_daemon.storage.syncing import sync_file_system, sync_path
from panini_daemon.storage.upload_flags import Flags, read_drive_ids

_PIECE = 1 << 20
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_END = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_TRIES = 3
_SYNC_SINGLY = 8
_NOT_BY_RENAMING = {errno.EXDEV, errno.ENOENT, errno.EPERM, errno.ENOSYS}
"""Another file system, a folder gone meanwhile, a mount that does not rename: copying tells more, or works."""


class LocalStore:
    """The Store over `root`, a folder that may be shared with other workers.

    Once the root's marker has been seen, absence means something only while the marker is still there: a
    mount that went away raises RootLost instead of NotFound, and no folder is made in what it left behind.
    """

    def __init__(self, root: Path, flags: Flags = read_drive_ids) -> None:
        self._root = os.fspath(root.absolute())
        self._flags = flags
        self._token = secrets.token_hex(6)
        self._serial = itertools.count()
        self._marked = False
        self._paths = Paths(self._root, self._demand_marker)

    @property
    def root(self) -> Path:
        """The root folder."""
        return Path(self._root)

    def list(self, path: str) -> list[Entry]:
        """List a folder without its unfinished writes. Raises NotFound."""
        with _Mapped(self, path):
            full = self._paths.find(path)
            if path and S_ISLNK(os.lstat(full).st_mode):
                raise link_error(path)
            with os.scandir(full) as entries:
                found = [Entry(entry.name, _kind_of(entry)) for entry in entries if not is_unfinished(entry.name)]
            if not path and all(entry.name != MARKER for entry in found):
                # A mount point that lost its mount is an empty folder, and no error.
                self._demand_marker()
            return found

    def list_unfinished(self, path: str) -> Sequence[str]:
        """Return the names of a folder's unfinished writes, of workers that live or died. Raises NotFound."""
        with _Mapped(self, path), os.scandir(self._paths.find(path)) as entries:
            return [entry.name for entry in entries if is_unfinished(entry.name)]

    def stat(self, path: str) -> Stat:
        """Tell kind, size and stamp; a link is `other`. Raises NotFound, UnsafeName for links on the way."""
        with _Mapped(self, path):
            found = os.lstat(self._paths.find(path))
            kind: Kind = "file" if S_ISREG(found.st_mode) else "folder" if S_ISDIR(found.st_mode) else "other"
            return Stat(kind, found.st_size, found.st_mtime_ns)

    def read(self, path: str) -> bytes:
        """Read a whole file. Raises NotFound, UnsafeName for a link."""
        with self.open(path) as file:
            return file.read()

    def open(self, path: str) -> BinaryIO:
        """Open a file for streaming; reading and closing it raise storage errors as well."""
        with _Mapped(self, path):
            return open_file(self._paths.find(path), path)

    def write(self, path: str, data: bytes, *, durable: bool = True) -> None:
        """Write a file whole or not at all."""
        self._write_whole(path, (data,), durable=durable)

    def put(self, path: str, source: Path, *, durable: bool = True, consume: bool = False) -> None:
        """Copy a local file into the tree, or move it there. An OSError of `source` itself stays what it is."""
        if consume and self._take_over(path, os.fspath(source), durable=durable):
            return
        with source.open("rb") as file:
            self._write_whole(path, iter(lambda: file.read(_PIECE), b""), durable=durable)

    def sync(self, paths: Sequence[str]) -> None:
        """Sync a few files one by one, many by one sync of their whole file system."""
        if len(paths) > _SYNC_SINGLY:
            with _Mapped(self, ""):
                sync_file_system(self._root)
            return
        for path in paths:
            with _Mapped(self, path):
                full = self._paths.find(path)
                sync_path(full)
                sync_path(full[: full.rindex("/")])

    def arrived(self, paths: Sequence[str]) -> bool | None:
        """Tell whether the mount has uploaded all of these files, None where it does not say."""
        return self._flags([f"{self._root}/{path}" for path in paths])

    def append(self, path: str, data: bytes) -> None:
        """Append to a file that only this worker writes."""
        with _Mapped(self, path):
            descriptor = os.open(self._paths.place(path), _END, 0o666)
            try:
                _write_all(descriptor, data)
            finally:
                os.close(descriptor)

    def move(self, source: str, target: str) -> None:
        """Rename within the tree, replacing a file of the same name. Raises NotFound."""
        with _Mapped(self, source):
            old = self._paths.find(source)
            os.lstat(old)
            with _Mapped(self, target):
                new = self._paths.place(target)
            os.rename(old, new)
            self._paths.forget()

    def delete(self, path: str) -> None:
        """Delete a file, a link or a whole folder; links are not followed."""
        if not path:
            raise UnsafeName("the root itself is never deleted; delete the paths in it")
        with _Mapped(self, path):
            try:
                full = self._paths.find(path)
                if S_ISDIR(os.lstat(full).st_mode):
                    _remove_tree(full)
                else:
                    os.unlink(full)
            except FileNotFoundError:
                self._demand_marker()
            finally:
                self._paths.forget()

    def check_root(self) -> None:
        """Raise RootLost unless the marker is there; from now on absence is believed only beside it."""
        try:
            os.lstat(f"{self._root}/{MARKER}")
        except OSError as error:
            raise self._lost(error) from error
        self._marked = True

    def _write_whole(self, path: str, pieces: Iterable[bytes], *, durable: bool) -> None:
        with _Mapped(self, path):
            target = self._paths.place(path)
            temporary, descriptor = self._create_beside(path, target)
        mapped = _Mapped(self, path, begun=True)
        try:
            try:
                for piece in pieces:
                    with mapped:
                        _write_all(descriptor, piece)
                if durable:
                    with mapped:
                        os.fsync(descriptor)
            finally:
                with mapped:
                    # On a FUSE mount closing is when a full or lost folder is told.
                    os.close(descriptor)
            with mapped:
                os.rename(temporary, target)
                if durable:
                    sync_path(target[: target.rindex("/")])
        except BaseException:
            _discard(temporary)
            raise

    def _take_over(self, path: str, source: str, *, durable: bool) -> bool:
        """Move a file into the tree where both are on one file system; False where they are not."""
        with _Mapped(self, path):
            target = self._paths.place(path)
            if durable:
                sync_path(source)
            try:
                os.rename(source, target)
            except OSError as error:
                if error.errno in _NOT_BY_RENAMING:
                    return False
                raise
            if durable:
                sync_path(target[: target.rindex("/")])
            return True

    def _create_beside(self, path: str, target: str) -> tuple[str, int]:
        for last in (False,) * (_TRIES - 1) + (True,):
            name = f"{TEMPORARY_PREFIX}{self._token}-{os.getpid()}-{next(self._serial)}{TEMPORARY_SUFFIX}"
            temporary = f"{target[: target.rindex('/')]}/{name}"
            try:
                return temporary, os.open(temporary, _NEW, 0o666)
            except FileNotFoundError:
                if last:
                    raise
                # Another worker removed the folder after it was found there.
                self._paths.forget()
                self._paths.place(path)
        raise AssertionError

    def _demand_marker(self) -> None:
        if self._marked:
            self.check_root()

    def _lost(self, error: OSError) -> RootLost:
        return RootLost(
            f"{self._root} has no readable {MARKER} ({error.strerror}); expected the tree's root. "
            "Mount the folder again; nothing is concluded from what is missing until then"
        )


class _Mapped:
    """Turn an OSError on `path` into the storage error that it means; with `begun`, of a file that was there before."""

    __slots__ = ("_begun", "_path", "_store")

    def __init__(self, store: LocalStore, path: str, *, begun: bool = False) -> None:
        self._store, self._path, self._begun = store, path, begun

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, OSError):
            if error.errno == errno.ENOENT:
                self._store._demand_marker()  # noqa: SLF001 - the store's own helper
                if self._begun:
                    raise StoreUnavailable(
                        f"{self._path}: what was being written is gone (ENOENT); check the mount; it is tried again"
                    ) from error
            raise storage_error(error, self._path) from error
        if isinstance(error, UnicodeEncodeError):
            raise UnsafeName(f"{self._path!a} cannot be written as UTF-8; rename it") from error


def _kind_of(entry: os.DirEntry[str]) -> Kind:
    if entry.is_file(follow_symlinks=False):
        return "file"
    return "folder" if entry.is_dir(follow_symlinks=False) else "other"


def _write_all(descriptor: int, data: bytes) -> None:
    written = os.write(descriptor, data)
    if written < len(data):
        rest = memoryview(data)[written:]
        while rest:
            rest = rest[os.write(descriptor, rest) :]


def _discard(temporary: str) -> None:
    try:
        os.unlink(temporary)
    except OSError:
        # The write's own error is the one to report; a left-over is hidden from `list` and harms nobody.
        return


def _remove_tree(full: str) -> None:
    try:
        with os.scandir(full) as entries:
            children = [(entry.path, entry.is_dir(follow_symlinks=False)) for entry in entries]
    except FileNotFoundError:
        return
    for child, is_folder in children:
        if is_folder:
            _remove_tree(child)
        else:
            _unlink_if_there(child)
    try:
        os.rmdir(full)
    except FileNotFoundError:
        return


def _unlink_if_there(full: str) -> None:
    try:
        os.unlink(full)
    except FileNotFoundError:
        return
