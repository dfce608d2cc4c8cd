"""Endpoints of git's objects: trees, commits and blobs."""

import base64
import binascii
import json
from datetime import UTC, datetime
from typing import Any

from fakes.github.commits import Commit, Person, load_commit, parse_tag
from fakes.github.exchange import Answer, Problem, Request, json_answer
from fakes.github.git_refs import require_commits
from fakes.github.hub import Hub
from fakes.github.repository import SHA
from fakes.github.trees import EMPTY, FOLDER, KINDS, Entry, edit_tree, find_entry, type_of, walk_tree

RAW = "application/vnd.github.raw; charset=utf-8"
RENDERED = 8
"""How many rendered trees are kept, so that asking again for a large one costs nothing."""


def get_tree(hub: Hub, request: Request, name: str) -> Answer:
    """List a tree, given by its own name or by what has one; a prefix of it where the limits cut it."""
    require_commits(hub)
    tree = hub.git.resolve_tree(name)
    if tree is None:
        raise Problem(404, "Not Found")
    recursive = bool(request.query.get("recursive"))
    key = (hub.git.resolve(name), recursive, hub.tree_limit, hub.tree_bytes)
    body = hub.rendered.get(key)
    if body is None:
        body = _render_tree(hub, str(key[0]), tree, recursive=recursive)
        with hub.lock:
            while len(hub.rendered) >= RENDERED:
                del hub.rendered[next(iter(hub.rendered))]
            hub.rendered[key] = body
    return Answer(200, body, {"content-type": "application/json; charset=utf-8"}, tag=repr(key))


def create_tree(hub: Hub, request: Request, _: str) -> Answer:
    """Write a tree: another one with edits, or one from nothing."""
    require_commits(hub)
    base = request.json().get("base_tree")
    start = hub.git.resolve_tree(base) if base is not None else EMPTY
    if start is None:
        raise Problem(404, "Not Found")
    edits = {}
    for item in request.require("tree", list):
        path = item.get("path") or ""
        check_path(path)
        edits[path] = _edit(hub, item)
        if edits[path] is None and find_entry(hub.git.objects, start, path) is None:
            raise Problem(422, "GitRPC::BadObjectState")
    tree = edit_tree(hub.git.objects, hub.git.objects.put, start, edits)
    return Answer(201, _render_tree(hub, tree, tree, recursive=False), {"content-type": "application/json"})


def get_commit(hub: Hub, _: Request, sha: str) -> Answer:
    """Return a commit of that name."""
    require_commits(hub)
    if not SHA.fullmatch(sha) or hub.git.objects.kind(sha) != "commit":
        raise Problem(404, "Not Found")
    return json_answer(commit_json(hub, sha))


def get_tag(hub: Hub, _: Request, sha: str) -> Answer:
    """Return an annotated tag of that name."""
    require_commits(hub)
    found = hub.git.objects.find(sha) if SHA.fullmatch(sha) else None
    if found is None or found.kind != "tag":
        raise Problem(404, "Not Found")
    tag, url = parse_tag(found.data), f"{hub.repo_url}/git"
    target = {"sha": tag.target, "type": tag.kind, "url": f"{url}/{tag.kind}s/{tag.target}"}
    names = {"node_id": f"TA_{sha[:12]}", "sha": sha, "url": f"{url}/tags/{sha}", "tag": tag.name}
    message = tag.message.removesuffix("\n")
    return json_answer({**names, "message": message, "tagger": tag.tagger.json(), "object": target})


def create_commit(hub: Hub, request: Request, _: str) -> Answer:
    """Write a commit of a tree and parents that exist."""
    require_commits(hub)
    fields = request.json()
    message, tree = request.require("message"), request.require("tree")
    parents = tuple(fields.get("parents", ()))
    if hub.git.objects.kind(tree) != "tree":
        raise Problem(422, "Tree SHA does not exist")
    if any(hub.git.objects.kind(parent) != "commit" for parent in parents):
        raise Problem(422, "Parent SHA does not exist or is not a commit object")
    author = _person(hub, fields.get("author"))
    committer = _person(hub, fields.get("committer") or fields.get("author"))
    sha = hub.git.objects.put("commit", Commit(tree, parents, author, committer, message).format())
    return json_answer(commit_json(hub, sha), 201, location=f"{hub.repo_url}/git/commits/{sha}")


def get_blob(hub: Hub, request: Request, sha: str) -> Answer:
    """Return a blob: as it is for a raw media type, else within JSON."""
    require_commits(hub)
    found = hub.git.objects.find(sha) if SHA.fullmatch(sha) else None
    if found is None or found.kind != "blob":
        raise Problem(404, "Not Found")
    require_size(hub, len(found.data))
    if wants_raw(request):
        return Answer(200, found.data, {"content-type": RAW}, tag=sha, ranges=hub.blob_ranges)
    content = {"content": encode(found.data), "encoding": "base64", "size": len(found.data)}
    return json_answer({"sha": sha, "node_id": f"B_{sha[:12]}", "url": f"{hub.repo_url}/git/blobs/{sha}", **content})


