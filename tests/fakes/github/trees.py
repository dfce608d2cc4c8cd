"""Git trees: parsed, written, walked and edited."""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from fakes.github.objects import ObjectStore

FOLDER = "040000"
SUBMODULE = "160000"
KINDS = {"100644": "blob", "100755": "blob", "120000": "blob", FOLDER: "tree", SUBMODULE: "commit"}
"""What an entry's mode says of the object it names."""

EMPTY = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
"""The name of the tree without entries."""

type_of = KINDS.__getitem__
Edits = Mapping[str, "Entry | None"]
"""A path from the tree's root to its new entry, or to None where it goes."""


class Entry(NamedTuple):
    """Mode (six digits) and object name of one entry."""

    mode: str
    sha: str


def parse_tree(data: bytes) -> dict[str, Entry]:
    """Return a tree's entries in git's order; names that are no UTF-8 keep their bytes as surrogates."""
    entries, at = {}, 0
    while at < len(data):
        space = data.index(b" ", at)
        end = data.index(b"\0", space)
        name = data[space + 1 : end].decode("utf-8", "surrogateescape")
        entries[name] = Entry(data[at:space].decode().rjust(6, "0"), data[end + 1 : end + 21].hex())
        at = end + 21
    return entries


def format_tree(entries: Mapping[str, Entry]) -> bytes:
    """Return a tree's bytes; git sorts folders as if their names ended in a slash."""
    rows = []
    for name, entry in entries.items():
        raw = name.encode("utf-8", "surrogateescape")
        row = b"%s %s\0%s" % (entry.mode.lstrip("0").encode(), raw, bytes.fromhex(entry.sha))
        rows.append((raw + b"/" if entry.mode == FOLDER else raw, row))
    return b"".join(row for _, row in sorted(rows))


def load_tree(objects: ObjectStore, sha: str) -> dict[str, Entry]:
    """Return the entries of the tree `sha`; KeyError where there is no such tree."""
    return {} if sha == EMPTY else parse_tree(objects.read(sha, "tree"))


def walk_tree(objects: ObjectStore, sha: str, *, recursive: bool, prefix: str = "") -> Iterator[tuple[str, Entry]]:
    """Yield (path, entry), each folder before what is in it, as `git ls-tree -t` lists them."""
    for name, entry in load_tree(objects, sha).items():
        yield prefix + name, entry
        if recursive and entry.mode == FOLDER:
            yield from walk_tree(objects, entry.sha, recursive=True, prefix=f"{prefix}{name}/")


def find_entry(objects: ObjectStore, tree: str, path: str) -> Entry | None:
    """Return what stands at `path` (the tree itself at the empty one), None where nothing does."""
    entry = Entry(FOLDER, tree)
    for name in path.split("/") if path else ():
        if entry.mode != FOLDER:
            return None
        found = load_tree(objects, entry.sha).get(name)
        if found is None:
            return None
        entry = found
    return entry


def edit_tree(objects: ObjectStore, put: Callable[[str, bytes], str], tree: str, edits: Edits) -> str:
    """Return the name of `tree` with its edits made; folders that end up empty go, files in the way of folders too."""
    entries = load_tree(objects, tree)
    below: dict[str, dict[str, Entry | None]] = {}
    for path, entry in edits.items():
        name, slash, rest = path.partition("/")
        if slash:
            below.setdefault(name, {})[rest] = entry
        elif entry is None:
            entries.pop(name, None)
        else:
            entries[name] = entry
    for name, inner in below.items():
        old = entries.get(name)
        start = old.sha if old is not None and old.mode == FOLDER else EMPTY
        sha = edit_tree(objects, put, start, inner)
        if sha != EMPTY:
            entries[name] = Entry(FOLDER, sha)
        elif old is not None and old.mode == FOLDER:
            del entries[name]
    return put("tree", format_tree(entries)) if entries else EMPTY
