"""Weights in the tree: what a payload names must be decodable from the tree alone."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from panini_daemon.compressors import Surroundings
from panini_daemon.compressors.models.shelf import FILE, Shelf, own_folder
from panini_daemon.storage.errors import NotFound, StoreUnavailable
from panini_daemon.storage.root import MODELS
from panini_daemon.storage.store import Store

_PIECE = 1 << 20


def model_folders(*roots: Path) -> list[Path]:
    """Return where weights may lie: in the trees at `roots`, then among this user's own."""
    return [*(root / MODELS for root in roots), own_folder()]


def surroundings(*roots: Path) -> Surroundings:
    """Return what codecs that decode from these trees may use."""
    return Surroundings(model_folders(*roots))


def keep_weights(store: Store, folders: Sequence[Path], parameters: Mapping[str, Any]) -> None:
    """Put the model that a payload's parameters name into the tree, unless it is there; read back what was put.

    Raises ModelMissing where no folder has it, StoreUnavailable where it does not read back.
    """
    digest = parameters.get("model")
    if not isinstance(digest, str):
        return
    path = f"{MODELS}/{digest}/{FILE}"
    source = Shelf(folders).find(digest)
    try:
        if store.stat(path).size == source.stat().st_size:
            return
    except NotFound:
        pass
    store.put(path, source)
    found = hashlib.sha256()
    with store.open(path) as file:
        while piece := file.read(_PIECE):
            found.update(piece)
    if found.hexdigest() != digest:
        raise StoreUnavailable(
            f"{path} does not read back as it was written; the folder may be full or failing; it is tried again"
        )
