"""What in a commit may be a job: chunk trees and manifests, found in its listing without reading any file."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from panini_daemon.storage.errors import ManifestInvalid
from panini_daemon.storage.folders import MAX_DEPTH, is_ignored
from panini_daemon.storage.forms import TREE_MANIFEST
from panini_daemon.storage.github.git_trees import Entry, Tree
from panini_daemon.storage.github.listing import Trees
from panini_daemon.storage.parts import DATA
from panini_daemon.storage.plans import CHUNK_FOLDER, make_job_id, strip_pending

_CONTENT = "content"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A manifest at `path`, or a chunk tree in the folder `tree` whose manifest would lie there.

    `job_id` is the same on every worker and at every commit as long as manifest and data are. `state` changes when
    anything else does, such as a status. `error` says why it can be no job.
    """

    job_id: str
    path: str
    tree: str | None
    state: str
    bare: bool = False
    error: ManifestInvalid | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """The candidates by job id; not `whole` where some folder is not listed yet."""

    candidates: dict[str, Candidate]
    whole: bool


def find_candidates(trees: Trees, root: str, sha: str, repository: str, *, whole: bool) -> Found:
    """Search the folder `root` of the repository, whose tree has the id `sha`, as the inbox is searched.

    A chunk tree is found once all of it is listed; manifests of the other forms, which may name any file, and trees
    without a manifest, which another manifest may name, once everything is: `whole`.
    """
    search = _Search(trees, root, repository.lower(), whole=whole)
    found = sorted(search.run(sha), key=lambda candidate: candidate.path)
    if not search.whole:
        found = [candidate for candidate in found if candidate.tree is not None and not candidate.bare]
    by_id: dict[str, Candidate] = {}
    for candidate in found:
        by_id.setdefault(candidate.job_id, candidate)
    return Found(by_id, search.whole)


class _Search:
    def __init__(self, trees: Trees, root: str, repository: str, *, whole: bool) -> None:
        self._trees, self._root, self._repository = trees, root, repository
        self.whole = whole

    def run(self, sha: str) -> Iterator[Candidate]:
        waiting = [(self._root, sha, 0)]
        while waiting:
            folder, sha, depth = waiting.pop()
            tree = self._trees.get(sha)
            if tree is None:
                self.whole = False
                continue
            if not tree.whole:
                yield self._refuse(folder, sha, tree)
            if depth == 0:
                yield from self._look_at_files(tree, sha)
            elif TREE_MANIFEST in tree.entries or any(_is_chunk(name, entry) for name, entry in tree.entries.items()):
                if tree.whole:
                    yield from self._look_at_tree(folder, sha, tree)
                continue
            if depth < MAX_DEPTH:
                below = ((name, entry.sha) for name, entry in tree.entries.items() if entry.kind == "folder")
                waiting.extend((_join(folder, name), sha, depth + 1) for name, sha in below if not is_ignored(name))

    def _look_at_files(self, tree: Tree, sha: str) -> Iterator[Candidate]:
        """Yield the files at the top that may be manifests."""
        for name, entry in tree.entries.items():
            if name.endswith(".json") and entry.kind != "folder" and not is_ignored(name):
                path = _join(self._root, name)
                job_id = self._make_id(name.removesuffix(".json"), path, [entry.sha])
                yield Candidate(job_id, path, None, sha)

    def _look_at_tree(self, folder: str, sha: str, tree: Tree) -> Iterator[Candidate]:
        rows: list[tuple[str, str]] = []
        for chunk, entry in tree.entries.items():
            if not _is_chunk(chunk, entry):
                continue
            inner = self._trees.get(entry.sha)
            if inner is None:
                self.whole = False
                return
            if not inner.whole:
                yield self._refuse(f"{folder}/{chunk}", entry.sha, inner)
                return
            rows.extend((f"{chunk}/{name}", found.sha) for name, found in inner.entries.items() if is_data(name))
        manifest = tree.entries.get(TREE_MANIFEST)
        path = f"{folder}/{TREE_MANIFEST}"
        content = [manifest.sha if manifest else "", sorted(rows)]
        job_id = self._make_id(strip_pending(self._below(folder)), path, content)
        yield Candidate(job_id, path, folder, sha, bare=manifest is None)

    def _refuse(self, folder: str, sha: str, tree: Tree) -> Candidate:
        path = _join(folder, TREE_MANIFEST)
        error = ManifestInvalid(
            f"{folder or 'the repository'} has more entries than GitHub lists, {len(tree.entries)}; expected a folder "
            "that can be listed; spread its files over several folders"
        )
        return Candidate(self._make_id(self._below(folder), path, [sha]), path, folder, sha, error=error)

    def _make_id(self, hint: str, path: str, content: Sequence[object]) -> str:
        # GitHub takes the repository's name in any case, so workers may have it in several.
        return make_job_id(hint, f"github:{self._repository}:{path}", json.dumps(content).encode())

    def _below(self, folder: str) -> str:
        return folder.removeprefix(self._root).removeprefix("/")


def is_data(name: str) -> bool:
    """Tell whether a file of a chunk folder may hold the chunk's data."""
    return name in (DATA, _CONTENT) or name.startswith(f"{_CONTENT}.")


def _is_chunk(name: str, entry: Entry) -> bool:
    return entry.kind == "folder" and CHUNK_FOLDER.fullmatch(name) is not None


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name
