"""Rebuilding one file from its committed chunks."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from panini_daemon.errors import Incomplete, ReconstructionFailed
from panini_daemon.reader import Reader
from panini_daemon.storage.commits import MANIFEST, read_recipe
from panini_daemon.storage.errors import ManifestInvalid, NotFound
from panini_daemon.storage.json_input import MAX_MANIFEST_BYTES, parse_object
from panini_daemon.storage.reading import read_bounded
from panini_daemon.whole_file import whole_file

_PIECE = 1 << 20
_MAX_MANIFEST_BYTES = 8 * MAX_MANIFEST_BYTES
"""A manifest that was accepted is published with more blanks and more fields than it came with."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What was written: size in bytes, SHA-256, whether the whole file's hash was known and agreed."""

    path: Path
    size: int
    sha256: str
    chunks: int
    whole_file_checked: bool
    exact: bool = True


@dataclass(frozen=True, slots=True)
class _Plan:
    folders: dict[int, str]
    size: int | None
    sha256: str | None


def restore_file(
    reader: Reader,
    folder: str,
    target: Path,
    *,
    accept_reencoded: bool = False,
    on_bytes: Callable[[int], None] = lambda _: None,
) -> Restored:
    """Rebuild the file whose chunks lie in `folder` and write it to `target`, whole or not at all.

    Every chunk's SHA-256 is checked, and the file's where the manifest tells it. `accept_reencoded` allows
    images of which recipe 1.0 kept only the pixels. `on_bytes` is told each chunk's size.

    Raises Incomplete, NotCommitted, ReconstructionFailed, PayloadDamaged, OSError for `target`.
    """
    plan = _plan(reader, folder)
    with whole_file(target) as file:
        end, exact = 0, True
        for chunk_id, place in plan.folders.items():
            commit, chunk = reader.read(place)
            offset = commit.recipe.offset if commit.recipe.assembly_info.size is not None else end
            _require_exact(chunk.exact or accept_reencoded, place)
            exact &= chunk.exact
            if offset > end:
                raise Incomplete(
                    f"{folder}: chunk {chunk_id} begins at byte {offset}, but only {end} bytes come before it; "
                    "a chunk is missing, compress it again"
                )
            file.seek(offset)
            file.write(chunk.data)
            end = max(end, offset + len(chunk.data))
            on_bytes(len(chunk.data))
        digest = _hash(file)
        if exact:
            _check_whole(plan, folder, end, digest)
    return Restored(target, end, digest, len(plan.folders), plan.sha256 is not None, exact)


def restore_chunk(reader: Reader, folder: str, target: Path, *, accept_reencoded: bool = False) -> Restored:
    """Rebuild one chunk and write it to `target`, whole or not at all. Raises like `restore_file`."""
    commit, chunk = reader.read(folder)
    _require_exact(chunk.exact or accept_reencoded, folder)
    with whole_file(target) as file:
        file.write(chunk.data)
    digest = hashlib.sha256(chunk.data).hexdigest()
    return Restored(target, len(chunk.data), digest, 1, bool(commit.recipe.original_hash), chunk.exact)


def _plan(reader: Reader, folder: str) -> _Plan:
    manifest = read_manifest(reader, folder)
    try:
        found = reader.chunk_folders(folder)
    except NotFound as error:
        raise Incomplete(f"{folder or 'the folder'} is not there; `status` lists what the tree holds") from error
    if not found:
        raise Incomplete(f"{folder or 'the folder'} holds no chunk_* folder; `status` lists what the tree holds")
    expected = expected_ids(manifest)
    if missing := sorted(expected - found.keys()):
        raise Incomplete(
            f"{folder}: {len(missing)} of {len(expected)} chunks are not there, the first is chunk {missing[0]}; "
            "wait until they are committed, or submit the file again"
        )
    wanted = {chunk_id: found[chunk_id] for chunk_id in (sorted(expected) or found)}
    offsets = {chunk_id: read_recipe(reader.store, place).offset for chunk_id, place in wanted.items()}
    size, sha256 = manifest.get("total_size"), manifest.get("original_hash")
    return _Plan(
        {chunk_id: wanted[chunk_id] for chunk_id in sorted(wanted, key=lambda one: (offsets[one], one))},
        size if isinstance(size, int) else None,
        sha256 if isinstance(sha256, str) and sha256 else None,
    )


def read_manifest(reader: Reader, folder: str) -> dict[str, object]:
    """Return the file's manifest, empty where there is none. Raises ManifestInvalid."""
    path = f"{folder}/{MANIFEST}" if folder else MANIFEST
    try:
        return parse_object(read_bounded(reader.store, path, _MAX_MANIFEST_BYTES), path, _MAX_MANIFEST_BYTES)
    except NotFound:
        return {}
    except ManifestInvalid as error:
        raise ManifestInvalid(f"{error}; delete the manifest to go by the chunks alone") from error


def expected_ids(manifest: dict[str, object]) -> set[int]:
    """Return the chunk ids that a manifest lists; both published spellings are read."""
    chunks = manifest.get("chunks")
    if not isinstance(chunks, list):
        return set()
    ids = [chunk.get("chunk_id", chunk.get("id")) for chunk in chunks if isinstance(chunk, dict)]
    return {one for one in ids if isinstance(one, int)}


def _check_whole(plan: _Plan, folder: str, size: int, digest: str) -> None:
    if plan.size is not None and size != plan.size:
        raise Incomplete(
            f"{folder} gives {size} bytes, its manifest expects {plan.size}; a chunk is missing at the end"
        )
    if plan.sha256 is not None and digest != plan.sha256:
        raise ReconstructionFailed(
            f"{folder} gives SHA-256 {digest}, its manifest expects {plan.sha256}; nothing was written"
        )


def _require_exact(acceptable: bool, folder: str) -> None:  # noqa: FBT001
    if not acceptable:
        raise ReconstructionFailed(
            f"{folder} is an image of which recipe 1.0 kept only the pixels: the file that can be rebuilt is "
            "another than the original; pass --accept-reencoded to have it all the same"
        )


def _hash(file: BinaryIO) -> str:
    file.seek(0)
    digest = hashlib.sha256()
    while piece := file.read(_PIECE):
        digest.update(piece)
    return digest.hexdigest()
