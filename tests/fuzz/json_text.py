"""JSON as its characters: documents that a parser of JSON never gives out, such as a key that stands twice."""

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Raw:
    """Characters that go into the document as they are."""

    text: str


class Pairs(list[list[Any]]):
    """An object as its members [key, value], in order; a key may stand twice."""


def parse(text: str | bytes) -> Any:
    """Return a document whose objects are `Pairs`."""
    return json.loads(text, object_pairs_hook=lambda members: Pairs([list(member) for member in members]))


def write(value: Any, *, ascii_only: bool = True) -> str:
    """Return a document's text; Python's own values are written as JSON is, not quite JSON among them."""
    if isinstance(value, Raw):
        return value.text
    if isinstance(value, Pairs):
        members = (f"{_quote(key, ascii_only)}: {write(inner, ascii_only=ascii_only)}" for key, inner in value)
        return "{" + ", ".join(members) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(write(inner, ascii_only=ascii_only) for inner in value) + "]"
    if isinstance(value, dict):
        return write(Pairs([[key, inner] for key, inner in value.items()]), ascii_only=ascii_only)
    return json.dumps(value, ensure_ascii=ascii_only)


def _quote(key: object, ascii_only: bool) -> str:
    return json.dumps(str(key), ensure_ascii=ascii_only)
