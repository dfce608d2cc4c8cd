"""Endpoints beside git's own: the repository, commits as GitHub shows them, statuses and dispatches."""

import json
from typing import Any

from fakes.github.exchange import Answer, Problem, Request, json_answer
from fakes.github.git_objects import commit_json
from fakes.github.git_refs import require_commits
from fakes.github.hub import Hub
from fakes.github.repository_json import describe_owner, describe_repository

STATES = {"error", "failure", "pending", "success"}
PAYLOAD = 65_535
"""Bytes of JSON that a dispatch may carry."""


def get_repository(hub: Hub, _: Request, __: str) -> Answer:
    """Describe the repository."""
    return json_answer(describe_repository(hub))


def get_commit(hub: Hub, request: Request, name: str) -> Answer:
    """Return the commit that a sha, branch or tag stands for; only its name for the sha media type."""
    require_commits(hub)
    sha = _require_commit(hub, name)
    if "application/vnd.github.sha" in request.accept or "application/vnd.github.v3.sha" in request.accept:
        return Answer(200, sha.encode(), {"content-type": "application/vnd.github.sha; charset=utf-8"})
    full = commit_json(hub, sha)
    inner = {name: full[name] for name in ("author", "committer", "message", "tree", "url", "verification")}
    links = {"url": f"{hub.repo_url}/commits/{sha}", "html_url": full["html_url"]}
    people = {"author": None, "committer": None}
    return json_answer(
        {"sha": sha, "node_id": full["node_id"], "commit": inner, **links, **people, "parents": full["parents"]}
    )


def create_dispatch(hub: Hub, request: Request, _: str) -> Answer:
    """Take note of an event, and tell whom it may concern."""
    event, payload = request.require("event_type"), request.json().get("client_payload", {})
    if not 0 < len(event) <= 100:
        raise Problem(422, "Invalid request.\n\nevent_type is too long (maximum is 100 characters).")
    if not isinstance(payload, dict) or len(payload) > 10:
        raise Problem(422, "No more than 10 properties are allowed; client_payload must be an object.")
    if len(json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()) > PAYLOAD:
        raise Problem(422, "client_payload is too large.")
    with hub.lock:
        hub.dispatches.append((event, payload))
    if hub.on_dispatch is not None:
        hub.on_dispatch(event, payload)
    return Answer(204)


def create_status(hub: Hub, request: Request, sha: str) -> Answer:
    """Set a status of a commit."""
    commit = _require_commit(hub, sha)
    fields = request.json()
    status = {name: fields.get(name) for name in ("state", "context", "description", "target_url")}
    status["context"] = status["context"] or "default"
    if status["state"] not in STATES:
        raise Problem(422, "Validation Failed", errors=[{"resource": "Status", "code": "custom", "field": "state"}])
    if len(status["description"] or "") > 140:
        message = "description is too long (maximum is 140 characters)"
        raise Problem(422, "Validation Failed", errors=[{"resource": "Status", "code": "custom", "message": message}])
    if not str(status["target_url"] or "https://").startswith(("http://", "https://")):
        raise Problem(
            422, "Validation Failed", errors=[{"resource": "Status", "message": "target_url must use http(s)"}]
        )
    with hub.lock:
        hub.statuses.append({"sha": commit, **status})
        number = len(hub.statuses)
    return json_answer(_status_json(hub, number, hub.statuses[number - 1]), 201)


def get_statuses(hub: Hub, _: Request, name: str) -> Answer:
    """Return the statuses of a commit, the latest first."""
    sha = _require_commit(hub, name)
    numbered = [(number, each) for number, each in enumerate(hub.statuses, 1) if each["sha"] == sha]
    return json_answer([_status_json(hub, number, each) for number, each in reversed(numbered)])


def _require_commit(hub: Hub, name: str) -> str:
    sha = hub.git.resolve_commit(name)
    if sha is None:
        raise Problem(422, f"No commit found for SHA: {name}")
    return sha


def _status_json(hub: Hub, number: int, status: dict[str, Any]) -> dict[str, Any]:
    now = hub.clock().strftime("%Y-%m-%dT%H:%M:%SZ")
    shown = {name: value for name, value in status.items() if name != "sha"}
    return {
        "id": number,
        "node_id": f"SC_{number}",
        "avatar_url": f"{hub.origin}/{hub.owner}.png",
        "creator": describe_owner(hub),
        "url": f"{hub.repo_url}/statuses/{status['sha']}",
        "created_at": now,
        "updated_at": now,
        **shown,
    }
