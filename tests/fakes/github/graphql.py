"""The one shape of GraphQL query that is answered: many blobs of the repository at once."""

import json
import re
from typing import Any

from fakes.github.exchange import Answer, Problem, Request, json_answer
from fakes.github.hub import Hub
from fakes.github.repository import SHA
from fakes.github.rest import token_of

VALUE = r'(?:"[^"\\]*"|\$\w+)'
QUERY = re.compile(
    r"\s*(?:query(?:\s+\w+)?\s*(?:\((?P<variables>[^)]*)\))?)?\s*\{\s*repository\s*\(\s*(?P<arguments>[^)]*)\)\s*"
    r"\{(?P<body>.*)\}\s*\}\s*",
    re.DOTALL,
)
ARGUMENT = re.compile(rf"(\w+)\s*:\s*({VALUE})\s*,?\s*")
OBJECT = re.compile(
    rf"(?:(?P<alias>\w+)\s*:\s*)?object\s*\(\s*oid\s*:\s*(?P<oid>{VALUE})\s*\)\s*"
    r"\{\s*\.\.\.\s*on\s+Blob\s*\{(?P<fields>[\w\s,]*)\}\s*\}[\s,]*"
)
FIELDS = {"oid", "byteSize", "isBinary", "isTruncated", "text", "__typename"}


def answer_graphql(hub: Hub, request: Request, stand_in: Answer | None) -> Answer:
    """Answer a query; errors come with status 200, as GraphQL has it."""
    if not hub.graphql_rate.take():
        answer = json_answer({"errors": [{"type": "RATE_LIMITED", "message": "API rate limit exceeded"}]})
    else:
        answer = stand_in or _answer(hub, request)
    answer.headers = {**hub.graphql_rate.headers(), **answer.headers}
    return answer


def _answer(hub: Hub, request: Request) -> Answer:
    try:
        fields = _admit(hub, request)
        return json_answer(_repository(hub, str(fields.get("query")), fields.get("variables") or {}))
    except Problem as problem:
        return problem.answer()
    except (KeyError, ValueError) as error:
        return json_answer({"errors": [{"message": f"Parse error: {error}"}]})


def _admit(hub: Hub, request: Request) -> dict[str, Any]:
    if request.method != "POST":
        raise Problem(404, "Not Found")
    if token_of(request) not in hub.tokens:
        raise Problem(401, "Bad credentials")
    return request.json()


def _repository(hub: Hub, query: str, variables: dict[str, Any]) -> dict[str, Any]:
    found = QUERY.fullmatch(query)
    if found is None:
        raise ValueError("expected query { repository(owner:, name:) { alias: object(oid:) { ... on Blob { } } } }")
    arguments = {name: _value(text, variables) for name, text in ARGUMENT.findall(found["arguments"])}
    wanted = f"{arguments['owner']}/{arguments['name']}"
    if wanted.lower() != f"{hub.owner}/{hub.repo}".lower() or not hub.permissions.get("pull", True):
        message = f"Could not resolve to a Repository with the name '{wanted}'."
        error = {"type": "NOT_FOUND", "path": ["repository"], "message": message}
        return {"data": {"repository": None}, "errors": [error]}
    objects, at, body = {}, 0, found["body"].strip()
    while at < len(body):
        each = OBJECT.match(body, at)
        if each is None:
            raise ValueError(f"expected an object with `... on Blob`, found {body[at : at + 40]!r}")
        fields = re.findall(r"\w+", each["fields"])
        objects[each["alias"] or "object"] = _blob(hub, _value(each["oid"], variables), fields)
        at = each.end()
    return {"data": {"repository": objects}}


def _blob(hub: Hub, oid: str, fields: list[str]) -> dict[str, Any] | None:
    if not SHA.fullmatch(oid):
        raise ValueError(f"{oid!r} is no GitObjectID")
    if not fields or set(fields) - FIELDS:
        raise ValueError(f"Blob has no fields {sorted(set(fields) - FIELDS)}")
    found = hub.git.objects.find(oid)
    if found is None:
        return None
    if found.kind != "blob":
        return {}
    text, cut = _text(found.data, hub.text_limit)
    values = {"oid": oid, "byteSize": len(found.data), "isBinary": text is None, "isTruncated": cut, "text": text}
    return {name: {**values, "__typename": "Blob"}[name] for name in fields}


def _text(data: bytes, limit: int) -> tuple[str | None, bool]:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None, False
    if "\0" in text:
        return None, False
    return (data[:limit].decode("utf-8", "ignore"), True) if len(data) > limit else (text, False)


def _value(text: str, variables: dict[str, Any]) -> str:
    return str(variables[text[1:]] if text.startswith("$") else json.loads(text))
