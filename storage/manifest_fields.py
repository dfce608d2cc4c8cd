"""The types of the fields in manifests: strict where a wrong value would do harm, lenient about hints."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, ValidationError

from panini_daemon.storage.errors import ManifestInvalid

MAX_CHUNKS = 1_000_000
_MAX_NUMBER = 2**63 - 1
_MAX_HINT = 200
_PRIORITIES = {"lowest": -20, "low": -10, "normal": 0, "medium": 0, "high": 10, "urgent": 20, "critical": 20}
_MAX_PRIORITY = 1_000_000
_CHUNK = re.compile(r"(?:chunk_)?([0-9]{1,18})")

M = TypeVar("M", bound=BaseModel)


def _read_number(value: object) -> object:
    """Let digits in quotes be a number: shell-made payloads quote all values."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 19:
        return int(value)
    return value


def _read_hash(text: str) -> str | None:
    return text.lower().removeprefix("sha256:") or None


def _read_hint(value: object) -> str | None:
    return value[:_MAX_HINT] if isinstance(value, str) and value else None


def _read_priority(value: object) -> int:
    if isinstance(value, str):
        text = value.strip().lower()
        value = _PRIORITIES.get(text, 0)
        if re.fullmatch(r"[+-]?[0-9]{1,9}", text):
            value = int(text)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0
    return int(max(-_MAX_PRIORITY, min(_MAX_PRIORITY, value)))


def _read_ids(value: object) -> list[int]:
    found = []
    for item in value[:MAX_CHUNKS] if isinstance(value, list) else []:
        if isinstance(item, int) and not isinstance(item, bool) and 0 <= item <= _MAX_NUMBER:
            found.append(item)
        elif isinstance(item, str) and (match := _CHUNK.fullmatch(item)):
            found.append(int(match[1]))
    return found


Number = Annotated[int, Field(ge=0, le=_MAX_NUMBER, strict=True)]
"""Bytes, offsets, ids."""

LenientNumber = Annotated[Number, BeforeValidator(_read_number)]

Sha256 = Annotated[str, Field(pattern=r"^(([sS][hH][aA]256:)?[0-9a-fA-F]{64})?$"), AfterValidator(_read_hash)]
"""64 hex digits, in either case, with or without `sha256:` before them; parsed to lower case, empty to None."""

Hint = Annotated[str | None, BeforeValidator(_read_hint)]
"""Text that only hints at something: whatever is no text counts as absent."""

Priority = Annotated[
    int,
    BeforeValidator(_read_priority, json_schema_input_type=int | str),
    Field(description="Higher comes first: a number, or low (-10), normal (0), high (10), urgent (20)."),
]

ChunkIds = Annotated[list[int], BeforeValidator(_read_ids)]
"""Chunk ids, as numbers or as `chunk_0000`; what is neither is left out."""


def respell(fields: object, spellings: Mapping[str, tuple[str, ...]]) -> object:
    """Give fields their first spelling; where several are there, the first that is not empty counts."""
    if not isinstance(fields, dict):
        return fields
    spelled: dict[str, Any] = dict(fields)
    for name, others in spellings.items():
        for other in others:
            if other in spelled:
                value = spelled.pop(other)
                if spelled.get(name) in (None, ""):
                    spelled[name] = value
    return spelled


def validate(model: type[M], fields: object, what: str, expected: str) -> M:
    """Return `fields` as a `model`. Raises ManifestInvalid, naming the first wrong field."""
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part)[:80] for part in first["loc"]) or "the whole"
        raise ManifestInvalid(f"{what}: {where}: {first['msg']}; expected {expected}; write it again") from error
