"""Find some files of a commit's tree, however large the tree is."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from panini_daemon.storage.github.client import Client
from panini_daemon.storage.github.errors import GithubRefused


@dataclass(frozen=True, slots=True)
class File:
    """A file of the tree: git's mode (100644 or 100755), the blob's SHA-1 and size in bytes."""

    mode: str
    sha: str
    size: int


def find_files(client: Client, tree: str, paths: Iterable[str]) -> dict[str, File]:
    """Return those of `paths` that are plain files of the tree with the SHA-1 `tree`.

    One request, where the tree fits into one answer; else each folder that matters is asked for by itself, in one
    answer again where it fits. Raises GithubRefused where one folder alone has too many names to be listed.
    """
    return _search(client, tree, {path: path for path in paths})


def _search(client: Client, tree: str, wanted: Mapping[str, str]) -> dict[str, File]:
    """Look for `wanted`, paths below `tree` and what they are called from the root."""
    rows, truncated = _list(client, tree, recursive=True)
    if not truncated:
        return {wanted[row["path"]]: _file(row) for row in rows if row["path"] in wanted and _is_file(row)}
    rows, truncated = _list(client, tree, recursive=False)
    if truncated:
        raise GithubRefused(
            f"the folder with the tree {tree} has over {len(rows)} names, more than GitHub lists; "
            "split it into several folders"
        )
    found: dict[str, File] = {}
    below: dict[str, dict[str, str]] = {}
    for path, whole in wanted.items():
        name, _, rest = path.partition("/")
        below.setdefault(name, {})[rest] = whole
    for row in rows:
        inner = below.get(row["path"], {})
        if row["type"] == "tree" and (deeper := {rest: whole for rest, whole in inner.items() if rest}):
            found |= _search(client, row["sha"], deeper)
        elif "" in inner and _is_file(row):
            found[inner[""]] = _file(row)
    return found


def _list(client: Client, tree: str, *, recursive: bool) -> tuple[list[dict[str, Any]], bool]:
    parameters = {"recursive": "1"} if recursive else {}
    data = client.get("tree", f"/git/trees/{tree}", parameters=parameters).data
    if not isinstance(data, dict) or not isinstance(data.get("tree"), list):
        raise GithubRefused(f"GitHub's answer for the tree {tree} is no tree; ask again later")
    return data["tree"], bool(data.get("truncated"))


def _is_file(row: Mapping[str, Any]) -> bool:
    return row["type"] == "blob" and row["mode"] in ("100644", "100755")  # neither a link nor a submodule


def _file(row: Mapping[str, Any]) -> File:
    return File(row["mode"], row["sha"], row.get("size", 0))
