"""GraphQL queries for many trees, which the fake GitHub itself does not answer: `answer_trees(monkeypatch)`."""

import re

import pytest
from fakes.github import server
from fakes.github.exchange import Answer, Request, json_answer
from fakes.github.git_objects import KINDS
from fakes.github.hub import Hub
from fakes.github.trees import load_tree

QUERY = re.compile(
    r"query\(\$owner: String!, \$name: String!\) \{ repository\(owner: \$owner, name: \$name\) \{ (.+) \} \}"
)
TREE = re.compile(
    r'(o\d+): object\(oid: "([0-9a-f]{40})"\) \{ \.\.\. on Tree \{ entries \{ name mode oid size \} \} \}'
)


def answer_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the fake GitHub answer queries for trees."""
    others = server.answer_graphql

    def answer(hub: Hub, request: Request, stand_in: Answer | None) -> Answer:
        query = request.json()["query"]
        if stand_in is not None or "... on Tree" not in query:
            return others(hub, request, stand_in)
        found = QUERY.fullmatch(query)
        assert found is not None
        assert TREE.sub("", found[1]).strip() == ""
        hub.graphql_rate.take()
        objects = {alias: {"entries": _entries(hub, sha)} for alias, sha in TREE.findall(found[1])}
        return json_answer({"data": {"repository": objects}})

    monkeypatch.setattr(server, "answer_graphql", answer)


def _entries(hub: Hub, sha: str) -> list[dict[str, object]]:
    rows = []
    for name, entry in load_tree(hub.git.objects, sha).items():
        size = len(hub.git.objects.read(entry.sha, "blob")) if KINDS[entry.mode] == "blob" else 0
        rows.append({"name": name, "mode": int(entry.mode, 8), "oid": entry.sha, "size": size})
    return rows
