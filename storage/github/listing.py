"""The folders of a commit, listed with few requests and proven to be whole.

A recursive listing may be cut (at 100,000 entries or 7 MB, says GitHub's documentation of "Get a tree"), and a
redirection can lose the request to be recursive. What a listing says of itself is not relied on: git's id of a
folder proves its entries. Folders that are not proven are asked for again, many in one GraphQL query or one by
one. A tree never changes, so each is kept by its id, and the next commit costs only what it changed.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from panini_daemon.storage.clock import Clock
from panini_daemon.storage.github.client import Client
from panini_daemon.storage.github.errors import GithubRefused
from panini_daemon.storage.github.git_trees import EMPTY, FOLDER, Entry, Tree, parse_entries, tree_id
from panini_daemon.storage.github.object_queries import AT_ONCE, ObjectQueries

_FEW = 3
"""Folders that are rather listed one by one, with all that is in them, than in one query without."""

Place = tuple[str, str]
"""A folder: its path below the one that is listed, and its tree's id."""


class Trees:
    """The trees that are known, by id."""

    def __init__(self, client: Client, *, clock: Clock, graphql: bool = True) -> None:
        """Know nothing but the empty tree. `graphql` is whether queries may be sent: they need a token."""
        self._client = client
        self._known: dict[str, Tree] = {EMPTY: Tree({})}
        self._large: set[str] = set()
        self._unanswered: set[str] = set()
        self._queries = ObjectQueries(
            client, "tree", "Tree", "entries { name mode oid size }", clock=clock, allowed=graphql
        )

    def get(self, sha: str) -> Tree | None:
        """Return a tree, None where it is not known (yet)."""
        return self._known.get(sha)

    def list_all(self, root: str, requests: int) -> bool:
        """Get to know `root` and all below it, with about so many requests at most; True where all is known.

        Called again, it goes on where it ended. Raises GithubError.
        """
        front: list[Place] = [("", root)]
        while missing := self._find_missing(front):
            front = missing
            for group in self._group(missing):
                if requests <= 0:
                    return False
                if len(group) > 1:
                    requests -= 1
                    self._ask([sha for _, sha in group])
                elif group[0][1] not in self._known:
                    requests -= self._list(*group[0])
        return True

    def forget_others(self, root: str) -> None:
        """Keep only what is reachable from `root`."""
        kept = {EMPTY: Tree({})}
        waiting = [root]
        while waiting:
            sha = waiting.pop()
            if sha not in kept and (tree := self._known.get(sha)) is not None:
                kept[sha] = tree
                waiting.extend(entry.sha for entry in tree.entries.values() if entry.mode == FOLDER)
        self._known = kept
        self._unanswered.clear()

    def _find_missing(self, front: Iterable[Place]) -> list[Place]:
        """Return the unknown folders nearest to `front`, each tree once."""
        missing: dict[str, str] = {}
        seen: set[str] = set()
        waiting = list(front)
        while waiting:
            path, sha = waiting.pop()
            if sha in seen:
                continue
            seen.add(sha)
            tree = self._known.get(sha)
            if tree is None:
                missing[sha] = path
                continue
            below = ((name, entry) for name, entry in tree.entries.items() if entry.mode == FOLDER)
            waiting.extend((f"{path}/{name}", entry.sha) for name, entry in below)
        return sorted((path, sha) for sha, path in missing.items())

    def _group(self, missing: Sequence[Place]) -> Iterator[list[Place]]:
        """Yield what is asked in one query, and singly what is listed."""
        singles = [place for place in missing if place[1] in self._unanswered]
        others = iter([place for place in missing if place[1] not in self._unanswered])
        if len(missing) - len(singles) > _FEW:
            while self._queries.usable and len(group := list(islice(others, AT_ONCE))) > 0:
                yield group
                if len(group) == 1:
                    break
        yield from ([place] for place in (*singles, *others))

    def _ask(self, shas: Sequence[str]) -> None:
        for sha, fields in self._queries.ask(shas).items():
            try:
                entries = dict(parse_entries(fields.get("entries"), "a tree from the GraphQL API", "name"))
            except GithubRefused:
                continue
            if tree_id(entries) == sha:
                self._known[sha] = Tree(entries)
        self._unanswered.update(sha for sha in shas if sha not in self._known)

    def _list(self, path: str, sha: str) -> int:
        """Get to know one tree, with what is below it where that is not too much; return the requests it took."""
        requests = 0
        if path not in self._large:
            requests += 1
            truncated, proven = self._take(sha, read_tree(self._client, sha, recursive=True))
            if truncated or not proven:
                self._large.add(path)  # its next version will be so, too
        if sha in self._known:
            return requests
        data = read_tree(self._client, sha)
        truncated, _ = self._take(sha, data)
        if sha not in self._known:
            # Unproven and the best there is: names that are no UTF-8 come changed, and a tree may be too large.
            self._known[sha] = Tree(_entries_of(data, sha), whole=not truncated)
        return requests + 1

    def _take(self, sha: str, data: Mapping[str, Any]) -> tuple[bool, bool]:
        """Keep the trees of a listing that are proven; tell whether it is truncated, and whether all are proven."""
        folders: dict[str, dict[str, Entry]] = {"": {}}
        ids = {"": sha}
        for path, entry in parse_entries(data.get("tree"), f"the listing of tree {sha}", "path"):
            parent, _, name = path.rpartition("/")
            folders.setdefault(parent, {})[name] = entry
            if entry.mode == FOLDER:
                folders.setdefault(path, {})
                ids[path] = entry.sha
        for path, wanted in ids.items():
            if wanted not in self._known and tree_id(folders[path]) == wanted:
                self._known[wanted] = Tree(folders[path])
        return bool(data.get("truncated")), all(wanted in self._known for wanted in ids.values())


def read_tree(client: Client, name: str, *, recursive: bool = False) -> Mapping[str, Any]:
    """Return GitHub's listing of the tree, or of the commit's tree, with the id `name`. Raises GithubError."""
    parameters = {"recursive": "1"} if recursive else None
    data = client.get("tree", f"/git/trees/{name}", parameters=parameters).data
    if not isinstance(data, dict):
        raise GithubRefused(f"the listing of tree {name} is no JSON object; check the API's URL")
    return data


def _entries_of(data: Mapping[str, Any], sha: str) -> dict[str, Entry]:
    """Return the entries at the top of a listing."""
    entries = parse_entries(data.get("tree"), f"the listing of tree {sha}", "path")
    return {path: entry for path, entry in entries if "/" not in path}
