"""Reading committed chunks back from a tree or a copied folder."""

import re
from dataclasses import dataclass, field

from panini_daemon.compressors import Registry
from panini_daemon.compressors.device import Device
from panini_daemon.errors import ReconstructionFailed
from panini_daemon.reconstruction import Reconstructed, reconstruct
from panini_daemon.storage.commits import Commit, find_commit, find_target
from panini_daemon.storage.digests import Digests
from panini_daemon.storage.errors import NotFound
from panini_daemon.storage.recipe import Recipe
from panini_daemon.storage.references import depends_on_target
from panini_daemon.storage.root import CHUNKS
from panini_daemon.storage.store import Store

CHUNK_FOLDER = re.compile(r"chunk_(\d{4,})")


@dataclass(frozen=True, slots=True)
class Reader:
    """Decodes chunks that are committed in `store`. The target of several references is hashed once."""

    store: Store
    registry: Registry
    device: Device
    digests: Digests = field(default_factory=Digests, compare=False)

    def find(self, folder: str) -> Commit:
        """Return the chunk committed in `folder`. Raises NotCommitted."""
        return find_commit(self.store, folder, self.digests)

    def read(self, folder: str) -> tuple[Commit, Reconstructed]:
        """Decode the chunk committed in `folder`. Raises NotCommitted, ReconstructionFailed, PayloadDamaged."""
        commit = self.find(folder)
        return commit, self.decode(commit.recipe, commit.payload_path)

    def decode(self, recipe: Recipe, payload_path: str) -> Reconstructed:
        """Decode the payload at a path by a recipe.

        Raises NotFound, NotCommitted for a reference without its target, ReconstructionFailed, PayloadDamaged.
        """
        payload = self.store.read(payload_path)
        decoded = None
        if depends_on_target(recipe):
            target = find_target(self.store, payload_path.rpartition("/")[0], recipe, self.digests)
            decoded = self.decode(target.recipe, target.payload_path).data
        return reconstruct(
            recipe, payload, registry=self.registry, device=self.device, resolve=self._resolve, decoded=decoded
        )

    def chunk_folders(self, folder: str) -> dict[int, str]:
        """Return the chunk folders right below `folder`, by chunk id, ascending. Raises NotFound."""
        found = {
            int(match[1]): f"{folder}/{entry.name}" if folder else entry.name
            for entry in self.store.list(folder)
            if entry.kind == "folder" and (match := CHUNK_FOLDER.fullmatch(entry.name))
        }
        return dict(sorted(found.items()))

    def _resolve(self, path: str) -> tuple[Recipe, bytes]:
        """Find the target of a reference; recipe 1.0 wrote the path with or without the tree's folder."""
        tail = path.removeprefix("chunks/").removeprefix(f"{CHUNKS}/")
        for candidate in (f"{CHUNKS}/{tail}", path):
            try:
                self.store.stat(candidate)
            except NotFound:
                continue
            commit = find_commit(self.store, candidate)
            return commit.recipe, self.store.read(commit.payload_path)
        raise ReconstructionFailed(
            f"a reference names {path!r}, which is not in this tree; restore that chunk's folder from a copy"
        )
