"""GitHub's OpenAPI description, cut to what concerns the contents of one repository."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

WHOLE = Path("node_modules", "@octokit", "openapi", "generated", "api.github.com.json")
REPOSITORY = "/repos/{owner}/{repo}"
PARTS = tuple(f"{REPOSITORY}/{part}" for part in ("git/", "commits/", "contents/", "dispatches", "statuses/"))
WITH_SLASHES = {"ref", "path"}
"""Parameters that are one segment to the description, and any number to GitHub."""
MEDIA_TYPES = {"application/json", "application/vnd.github+json"}
"""What every endpoint gives; an endpoint that gives others says so in its description's text."""


@dataclass(frozen=True)
class Operation:
    """A method and path that GitHub describes; `name` is both, without what all paths begin with."""

    name: str
    method: str
    path: str
    pattern: re.Pattern[str]
    text: str
    parameters: frozenset[str]

    def fill(self, values: Mapping[str, str]) -> str:
        """Return the path with its parameters, each one segment."""
        return re.sub(r"\{(\w+)\}", lambda found: quote(unquote(values[found[1]]), safe=""), self.path)


class Description:
    """The operations that concern one repository's contents."""

    def __init__(self, installed: Path) -> None:
        self.document = cut(json.loads((installed / WHOLE).read_bytes()))
        self._operations = list(_list_operations(self.document))

    def find(self, method: str, path: str) -> tuple[Operation | None, str]:
        """Return the operation, None where none is described, and the path as Prism understands it."""
        for operation in self._operations:
            if operation.method == method and (found := operation.pattern.fullmatch(path)):
                return operation, operation.fill(found.groupdict())
        return None, path

    def write(self, path: Path) -> Path:
        """Write it for Prism."""
        path.write_text(json.dumps(self.document), "utf-8")
        return path


def cut(document: dict[str, Any]) -> dict[str, Any]:
    """Return what concerns one repository's contents, with all that it refers to: whole, Prism takes 8 s to start.

    Properties of a request's body that are not described are forbidden: GitHub ignores what it does not know, and
    so would hide a misspelt name.
    """
    paths = {path: item for path, item in document["paths"].items() if path == REPOSITORY or path.startswith(PARTS)}
    for item in paths.values():
        for operation in item.values():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                _forbid_others(content["schema"])
    components: dict[str, dict[str, Any]] = {}
    waiting = list(_references(paths))
    while waiting:
        _, _, kind, name = waiting.pop().split("/")
        if name not in components.setdefault(kind, {}):
            components[kind][name] = document["components"][kind][name]
            waiting += _references(components[kind][name])
    return {
        **{name: document[name] for name in ("openapi", "info", "servers")},
        "paths": paths,
        "components": components,
    }


def _list_operations(document: Mapping[str, Any]) -> Iterator[Operation]:
    for path, item in document["paths"].items():
        pattern = re.compile(
            re.sub(
                r"\{(\w+)\}",
                lambda found: f"(?P<{found[1]}>.+)" if found[1] in WITH_SLASHES else f"(?P<{found[1]}>[^/]+)",
                path,
            )
        )
        for method, operation in item.items():
            verb = method.upper()
            parameters = (_resolve(document, each) for each in operation.get("parameters", []))
            names = frozenset(each["name"] for each in parameters if each["in"] == "query")
            name = f"{verb} {path.removeprefix(REPOSITORY) or '/'}"
            yield Operation(name, verb, path, pattern, operation.get("description", ""), names)


def _forbid_others(schema: Any) -> None:
    if isinstance(schema, dict):
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
        for inner in (*schema.get("properties", {}).values(), schema.get("items")):
            _forbid_others(inner)


def _resolve(document: Mapping[str, Any], value: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in value:
        return value
    _, _, kind, name = value["$ref"].split("/")
    found: Mapping[str, Any] = document["components"][kind][name]
    return found


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from _references(inner)
