"""Slices: chunks of one file that were compressed together, as a run of bytes in one payload.

The payload is a file of its own beside the chunk folders, called by its SHA-256, so that nobody ever writes other
bytes under its name. Each chunk's own compressed.bin is empty; its recipe tells all that decoding needs.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from panini_daemon.storage.digests import MAX_PAYLOAD_BYTES
from panini_daemon.storage.errors import RecipeInvalid, UnsafeName
from panini_daemon.storage.names import safe_path
from panini_daemon.storage.recipe import Recipe
from panini_daemon.storage.references import REFERENCE_METHOD
from panini_daemon.storage.root import CHUNKS

SLICE_METHOD, SLICE_RECONSTRUCTION = "solid_slice_v1", "solid_slice"

RUN_FILE = re.compile(r"run_([0-9a-f]{64})\.bin")
MAX_RUN_BYTES = 1 << 30
"""Bytes that a run decodes to at most, as many as a chunk has."""


@dataclass(frozen=True, slots=True)
class RunFile:
    """The payload of a run: its path below compressed_chunks/, and its size in bytes."""

    path: str
    size: int

    @property
    def sha256(self) -> str:
        """The SHA-256 of the file, in hex, which its name tells."""
        return self.name[4:-4]

    @property
    def name(self) -> str:
        """The file's own name."""
        return self.path.rpartition("/")[2]

    @property
    def base(self) -> str:
        """The file in the tree whose chunks were compressed."""
        return self.path.rpartition("/")[0]

    @property
    def place(self) -> str:
        """The path from the tree's root on."""
        return f"{CHUNKS}/{self.path}"


@dataclass(frozen=True, slots=True)
class Run:
    """A run of bytes: `size` of them are in `file`, encoded by `method` with `parameters`."""

    file: RunFile
    method: str
    parameters: Mapping[str, object]
    size: int


@dataclass(frozen=True, slots=True)
class Slice:
    """A chunk's place: it begins `offset` bytes into the run."""

    run: Run
    offset: int

    def to_parameters(self, base: str | None = None) -> dict[str, object]:
        """Return the parameters of the recipe of a chunk, which may tell the `base` of its file."""
        file = self.run.file
        return {
            "run": file.name if file.base == base else file.path,
            "run_size": self.run.file.size,
            "method": self.run.method,
            "parameters": dict(self.run.parameters),
            "decoded_size": self.run.size,
            "offset": self.offset,
        }

    def share(self, size: int) -> int:
        """Return the bytes of the file that a chunk of `size` bytes counts for; those of a run add up to it."""
        if not self.run.size:
            return 0
        end = self.offset + size
        return self.run.file.size * end // self.run.size - self.run.file.size * self.offset // self.run.size


def name_run_file(base: str, sha256: str) -> str:
    """Return the path below compressed_chunks/ of the run with this SHA-256, in hex."""
    return f"{base}/run_{sha256}.bin"


def is_slice(recipe: Recipe) -> bool:
    """Tell whether a chunk's bytes are in a run."""
    return recipe.compression_method == SLICE_METHOD


def parse_slice(recipe: Recipe) -> Slice:
    """Read the parameters of a slice. Raises RecipeInvalid."""
    told = recipe.reconstruction.parameters
    method, parameters = told.get("method"), told.get("parameters")
    if not isinstance(method, str) or not isinstance(parameters, dict):
        raise _invalid(recipe, f"method {method!r:.100}, parameters {parameters!r:.100}", "a method and its parameters")
    if method in (SLICE_METHOD, REFERENCE_METHOD):
        raise _invalid(recipe, f"method {method}", "a method that needs no other chunk")
    size, offset = _read_number(recipe, "decoded_size", MAX_RUN_BYTES), _read_number(recipe, "offset", MAX_RUN_BYTES)
    if recipe.size is None or offset + recipe.size > size:
        raise _invalid(recipe, f"{recipe.size} bytes at offset {offset} of {size}", "a place inside the run")
    return Slice(Run(_read_file(recipe), method, parameters, size), offset)


def charged_size(recipe: Recipe, payload_size: int) -> int:
    """Return the bytes in the tree that a chunk counts for: its payload's, or the share of a run that it was given."""
    told = recipe.stats.get("compressed_size") if is_slice(recipe) else payload_size
    return told if isinstance(told, int) and 0 <= told <= MAX_PAYLOAD_BYTES else 0


def _read_file(recipe: Recipe) -> RunFile:
    path = recipe.reconstruction.parameters.get("run")
    try:
        if isinstance(path, str) and "/" not in path:
            path = f"{recipe.base or ''}/{path}"
        if isinstance(path, str) and RUN_FILE.fullmatch(safe_path(path).rpartition("/")[2]):
            return RunFile(path, _read_number(recipe, "run_size", MAX_PAYLOAD_BYTES))
        found = f"run {path!r:.300}"
    except UnsafeName as error:
        found = str(error)
    raise _invalid(recipe, found, "a run_<SHA-256>.bin, alone or with its path below compressed_chunks/")


def _read_number(recipe: Recipe, name: str, largest: int) -> int:
    value = recipe.reconstruction.parameters.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= largest:
        raise _invalid(recipe, f"{name} {value!r:.100}", f"a number of bytes, at most {largest}")
    return value


def _invalid(recipe: Recipe, found: str, expected: str) -> RecipeInvalid:
    return RecipeInvalid(
        f"chunk {recipe.chunk_id}, {SLICE_METHOD}: found {found}; expected {expected}; "
        "restore recipe.json from a copy or compress the chunk again"
    )
