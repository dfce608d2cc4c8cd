"""Git LFS: links by the batch, and a store of its own under another host name."""

import secrets

from fakes.github.exchange import Answer, Problem, Request, apply_range, json_answer
from fakes.github.hub import Hub
from fakes.github.smart_http import may_enter

LFS_JSON = "application/vnd.git-lfs+json"
STORE = "/lfs-store/"
SIGNATURE = "X-Amz-Signature"


def answer_batch(hub: Hub, request: Request, tail: str) -> Answer:
    """Answer a batch request with a link for each object that is there, as Git LFS' batch API has it."""
    try:
        _admit(hub, request, tail)
        objects = [_offer(hub, wanted["oid"], wanted["size"]) for wanted in request.require("objects", list)]
        answer = json_answer({"transfer": "basic", "objects": objects, "hash_algo": "sha256"})
    except Problem as problem:
        answer = problem.answer()
    answer.headers["content-type"] = LFS_JSON
    return answer


def answer_object(hub: Hub, request: Request, oid: str) -> Answer:
    """Serve an object once for each link; as S3 does, refuse a second kind of authorization beside the signature."""
    if "Authorization" in request.headers:
        return Answer(400, b"Only one auth mechanism allowed\n")
    with hub.lock:
        meant = hub.lfs_links.pop(request.query.get(SIGNATURE, ""), None)
    if meant != oid or oid not in hub.lfs:
        return Answer(403, b"Request has expired\n")
    answer = Answer(200, hub.lfs[oid], {"content-type": "application/octet-stream", "accept-ranges": "bytes"})
    return apply_range(answer, request.headers.get("Range")) if hub.lfs_ranges else answer


def _admit(hub: Hub, request: Request, tail: str) -> None:
    if not may_enter(hub, request):
        raise Problem(401, "Credentials needed")
    if request.method != "POST" or tail != "/objects/batch":
        raise Problem(404, "Not Found")
    if request.json().get("operation") != "download":
        raise Problem(403, "Only downloads are served here")


def _offer(hub: Hub, oid: str, size: int) -> dict[str, object]:
    if oid not in hub.lfs:
        return {"oid": oid, "size": size, "error": {"code": 404, "message": "Object does not exist on the server"}}
    signature = secrets.token_hex(16)
    with hub.lock:
        hub.lfs_links[signature] = oid
    # Another host than the API's: a client that sends its token there gives it away.
    origin = hub.origin.replace("127.0.0.1", "localhost")
    href = f"{origin}{STORE}{oid}?{SIGNATURE}={signature}"
    actions = {"download": {"href": href, "header": {}, "expires_in": 3600}}
    return {"oid": oid, "size": len(hub.lfs[oid]), "authenticated": True, "actions": actions}
