"""From recipe and payload back to the chunk: the one way in which anything here decodes."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from panini_daemon.compressors import Registry, decompress
from panini_daemon.compressors.device import Device
from panini_daemon.compressors.errors import PayloadDamaged, UnknownMethod
from panini_daemon.compressors.protocol import Json
from panini_daemon.errors import ReconstructionFailed
from panini_daemon.storage.recipe import Recipe
from panini_daemon.storage.references import REFERENCE_METHOD

Resolve = Callable[[str], tuple[Recipe, bytes]]
"""Finds the committed chunk that a reference names: its recipe and payload."""

REENCODED_METHOD = "semantic_image_v1"


@dataclass(frozen=True, slots=True)
class Reconstructed:
    """A chunk's bytes. `exact` is False only where recipe 1.0 kept an image's pixels but not its file."""

    data: bytes
    exact: bool = True


def reconstruct(
    recipe: Recipe,
    payload: bytes,
    *,
    registry: Registry,
    device: Device,
    resolve: Resolve | None = None,
    decoded: bytes | None = None,
) -> Reconstructed:
    """Decode one chunk and check it against the recipe's original_hash.

    `decoded` is what the chunk that a reference names was decoded to, where that was done before.
    Raises ReconstructionFailed where the bytes differ, PayloadDamaged, UnknownMethod.
    """
    if decoded is not None:
        data = decoded
    elif recipe.compression_method == REFERENCE_METHOD:
        data = _follow(recipe, registry, device, resolve)
    else:
        data = _decode(recipe, payload, registry, device)
    found = hashlib.sha256(data).hexdigest()
    if recipe.original_hash in ("", found):
        return Reconstructed(data)
    if recipe.compression_method == REENCODED_METHOD:
        return Reconstructed(data, exact=False)
    raise ReconstructionFailed(
        f"chunk {recipe.chunk_id} decodes to {len(data)} bytes with SHA-256 {found}; its recipe expects "
        f"{recipe.original_hash}; compress the chunk again from its source"
    )


def _decode(recipe: Recipe, payload: bytes, registry: Registry, device: Device) -> bytes:
    method = recipe.compression_method
    if method not in registry.names() and recipe.reconstruction.method == "gzip_decompress":
        method = "generic_gzip_v1"  # 1.0 let any name stand before gzip
    if method not in registry.names():
        raise UnknownMethod(
            f"compression_method is {method!r}; this installation decodes {', '.join(registry.names())}; "
            "install the plugin that wrote it"
        )
    return decompress(
        payload,
        registry=registry,
        method=method,
        parameters=cast("dict[str, Json]", recipe.reconstruction.options),
        size=_size(recipe, payload, method),
        device=device,
    )


def _size(recipe: Recipe, payload: bytes, method: str) -> int:
    if recipe.size is not None:
        return recipe.size
    if method == "passthrough_v1":
        return len(payload)
    if "gzip" in recipe.reconstruction.method and len(payload) >= 18:
        return int.from_bytes(payload[-4:], "little")  # ISIZE, RFC 1952 section 2.3.1
    raise PayloadDamaged(
        f"the recipe of chunk {recipe.chunk_id} tells no size (assembly_info.size or stats.original_size), "
        f"which {method} needs"
    )


def _follow(recipe: Recipe, registry: Registry, device: Device, resolve: Resolve | None) -> bytes:
    path = recipe.reconstruction.options.get("reference_path")
    if resolve is None or not isinstance(path, str):
        raise ReconstructionFailed(
            f"chunk {recipe.chunk_id} refers to {path!r}; expected a reference_path inside the tree it lies in; "
            "restore it from the tree, not from a copied folder"
        )
    target, payload = resolve(path)
    if target.compression_method == REFERENCE_METHOD:
        raise ReconstructionFailed(
            f"chunk {recipe.chunk_id} refers to {path}, which refers further; expected a chain of one step"
        )
    return reconstruct(target, payload, registry=registry, device=device).data