def create_blob(hub: Hub, request: Request, _: str) -> Answer:
    """Write a blob."""
    require_commits(hub)
    sha = hub.git.objects.put("blob", decode(request.require("content"), request.json().get("encoding", "utf-8")))
    url = f"{hub.repo_url}/git/blobs/{sha}"
    return json_answer({"sha": sha, "url": url}, 201, location=url)


def commit_json(hub: Hub, sha: str) -> dict[str, Any]:
    """Return a commit as the git endpoints show it."""
    commit = load_commit(hub.git.objects, sha)
    url, html_url = f"{hub.repo_url}/git", f"{hub.origin}/{hub.owner}/{hub.repo}/commit"
    return {
        "sha": sha,
        "node_id": f"C_{sha[:12]}",
        "url": f"{url}/commits/{sha}",
        "html_url": f"{html_url}/{sha}",
        "author": commit.author.json(),
        "committer": commit.committer.json(),
        "tree": {"sha": commit.tree, "url": f"{url}/trees/{commit.tree}"},
        "message": commit.message.removesuffix("\n"),
        "parents": [
            {"sha": each, "url": f"{url}/commits/{each}", "html_url": f"{html_url}/{each}"} for each in commit.parents
        ],
        "verification": {
            "verified": False,
            "reason": "unsigned",
            **dict.fromkeys(("signature", "payload", "verified_at")),
        },
    }


def wants_raw(request: Request) -> bool:
    """Return whether the client asked for the bytes as they are."""
    return "application/vnd.github" in request.accept and "raw" in request.accept


def require_size(hub: Hub, size: int) -> None:
    """Refuse what the API does not serve."""
    if size > hub.blob_limit:
        message = "This API returns blobs up to 100 MB in size. The requested blob is too large to fetch via the API."
        raise Problem(403, message, errors=[{"resource": "Blob", "field": "data", "code": "too_large"}])


def check_path(path: str) -> None:
    """Refuse a path that git would not hold."""
    if path.startswith("/"):
        raise Problem(422, "tree.path cannot start with a slash")
    if any(part in {"", ".", ".."} or part.lower() == ".git" for part in path.split("/")):
        raise Problem(422, "tree.path contains a malformed path component")


def encode(data: bytes) -> str:
    """Return base64 in lines, as GitHub sends it."""
    return base64.encodebytes(data).decode("ascii")


def decode(content: str, encoding: str) -> bytes:
    """Return what a client sent as content."""
    if encoding != "base64":
        return content.encode()
    try:
        return base64.b64decode("".join(content.split()), validate=True)
    except (binascii.Error, ValueError):
        raise Problem(422, "content is not valid Base64") from None


def _render_tree(hub: Hub, sha: str, tree: str, *, recursive: bool) -> bytes:
    rows: list[str] = []
    size, truncated = 200, False
    url = f"{hub.repo_url}/git"
    for path, entry in walk_tree(hub.git.objects, tree, recursive=recursive):
        kind = type_of(entry.mode)
        name = json.dumps(path.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))
        row = f'{{"path":{name},"mode":"{entry.mode}","type":"{kind}","sha":"{entry.sha}"'
        if kind == "blob":
            row += f',"size":{len(hub.git.objects.read(entry.sha, "blob"))}'
        row += f',"url":"{url}/{kind}s/{entry.sha}"}}' if kind != "commit" else "}"
        size += len(row) + 1
        if len(rows) >= hub.tree_limit or size > hub.tree_bytes:
            truncated = True
            break
        rows.append(row)
    head = f'{{"sha":"{sha}","url":"{url}/trees/{sha}","tree":['
    return f'{head}{",".join(rows)}],"truncated":{json.dumps(truncated)}}}'.encode()


def _edit(hub: Hub, item: dict[str, Any]) -> Entry | None:
    mode, sha = item.get("mode"), item.get("sha")
    if mode not in KINDS or item.get("type", KINDS[mode]) != KINDS[mode]:
        raise Problem(422, "tree.mode must be one of 100644, 100755, 040000, 160000, 120000 and fit tree.type")
    if ("sha" in item) == ("content" in item):
        raise Problem(422, "Must supply either tree.sha or tree.content, and not both.")
    if "content" in item:
        return Entry(mode, hub.git.objects.put("blob", item["content"].encode()))
    if sha is None:
        return None
    if KINDS[mode] != "commit" and hub.git.objects.kind(sha) != ("tree" if mode == FOLDER else "blob"):
        raise Problem(422, f"tree.sha {sha} is not a valid {KINDS[mode]}")
    return Entry(mode, sha)


def _person(hub: Hub, fields: dict[str, str] | None) -> Person:
    if fields is None:
        return hub.git.person(hub.clock())
    when = datetime.fromisoformat(fields["date"]).astimezone(UTC) if "date" in fields else hub.clock()
    return Person(fields["name"], fields["email"], when)
