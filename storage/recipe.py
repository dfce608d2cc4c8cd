"""recipe.json: how compressed.bin becomes the chunk again. Reads versions 1.0 and 1.1, writes 1.1."""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, FailFast, Field, ValidationError

from panini_daemon.storage.errors import ManifestInvalid, RecipeInvalid
from panini_daemon.storage.json_input import parse_object

MAX_RECIPE_BYTES = 16 * 1024 * 1024

_Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_MAX_NUMBER = 2**63 - 1
_MAX_STEPS = 1000
_Size = Annotated[int, Field(ge=0, le=_MAX_NUMBER, strict=True)]


def _require_few(value: object) -> object:
    """Refuse what would fill memory with complaints about each of its values."""
    if isinstance(value, dict) and len(value) > _MAX_STEPS:
        raise ValueError(f"{len(value)} values; at most {_MAX_STEPS} are expected")
    return value


class Reconstruction(BaseModel):
    """Which decoder, and all that it needs beside compressed.bin.

    Version 1.0 wrote some parameters beside `method`; `options` sees both places.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    method: str = Field(min_length=1, max_length=200)
    parameters: dict[str, object] = Field(default_factory=dict)

    @property
    def options(self) -> dict[str, object]:
        """The parameters from both places; those under `parameters` win."""
        return {**(self.model_extra or {}), **self.parameters}


class AssemblyInfo(BaseModel):
    """Where the chunk stands in its file: `offset` and `size` in bytes, `ordering` counted from 0."""

    model_config = ConfigDict(frozen=True, extra="allow")

    offset: _Size = 0
    size: _Size | None = None
    total_chunks: _Size | None = None
    ordering: object = None
    depends_on: Annotated[list[_Size], FailFast()] = Field(default_factory=list)


class Recipe(BaseModel):
    """The contract's recipe. Hashes are SHA-256 in hex; unknown fields are kept."""

    model_config = ConfigDict(frozen=True, extra="allow")

    version: Literal["1.0", "1.1"] = "1.0"
    chunk_id: _Size
    original_hash: _Sha256 | Literal[""]
    compression_method: str = Field(min_length=1, max_length=200)
    reconstruction: Reconstruction
    assembly_info: AssemblyInfo = Field(default_factory=AssemblyInfo)
    stats: dict[str, object] = Field(default_factory=dict)
    uploaded_at: str | None = None
    worker: str | None = None
    payload_hash: _Sha256 | None = None
    pattern_type: str | None = None
    grammar_id: str | None = None
    base: str | None = None
    source: dict[str, object] = Field(default_factory=dict)
    timings: Annotated[dict[str, float], BeforeValidator(_require_few)] = Field(default_factory=dict)
    device: str | None = None
    software: str | None = None

    @property
    def size(self) -> int | None:
        """The chunk's size in bytes where the recipe tells it."""
        if self.assembly_info.size is not None:
            return self.assembly_info.size
        size = self.stats.get("original_size")
        return size if isinstance(size, int) and not isinstance(size, bool) and 0 <= size <= _MAX_NUMBER else None

    @property
    def offset(self) -> int:
        """The chunk's place in its file; 1.0 had two places for it."""
        offset = (self.reconstruction.model_extra or {}).get("offset")
        return offset if isinstance(offset, int) and 0 <= offset <= _MAX_NUMBER else self.assembly_info.offset


def parse_recipe(data: bytes) -> Recipe:
    """Read recipe.json. Raises RecipeInvalid, saying which field is wrong."""
    try:
        # Recipe 1.0 may have Infinity among its stats: the ratio of a chunk that became nothing.
        recipe = Recipe.model_validate(parse_object(data, "recipe.json", MAX_RECIPE_BYTES, constants=True))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part)[:80] for part in first["loc"]) or "the whole"
        raise RecipeInvalid(
            f"recipe.json: {where}: {first['msg']}; expected a recipe of version 1.0 or 1.1, "
            "restore the file from a copy or compress the chunk again"
        ) from error
    except ManifestInvalid as error:
        raise RecipeInvalid(f"{error}; restore the file from a copy or compress the chunk again") from error
    if recipe.version == "1.1" and recipe.payload_hash is None:
        raise RecipeInvalid("recipe.json: version 1.1 without payload_hash; compress the chunk again")
    return recipe


def recipe_schema() -> dict[str, Any]:
    """Return the JSON Schema of recipe.json, versions 1.0 and 1.1."""
    schema = Recipe.model_json_schema(mode="validation")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def format_recipe(fields: Mapping[str, object]) -> bytes:
    """Write a recipe's fields as UTF-8 JSON, on one line: a tree has many of them, and most chunks are small."""
    return (json.dumps(fields, ensure_ascii=False, separators=(",", ":")) + "\n").encode()
