"""Chunks that were compressed together: the run of bytes in the host's payload, and the slices that point into it.

The host is one chunk of the run; its compressed.bin holds the whole run. Each other chunk is a slice: its own
compressed.bin is empty, and its recipe names the host's folder and payload.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from panini_daemon.storage.errors import RecipeInvalid, UnsafeName
from panini_daemon.storage.names import safe_path
from panini_daemon.storage.recipe import Recipe
from panini_daemon.storage.root import CHUNKS

WHOLE_METHOD, WHOLE_RECONSTRUCTION = "solid_whole_v1", "solid_decompress_and_slice"
SLICE_METHOD, SLICE_RECONSTRUCTION = "solid_slice_v1", "solid_slice_of_host"

_DIGEST_LENGTH = 64


@dataclass(frozen=True, slots=True)
class Run:
    """What a host's payload holds: `size` bytes, encoded by `method`; the host's chunk begins at `offset` of them."""

    method: str
    parameters: Mapping[str, object]
    size: int
    offset: int

    def to_parameters(self) -> dict[str, object]:
        """Return the parameters of the host's recipe."""
        return {"method": self.method, "parameters": dict(self.parameters), "size": self.size, "offset": self.offset}


@dataclass(frozen=True, slots=True)
class Slice:
    """Where a chunk's bytes are: from `offset` on in the run of the host at `reference_path` with `payload_hash`.

    The path is below compressed_chunks/, as `books/alice.txt/chunk_0003`.
    """

    reference_path: str
    payload_hash: str
    offset: int

    def to_parameters(self) -> dict[str, object]:
        """Return the parameters of the slice's recipe."""
        return {"reference_path": self.reference_path, "payload_hash": self.payload_hash, "offset": self.offset}


def parse_run(recipe: Recipe) -> Run:
    """Read a host's parameters. Raises RecipeInvalid."""
    told = recipe.reconstruction.parameters
    method, parameters = told.get("method"), told.get("parameters")
    size, offset = _read_number(recipe, "size"), _read_number(recipe, "offset")
    if not isinstance(method, str) or not isinstance(parameters, dict):
        raise _invalid(recipe, "parameters.method and parameters.parameters", "a method and its parameters")
    if method in (WHOLE_METHOD, SLICE_METHOD):
        raise _invalid(recipe, f"parameters.method {method}", "a method that needs no other chunk")
    if offset + (recipe.size or 0) > size:
        raise _invalid(recipe, f"offset {offset} and {recipe.size} bytes of a run of {size}", "a place inside it")
    return Run(method, parameters, size, offset)


def parse_slice(recipe: Recipe) -> Slice:
    """Read a slice's parameters. Raises RecipeInvalid."""
    told = recipe.reconstruction.parameters
    path, digest = told.get("reference_path"), told.get("payload_hash")
    if not isinstance(path, str) or not isinstance(digest, str) or len(digest) != _DIGEST_LENGTH:
        raise _invalid(recipe, f"reference_path {path!r}, payload_hash {digest!r}", "the host's path and payload_hash")
    try:
        safe_path(path)
    except UnsafeName as error:
        raise _invalid(recipe, f"reference_path: {error}", "a path below compressed_chunks/") from error
    return Slice(path, digest, _read_number(recipe, "offset"))


def list_host_folders(folder: str, reference_path: str) -> list[str]:
    """Return where the host of a slice in `folder` may be: in its tree, or beside it in a folder that was copied."""
    parent = folder.rpartition("/")[0]
    beside = reference_path.rpartition("/")[2]
    return list(dict.fromkeys([f"{CHUNKS}/{reference_path}", f"{parent}/{beside}" if parent else beside]))


def _read_number(recipe: Recipe, name: str) -> int:
    value = recipe.reconstruction.parameters.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise _invalid(recipe, f"parameters.{name} {value!r}", "a number of bytes")
    return value


def _invalid(recipe: Recipe, found: str, expected: str) -> RecipeInvalid:
    return RecipeInvalid(
        f"chunk {recipe.chunk_id}, {recipe.compression_method}: found {found[:300]}; expected {expected}; "
        "restore recipe.json from a copy or compress the chunk again"
    )
