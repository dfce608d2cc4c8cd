"""Git objects of a bare repository: loose ones read and written here, packed ones asked of `git cat-file`."""

import hashlib
import subprocess
import threading
import zlib
from itertools import count
from pathlib import Path
from typing import NamedTuple

from fakes.github.packs import deflate, write_pack

MANY = 64
"""From this many objects on, a batch is written as one pack."""


class GitObject(NamedTuple):
    """A kind (blob, tree, commit or tag) and the bytes."""

    kind: str
    data: bytes


def object_name(kind: str, data: bytes) -> str:
    """Return the SHA-1 by which git knows an object."""
    digest = hashlib.sha1(b"%s %d\0" % (kind.encode(), len(data)))
    digest.update(data)
    return digest.hexdigest()


class Batch:
    """New objects that are written together."""

    def __init__(self) -> None:
        self.objects: dict[str, GitObject] = {}

    def put(self, kind: str, data: bytes) -> str:
        """Add an object and return its name."""
        sha = object_name(kind, data)
        self.objects[sha] = GitObject(kind, data)
        return sha


class ObjectStore:
    """The objects of one bare repository; everything read or written stays in memory, inflated."""

    def __init__(self, repository: Path) -> None:
        self._repository = repository
        self._folder = repository / "objects"
        self._known: dict[str, GitObject] = {}
        self._own_packs: set[str] = set()
        self._names = count()
        self._lock = threading.Lock()
        self._cat: subprocess.Popen[bytes] | None = None

    def close(self) -> None:
        """End the `git cat-file` process, if one was needed."""
        with self._lock:
            if self._cat is not None:
                self._cat.communicate()
                self._cat = None

    def find(self, sha: str) -> GitObject | None:
        """Return an object, or None where the repository has none of that name."""
        found = self._known.get(sha)
        if found is None:
            found = self._read_loose(sha) or self._read_packed(sha)
            if found is not None:
                self._known[sha] = found
        return found

    def read(self, sha: str, kind: str) -> bytes:
        """Return the bytes of an object that must be there and of that kind; KeyError otherwise."""
        found = self.find(sha)
        if found is None or found.kind != kind:
            raise KeyError(f"expected {kind} {sha}, found {found.kind if found else 'nothing'}")
        return found.data

    def kind(self, sha: str) -> str | None:
        """Return the kind of an object, None where there is none."""
        found = self.find(sha)
        return found.kind if found else None

    def put(self, kind: str, data: bytes) -> str:
        """Write one loose object and return its name."""
        sha = object_name(kind, data)
        if sha not in self._known:
            self._write_loose(sha, GitObject(kind, data))
        return sha

    def put_all(self, batch: Batch) -> None:
        """Write all objects of a batch that are not known yet."""
        new = {sha: thing for sha, thing in batch.objects.items() if sha not in self._known}
        if len(new) < MANY:
            for sha, thing in new.items():
                self._write_loose(sha, thing)
            return
        pack = write_pack(self._folder / "pack", ((sha, *thing) for sha, thing in new.items()))
        self._own_packs.add(pack.name)
        self._known.update(new)

    def _write_loose(self, sha: str, thing: GitObject) -> None:
        folder = self._folder / sha[:2]
        folder.mkdir(exist_ok=True)
        temporary = folder / f"tmp_obj_{next(self._names)}"
        temporary.write_bytes(deflate(b"%s %d\0" % (thing.kind.encode(), len(thing.data)) + thing.data))
        temporary.replace(folder / sha[2:])
        self._known[sha] = thing

    def _read_loose(self, sha: str) -> GitObject | None:
        try:
            head, _, data = zlib.decompress((self._folder / sha[:2] / sha[2:]).read_bytes()).partition(b"\0")
        except FileNotFoundError:
            return None
        return GitObject(head.split()[0].decode(), data)

    def _read_packed(self, sha: str) -> GitObject | None:
        packs = {path.name for path in (self._folder / "pack").glob("*.pack")}
        if not packs - self._own_packs:
            return None
        with self._lock:
            if self._cat is None:
                command = ["git", "--git-dir", str(self._repository), "cat-file", "--batch"]
                self._cat = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            assert self._cat.stdin is not None
            assert self._cat.stdout is not None
            self._cat.stdin.write(sha.encode() + b"\n")
            self._cat.stdin.flush()
            words = self._cat.stdout.readline().split()
            if len(words) != 3:
                return None
            data = self._cat.stdout.read(int(words[2]))
            self._cat.stdout.read(1)
            return GitObject(words[1].decode(), data)
