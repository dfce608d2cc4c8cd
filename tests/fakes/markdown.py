"""Reading the project's own Markdown, as far as tests need it: fenced blocks, tables, words in backticks."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "README.fr.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")))

_FENCE = re.compile(r"^```(\w*)[ ]?(.*?)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_QUOTED = re.compile(r"`([^`]+)`")


@dataclass(frozen=True, slots=True)
class Fence:
    """A fenced block: its language, what stands behind that (a file's name), and its text."""

    language: str
    name: str
    text: str


def read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def fences(page: str, language: str) -> list[Fence]:
    found = [Fence(*match.groups()) for match in _FENCE.finditer(read(page))]
    return [fence for fence in found if fence.language == language]


def table(page: str, *heads: str) -> list[dict[str, str]]:
    """Return the rows of the one table whose columns are `heads`, each as column to text."""
    found = [rows for columns, rows in _tables(read(page)) if columns == list(heads)]
    assert len(found) == 1, f"{page} has {len(found)} tables with the columns {heads}"
    return [dict(zip(heads, row, strict=True)) for row in found[0]]


def quoted(text: str) -> list[str]:
    return _QUOTED.findall(text)


def prose(page: str) -> str:
    return _FENCE.sub("", read(page))


def _tables(text: str) -> Iterator[tuple[list[str], list[list[str]]]]:
    block: list[list[str]] = []
    for line in [*_FENCE.sub("", text).splitlines(), ""]:
        if line.startswith("|"):
            block.append([cell.strip() for cell in line.strip("|").split("|")])
        elif block:
            yield block[0], block[2:]
            block = []
