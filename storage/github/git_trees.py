"""Git's trees: what a folder of a commit holds, and the id that proves a listing of it whole."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from panini_daemon.storage.github.errors import GithubRefused
from panini_daemon.storage.store import Kind

FOLDER = "040000"
EMPTY = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
"""The id of the tree without entries."""

_FILES = frozenset(("100644", "100755", "100664"))
_SHA = re.compile(r"[0-9a-f]{40}")
_MODE = re.compile(r"[0-7]{5,6}")


@dataclass(frozen=True, slots=True)
class Entry:
    """What a name in a folder stands for: mode (six digits), object id, and the size in bytes of a file."""

    mode: str
    sha: str
    size: int = 0

    @property
    def kind(self) -> Kind:
        """Return what it is to a store; a symbolic link or a submodule is `other`."""
        if self.mode == FOLDER:
            return "folder"
        return "file" if self.mode in _FILES else "other"


@dataclass(frozen=True, slots=True)
class Tree:
    """A folder's entries by name; not `whole` where GitHub lists only some of them, however it is asked."""

    entries: Mapping[str, Entry]
    whole: bool = True


def tree_id(entries: Mapping[str, Entry]) -> str:
    """Return the id that git gives a tree with these entries: names sorted as bytes, folders as if ended by '/'."""
    rows = []
    for name, entry in entries.items():
        raw = name.encode("utf-8", "surrogatepass")
        row = b"%s %s\0%s" % (entry.mode.lstrip("0").encode(), raw, bytes.fromhex(entry.sha))
        rows.append((raw + b"/" if entry.mode == FOLDER else raw, row))
    rows.sort()
    body = b"".join(row for _, row in rows)
    return hashlib.sha1(b"tree %d\0" % len(body) + body, usedforsecurity=False).hexdigest()


def parse_entries(data: Any, what: str, name: str) -> Iterator[tuple[str, Entry]]:
    """Yield name or path and entry of each object in a list from GitHub; `name` is the field that names it.

    Modes come as text or, from the GraphQL API, as numbers. Raises GithubRefused where it is no such list.
    """
    if not isinstance(data, list):
        raise GithubRefused(f"{what}: found {type(data).__name__}, expected a list of entries; check the API's URL")
    for item in data:
        fields = item if isinstance(item, dict) else {}
        path, mode, sha, size = fields.get(name), fields.get("mode"), fields.get("sha", fields.get("oid")), 0
        if isinstance(mode, int):
            mode = f"{mode:o}"
        if isinstance(fields.get("size"), int):
            size = fields["size"]
        if not (isinstance(path, str) and isinstance(mode, str) and isinstance(sha, str) and path):
            raise GithubRefused(f"{what}: found an entry without {name}, mode and id; check the API's URL")
        if not _SHA.fullmatch(sha) or not _MODE.fullmatch(mode):
            raise GithubRefused(f"{what}: found mode {mode!a:.20} and id {sha!a:.60}; expected those of git")
        yield path, Entry(mode.rjust(6, "0"), sha, size)
