"""Endpoints of files by path: the contents API."""

import posixpath
from typing import Any

from fakes.github.exchange import Answer, Problem, Request, json_answer
from fakes.github.git_objects import RAW, check_path, commit_json, decode, encode, require_size, wants_raw
from fakes.github.hub import Hub
from fakes.github.trees import EMPTY, FOLDER, SUBMODULE, Entry, find_entry, load_tree


def get_contents(hub: Hub, request: Request, path: str) -> Answer:
    """Return a file, as it is for a raw media type, or a folder's listing."""
    ref = request.query.get("ref") or hub.default_branch
    if not hub.refs():
        raise Problem(404, "This repository is empty.")
    tree = hub.git.resolve_tree(ref)
    if tree is None:
        raise Problem(404, f"No commit found for the ref {ref}")
    path = path.strip("/")
    entry = find_entry(hub.git.objects, tree, path)
    if entry is None:
        raise Problem(404, "Not Found")
    if entry.mode == FOLDER:
        entries = sorted(load_tree(hub.git.objects, entry.sha).items())[: hub.contents_listing_limit]
        return json_answer([_describe(hub, posixpath.join(path, name), each, ref) for name, each in entries])
    if entry.mode == SUBMODULE:
        return json_answer(_describe(hub, path, entry, ref))
    data = hub.git.objects.read(entry.sha, "blob")
    require_size(hub, len(data))
    if wants_raw(request):
        return Answer(200, data, {"content-type": RAW}, tag=entry.sha)
    small = len(data) <= hub.contents_json_limit
    content = {"content": encode(data), "encoding": "base64"} if small else {"content": "", "encoding": "none"}
    return json_answer({**_describe(hub, path, entry, ref), **content})


def put_contents(hub: Hub, request: Request, path: str) -> Answer:
    """Create a file, or replace the one whose blob the client names, by a commit on a branch."""
    request.require("message")
    check_path(path)
    data = decode(request.require("content"), "base64")
    with hub.lock:
        branch, old = _branch(hub, request.json()), _find(hub, request.json(), path)
        # A missing path with any sha is created: that is what GitHub does too.
        if old is not None:
            _require_sha(path, old, request.json().get("sha"))
        commit = _commit(hub, request, branch, path, data)
        entry = find_entry(hub.git.objects, str(hub.git.resolve_tree(commit)), path)
    assert entry is not None
    described = {"content": _describe(hub, path, entry, branch), "commit": commit_json(hub, commit)}
    return json_answer(described, 201 if old is None else 200)


def delete_contents(hub: Hub, request: Request, path: str) -> Answer:
    """Remove the file whose blob the client names, by a commit on a branch."""
    fields = {**request.query, **request.json()}
    with hub.lock:
        branch, old = _branch(hub, fields), _find(hub, fields, path)
        if old is None:
            raise Problem(404, "Not Found")
        _require_sha(path, old, fields.get("sha"))
        commit = _commit(hub, request, branch, path, None)
    return json_answer({"content": None, "commit": commit_json(hub, commit)})


def _commit(hub: Hub, request: Request, branch: str, path: str, data: bytes | None) -> str:
    message = request.json().get("message") or request.query.get("message") or ""
    return hub.git.commit(branch, {path: data}, {}, message, hub.git.person(hub.clock()))


def _branch(hub: Hub, fields: dict[str, Any]) -> str:
    branch = str(fields.get("branch") or hub.default_branch)
    if hub.refs() and f"refs/heads/{branch}" not in hub.refs():
        raise Problem(404, f"Branch {branch} not found")
    return branch


def _find(hub: Hub, fields: dict[str, Any], path: str) -> Entry | None:
    tree = hub.git.resolve_tree(f"refs/heads/{_branch(hub, fields)}") or EMPTY
    return find_entry(hub.git.objects, tree, path)


def _require_sha(path: str, old: Entry, sha: str | None) -> None:
    if sha is None:
        raise Problem(422, 'Invalid request.\n\n"sha" wasn\'t supplied.')
    if sha != old.sha:
        raise Problem(409, f"{path} does not match {sha}")


def _describe(hub: Hub, path: str, entry: Entry, ref: str) -> dict[str, Any]:
    kinds = {FOLDER: "dir", "120000": "symlink", SUBMODULE: "submodule"}
    kind = kinds.get(entry.mode, "file")
    url = f"{hub.repo_url}/contents/{path}?ref={ref}"
    git_url = f"{hub.repo_url}/git/{'trees' if kind == 'dir' else 'blobs'}/{entry.sha}"
    html_url = f"{hub.origin}/{hub.owner}/{hub.repo}/blob/{ref}/{path}"
    size = len(hub.git.objects.read(entry.sha, "blob")) if kind in {"file", "symlink"} else 0
    return {
        "name": posixpath.basename(path),
        "path": path,
        "sha": entry.sha,
        "size": size,
        "url": url,
        "html_url": html_url,
        "git_url": git_url,
        "download_url": None if kind == "dir" else f"{hub.origin}/raw/{hub.owner}/{hub.repo}/{ref}/{path}",
        "type": kind,
        "_links": {"self": url, "git": git_url, "html": html_url},
    }
