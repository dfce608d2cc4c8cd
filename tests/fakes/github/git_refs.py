"""Endpoints of references: creation and update under the lock are the compare-and-swap that GitHub offers."""

from typing import Any

from fakes.github.commits import is_ancestor
from fakes.github.exchange import Answer, Problem, Request, json_answer
from fakes.github.hub import Hub
from fakes.github.refs import is_valid
from fakes.github.repository import SHA


def get_ref(hub: Hub, _: Request, name: str) -> Answer:
    """Return exactly the reference of that name (without refs/)."""
    require_commits(hub)
    sha = hub.git.refs.get(f"refs/{name}") if is_valid(f"refs/{name}") else None
    if sha is None:
        raise Problem(404, "Not Found")
    return json_answer(_ref_json(hub, f"refs/{name}", sha))


def get_matching_refs(hub: Hub, _: Request, prefix: str) -> Answer:
    """Return all references whose name begins with that prefix (without refs/)."""
    refs = require_commits(hub)
    return json_answer([_ref_json(hub, ref, sha) for ref, sha in refs.items() if ref.startswith(f"refs/{prefix}")])


def create_ref(hub: Hub, request: Request, _: str) -> Answer:
    """Create a reference, unless it exists."""
    name, sha = request.require("ref"), request.require("sha")
    if not name.startswith("refs/") or name.count("/") < 2:
        raise Problem(422, "Reference name must start with 'refs/' and contain at least two slashes.")
    if not is_valid(name):
        raise Problem(422, f"{name} is not a valid ref name.")
    with hub.lock:
        require_commits(hub)
        _require_object(hub, name, sha)
        if hub.git.refs.get(name) is not None:
            raise Problem(422, "Reference already exists")
        _set(hub, name, sha)
    return json_answer(_ref_json(hub, name, sha), 201, location=f"{hub.repo_url}/git/{name}")


def update_ref(hub: Hub, request: Request, name: str) -> Answer:
    """Move a reference: forward, or anywhere by force."""
    name, sha, force = f"refs/{name}", request.require("sha"), request.json().get("force", False)
    if not isinstance(force, bool):
        raise Problem(422, 'Invalid request.\n\n"force" is no boolean.')
    with hub.lock:
        old = hub.git.refs.get(name) if is_valid(name) else None
        if old is None:
            raise Problem(422, "Reference does not exist")
        _require_object(hub, name, sha)
        if not force and not is_ancestor(hub.git.objects, old, sha):
            raise Problem(422, "Update is not a fast forward")
        _set(hub, name, sha)
    return json_answer(_ref_json(hub, name, sha))


def delete_ref(hub: Hub, _: Request, name: str) -> Answer:
    """Remove a reference."""
    with hub.lock:
        if not is_valid(f"refs/{name}") or hub.git.refs.get(f"refs/{name}") is None:
            raise Problem(422, "Reference does not exist")
        hub.git.refs.delete(f"refs/{name}")
    return Answer(204)


def require_commits(hub: Hub) -> dict[str, str]:
    """Return all references; an empty repository has none, and answers most endpoints with a conflict."""
    refs = hub.refs()
    if not refs:
        raise Problem(409, "Git Repository is empty.")
    return refs


def _require_object(hub: Hub, name: str, sha: str) -> None:
    if not SHA.fullmatch(sha):
        raise Problem(422, "The sha parameter must be exactly 40 characters and contain only [0-9a-f].")
    kind = hub.git.objects.kind(sha)
    if kind is None:
        raise Problem(422, "Object does not exist")
    if name.startswith("refs/heads/") and kind != "commit":
        raise Problem(422, "Reference update failed")


def _set(hub: Hub, name: str, sha: str) -> None:
    try:
        hub.git.refs.set(name, sha)
    except OSError:
        raise Problem(422, "Reference update failed") from None


def _ref_json(hub: Hub, name: str, sha: str) -> dict[str, Any]:
    kind = hub.git.objects.kind(sha)
    target = {"sha": sha, "type": kind, "url": f"{hub.repo_url}/git/{kind}s/{sha}"}
    return {"ref": name, "node_id": f"REF_{sha[:12]}", "url": f"{hub.repo_url}/git/{name}", "object": target}
