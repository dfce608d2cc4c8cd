"""Change some members of a JSON object in its text, and leave every other character as it is."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\r\n]*")


@dataclass(frozen=True, slots=True)
class _Member:
    """Where a member stands in the text: its key's first character, and first and last (exclusive) of its value."""

    key: str
    start: int
    value: int
    end: int
    colon: str
    """What stands between key and value."""


@dataclass(frozen=True, slots=True)
class _Style:
    """How the object is written: between two members after the comma, and between key and value.

    `indent` and `newline` are None for an object on one line.
    """

    gap: str
    colon: str
    indent: str | None = None
    newline: str | None = None

    def write(self, value: object) -> str:
        """Return a member's value as JSON in this style."""
        if self.indent and self.newline is not None:
            text = json.dumps(value, ensure_ascii=False, indent=self.indent)
            return text.replace("\n", self.newline + self.indent)
        space = " " if " " in self.colon else ""
        return json.dumps(value, ensure_ascii=False, separators=(f",{space}", f":{space}"))


def edit_object(text: str, changes: Mapping[str, Any], removed: Iterable[str] = ()) -> str:
    """Return `text` with members set and removed; `text` is one JSON object that `json.loads` takes.

    New members come last, in the indentation that the object has (2 where it is empty). Where a key stands twice,
    the last one counts, as for `json.loads`.
    """
    text = _without(text, frozenset(removed))
    for key, value in changes.items():
        text = _with(text, _members(text), key, value)
    return text


def _with(text: str, members: list[_Member], key: str, value: object) -> str:
    if not members:
        start, end = text.index("{") + 1, text.rindex("}")
        style = _Style("\n  ", ": ", "  ", "\n")
        return f"{text[:start]}\n  {_quote(key)}: {style.write(value)}\n{text[end:]}"
    style = _style(text, members)
    for member in reversed(members):
        if member.key == key:
            return text[: member.value] + style.write(value) + text[member.end :]
    end = members[-1].end
    return f"{text[:end]},{style.gap}{_quote(key)}{style.colon}{style.write(value)}{text[end:]}"


def _without(text: str, keys: frozenset[str]) -> str:
    members = _members(text)
    # With each member that stays goes what stands before it, the comma among it; not so for the first one.
    kept = [number for number, member in enumerate(members) if member.key not in keys]
    if len(kept) == len(members):
        return text
    pieces = [
        text[members[number - 1].end if place else members[number].start : members[number].end]
        for place, number in enumerate(kept)
    ]
    return text[: members[0].start] + "".join(pieces) + text[members[-1].end :]


def _style(text: str, members: list[_Member]) -> _Style:
    before = text[text.index("{") + 1 : members[0].start]
    colon = members[0].colon
    if "\n" in before:
        newline = "\r\n" if "\r\n" in before else "\n"
        indent = before.rpartition("\n")[2]
        return _Style(newline + indent, colon, indent, newline)
    if len(members) > 1:
        return _Style(text[members[0].end : members[1].start].partition(",")[2], colon)
    return _Style(" " if " " in colon else "", colon)


def _members(text: str) -> list[_Member]:
    members = []
    at = _skip(text, text.index("{") + 1)
    while text[at] != "}":
        start = at
        key, key_end = _DECODER.raw_decode(text, start)
        value = _skip(text, _skip(text, key_end) + 1)
        _, end = _DECODER.raw_decode(text, value)
        members.append(_Member(key, start, value, end, text[key_end:value]))
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)
    return members


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _quote(key: str) -> str:
    return json.dumps(key, ensure_ascii=False)
