"""Find some files of a commit's tree, however large the tree is."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from panini_daemon.storage.github.client import Client
from panini_daemon.storage.github.errors import GithubRefused
from panini_daemon.storage.github.git_trees import FOLDER, Entry, parse_entries


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
        return {wanted[path]: _file(entry) for path, entry in rows.items() if path in wanted and _is_file(entry)}
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
    for name, entry in rows.items():
        inner = below.get(name, {})
        if entry.mode == FOLDER and (deeper := {rest: whole for rest, whole in inner.items() if rest}):
            found |= _search(client, entry.sha, deeper)
        elif "" in inner and _is_file(entry):
            found[inner[""]] = _file(entry)
    return found


def _list(client: Client, tree: str, *, recursive: bool) -> tuple[dict[str, Entry], bool]:
    parameters = {"recursive": "1"} if recursive else {}
    data = client.get("tree", f"/git/trees/{tree}", parameters=parameters).data
    if not isinstance(data, dict):
        raise GithubRefused(f"GitHub's answer for the tree {tree} is no tree; ask again later")
    return dict(parse_entries(data.get("tree"), f"the listing of tree {tree}", "path")), bool(data.get("truncated"))


def _is_file(entry: Entry) -> bool:
    return entry.mode in ("100644", "100755")  # neither a link nor a submodule


def _file(entry: Entry) -> File:
    return File(entry.mode, entry.sha, entry.size)
