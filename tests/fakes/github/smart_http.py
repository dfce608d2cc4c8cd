"""Git's own protocol over HTTP, by `git http-backend`."""

import base64
import binascii
import os
import subprocess
from urllib.parse import urlencode

from fakes.github.exchange import Answer, Request
from fakes.github.hub import Hub
from fakes.github.rest import token_of


def may_enter(hub: Hub, request: Request) -> bool:
    """Return whether a request carries a token that is accepted, as a password or as a bearer's."""
    scheme, _, value = str(request.headers.get("Authorization", "")).partition(" ")
    if scheme.lower() != "basic":
        return token_of(request) in hub.tokens
    try:
        return base64.b64decode(value).decode().partition(":")[2] in hub.tokens
    except (binascii.Error, UnicodeDecodeError):
        return False


def answer_git(hub: Hub, request: Request, tail: str) -> Answer:
    """Answer what `git clone`, `git fetch` and `git push` ask; `tail` is the path below the repository's."""
    if not may_enter(hub, request):
        return Answer(401, b"Invalid username or token.\n", {"www-authenticate": 'Basic realm="GitHub"'})
    pushes = "git-receive-pack" in (request.query.get("service"), tail.strip("/"))
    if not hub.permissions.get("push" if pushes else "pull", True):
        return Answer(403, b"Write access to repository not granted.\n")
    if tail != "/git-receive-pack":
        return _run_backend(hub, request, tail)
    with hub.lock:
        return _run_backend(hub, request, tail)


def _run_backend(hub: Hub, request: Request, tail: str) -> Answer:
    environment = {
        "PATH": os.environ["PATH"],
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_PROJECT_ROOT": str(hub.git.folder.parent),
        "GIT_HTTP_EXPORT_ALL": "1",
        "REMOTE_USER": hub.owner,
        "REQUEST_METHOD": request.method,
        "PATH_INFO": f"/{hub.git.folder.name}{tail}",
        "QUERY_STRING": urlencode(request.query),
        "CONTENT_TYPE": request.headers.get("Content-Type", ""),
        "CONTENT_LENGTH": str(len(request.body)),
        "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
        "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
    }
    done = subprocess.run(
        ["git", "http-backend"], input=request.body, env=environment, capture_output=True, check=False
    )
    head, _, body = done.stdout.partition(b"\r\n\r\n")
    headers = {}
    for line in head.decode("latin-1").splitlines():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    status = int(headers.pop("status", "200" if done.returncode == 0 else "500").split()[0])
    return Answer(status, body, headers)
