"""Weights in the tree: what a payload names must be decodable from the tree alone."""

import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from panini_daemon.compressors import Surroundings
from panini_daemon.compressors.models.shelf import FILE, Shelf, own_folder
from panini_daemon.config import ObjectUrl
from panini_daemon.storage.errors import NotFound, StoreUnavailable
from panini_daemon.storage.root import MODELS
from panini_daemon.storage.store import Store

if TYPE_CHECKING:
    from panini_daemon.slow_work import Told

_PIECE = 1 << 20
_DIGEST = re.compile(r"[0-9a-f]{64}")


def model_folders(*roots: Path | ObjectUrl) -> list[Path]:
    """Return where weights may lie: in the trees at `roots` that are folders, then among this user's own."""
    return [*(root / MODELS for root in roots if isinstance(root, Path)), own_folder()]


def surroundings(*roots: Path | ObjectUrl, told: "Told | None" = None) -> Surroundings:
    """Return what codecs that decode from these trees may use; slow ones tell their progress to `told`."""
    around = Surroundings(model_folders(*roots))
    return replace(around, progress=told) if told else around


def surroundings_of(root: Path | ObjectUrl, store: Store, told: "Told | None" = None) -> Surroundings:
    """Return what codecs that decode from the tree in `store` may use; slow ones tell their progress to `told`.

    What a tree that is no folder has of models is copied to this user's own first, checked by its hash.
    """
    if not isinstance(root, Path):
        _bring_weights(store, own_folder())
    return surroundings(root, told=told)


def _bring_weights(store: Store, own: Path) -> None:
    try:
        names = [entry.name for entry in store.list(MODELS) if _DIGEST.fullmatch(entry.name)]
    except NotFound:
        return
    for digest in names:
        target = own / digest / FILE
        if target.is_file():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f"{FILE}.{secrets.token_hex(4)}.tmp")
        try:
            with store.open(f"{MODELS}/{digest}/{FILE}") as source, temporary.open("wb") as copy:
                found = _copy(source, copy)
            if found == digest:  # else a decoder that needs it says that it is missing
                temporary.replace(target)
        except NotFound:
            continue
        finally:
            temporary.unlink(missing_ok=True)


def _copy(source: BinaryIO, target: BinaryIO) -> str:
    digest = hashlib.sha256()
    while piece := source.read(_PIECE):
        digest.update(piece)
        target.write(piece)
    return digest.hexdigest()


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
