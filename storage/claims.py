"""Which paths of the inbox belong to which manifest, so that no job takes away another's data."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from panini_daemon.storage.plans import CHUNK_FOLDER, Plan


@dataclass(frozen=True, slots=True)
class Claim:
    """What a manifest that is no chunk tree's names: `data`, the `folders` of data files, and others' `trees`."""

    data: frozenset[str] = frozenset()
    folders: frozenset[str] = frozenset()
    trees: frozenset[str] = frozenset()


def claim_of(plan: Plan) -> Claim:
    """Return what a plan claims; a tree's own chunks need no claim."""
    if plan.tree is not None:
        return Claim()
    files = {chunk.data_path for chunk in plan.chunks if not chunk.folders}
    folders = {path.rpartition("/")[0] for path in files}
    chunk_folders = {folder for chunk in plan.chunks for folder in chunk.folders}
    in_trees = chunk_folders | {path for path in folders if CHUNK_FOLDER.fullmatch(path.rpartition("/")[2])}
    return Claim(
        frozenset(files | chunk_folders),
        frozenset(folders),
        frozenset(path.rpartition("/")[0] for path in in_trees),
    )


@dataclass(slots=True)
class Claims:
    """All claims of an inbox, by the manifest that makes them."""

    _data: dict[str, set[str]] = field(default_factory=dict)
    _folders: dict[str, set[str]] = field(default_factory=dict)
    _trees: dict[str, set[str]] = field(default_factory=dict)

    def add(self, manifest: str, claim: Claim) -> None:
        """Note what `manifest` claims."""
        for held, paths in self._kinds(claim):
            for path in paths:
                held.setdefault(path, set()).add(manifest)

    def drop(self, manifest: str, claim: Claim) -> None:
        """Forget what `manifest` claimed."""
        for held, paths in self._kinds(claim):
            for path in paths:
                owners = held.get(path, set())
                owners.discard(manifest)
                if not owners:
                    held.pop(path, None)

    def is_data_folder(self, folder: str) -> bool:
        """Tell whether a folder directly holds a job manifest's data files."""
        return folder in self._folders

    def is_tree_taken(self, tree: str) -> bool:
        """Tell whether chunks of a folder are named by a manifest outside it."""
        return tree in self._trees

    def is_needed(self, path: str, manifests: Iterable[str]) -> bool:
        """Tell whether a manifest other than `manifests` names this very path as data."""
        return bool(self._data.get(path, set()) - set(manifests))

    def _kinds(self, claim: Claim) -> tuple[tuple[dict[str, set[str]], frozenset[str]], ...]:
        return ((self._data, claim.data), (self._folders, claim.folders), (self._trees, claim.trees))
