"""The REST API's common part: who may ask, how often, what has not changed, and which endpoint answers."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass

from fakes.github import contents, events, git_objects, git_refs
from fakes.github.exchange import Answer, Problem, Request, apply_range, etag_matches, json_answer
from fakes.github.hub import Hub

Endpoint = Callable[[Hub, Request, str], Answer]
WRITES = {"POST", "PUT", "PATCH", "DELETE"}


@dataclass(frozen=True)
class Route:
    """A method and path (below the repository's, one group at most) with the endpoint and what it counts as."""

    method: str
    path: re.Pattern[str]
    endpoint: Endpoint
    kind: str


def _route(method: str, path: str, endpoint: Endpoint, kind: str) -> Route:
    return Route(method, re.compile(path), endpoint, kind)


ROUTES = (
    _route("GET", "()", events.get_repository, "repo"),
    _route("GET", "/git/ref/(.+)", git_refs.get_ref, "ref"),
    _route("GET", "/git/matching-refs/(.*)", git_refs.get_matching_refs, "refs"),
    _route("POST", "/git/refs()", git_refs.create_ref, "refs"),
    _route("PATCH", "/git/refs/(.+)", git_refs.update_ref, "ref"),
    _route("DELETE", "/git/refs/(.+)", git_refs.delete_ref, "ref"),
    _route("GET", "/git/trees/(.+)", git_objects.get_tree, "tree"),
    _route("POST", "/git/trees()", git_objects.create_tree, "tree"),
    _route("GET", "/git/commits/([^/]+)", git_objects.get_commit, "commit"),
    _route("POST", "/git/commits()", git_objects.create_commit, "commit"),
    _route("GET", "/git/tags/([^/]+)", git_objects.get_tag, "tag"),
    _route("GET", "/git/blobs/([^/]+)", git_objects.get_blob, "blob"),
    _route("POST", "/git/blobs()", git_objects.create_blob, "blob"),
    _route("GET", "/contents/?(.*)", contents.get_contents, "contents"),
    _route("PUT", "/contents/(.+)", contents.put_contents, "contents"),
    _route("DELETE", "/contents/(.+)", contents.delete_contents, "contents"),
    _route("GET", "/commits/(.+)/statuses", events.get_statuses, "status"),
    _route("POST", "/statuses/([^/]+)", events.create_status, "status"),
    _route("GET", "/commits/(.+)", events.get_commit, "commits"),
    _route("POST", "/dispatches()", events.create_dispatch, "dispatch"),
)


def classify(path: str, hub: Hub) -> str:
    """Return what a path below the API's counts as."""
    if path == "/rate_limit":
        return "rate"
    tail = _below_repository(path, hub)
    return next((route.kind for route in ROUTES if tail is not None and route.path.fullmatch(tail)), "other")


def answer_rest(hub: Hub, request: Request, path: str, stand_in: Answer | None) -> Answer:
    """Answer a request whose path below the API's is `path`; `stand_in` replaces what an endpoint would say."""
    if path == "/rate_limit":
        core, graphql = hub.rate.json(), hub.graphql_rate.json()
        return stand_in or json_answer({"resources": {"core": core, "graphql": graphql}, "rate": core})
    if not hub.rate.take():
        answer = Problem(403, f"API rate limit exceeded for user ID {len(hub.owner)}.").answer()
    elif stand_in is not None:
        answer = stand_in
    else:
        answer = _answer(hub, request, path)
        if answer.status == 304:
            hub.rate.give_back()
    answer.headers = {**hub.rate.headers(), **answer.headers}
    return answer


def token_of(request: Request) -> str | None:
    """Return the token that a request carries in its Authorization header, None for none."""
    scheme, _, token = str(request.headers.get("Authorization", "")).partition(" ")
    return token.strip() if scheme.lower() in {"token", "bearer"} else None


def _answer(hub: Hub, request: Request, path: str) -> Answer:
    try:
        return _conditional(hub, request, _call(hub, request, _admit(hub, request, path)))
    except Problem as problem:
        return problem.answer()


def _admit(hub: Hub, request: Request, path: str) -> str:
    # Who shows no token at all learns no more of a private repository than that it is not found.
    token = token_of(request)
    if token is not None and token not in hub.tokens:
        raise Problem(401, "Bad credentials")
    tail = _below_repository(path, hub)
    if token is None or tail is None or not hub.permissions.get("pull", True):
        raise Problem(404, "Not Found")
    return tail


def _call(hub: Hub, request: Request, tail: str) -> Answer:
    method = "GET" if request.method == "HEAD" else request.method
    for route in ROUTES:
        found = route.path.fullmatch(tail)
        if found is None or route.method != method:
            continue
        if method in WRITES:
            push = hub.permissions.get("push", True)
            if not (hub.permissions.get("statuses", push) if route.kind == "status" else push):
                raise Problem(403, "Resource not accessible by personal access token")
        return route.endpoint(hub, request, found[1])
    raise Problem(404, "Not Found")


def _conditional(hub: Hub, request: Request, answer: Answer) -> Answer:
    if request.method not in {"GET", "HEAD"} or answer.status != 200:
        return answer
    # A tag holds for one token and one media type only.
    basis = f"{token_of(request)}\n{request.accept}\n{answer.headers.get('content-type')}\n{answer.tag}\n".encode()
    etag = 'W/"' + hashlib.sha256(basis + (b"" if answer.tag else answer.body)).hexdigest() + '"'
    answer.headers |= {
        "etag": etag,
        "cache-control": "private, max-age=60, s-maxage=60",
        "vary": "Accept, Authorization",
    }
    if etag_matches(etag, request.headers.get("If-None-Match")):
        return Answer(304, b"", {"etag": etag})
    if answer.ranges and "Range" in request.headers and request.headers.get("If-Range", etag) == etag:
        return apply_range(answer, request.headers.get("Range"))
    if hub.gzip:
        answer.headers["x-pack"] = "gzip"
    return answer


def _below_repository(path: str, hub: Hub) -> str | None:
    prefix = f"/repos/{hub.owner}/{hub.repo}"
    tail = path[len(prefix) :]
    return tail if path.lower().startswith(prefix.lower()) and tail[:1] in {"", "/"} else None
