"""Git LFS: pointer files, and where the objects are that they name.

Follows the "Git LFS Specification" (pointers, version 1) and the "Git LFS Batch API".
"""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from panini_daemon.storage.github.errors import GithubMissing, GithubRefused
from panini_daemon.storage.github.transport import Broken, origin_of

MEDIA_TYPE = "application/vnd.git-lfs+json"
POINTER_LIMIT = 1024
"""A pointer file has fewer bytes than this."""

_VERSIONS = ("https://git-lfs.github.com/spec/v1", "https://hawser.github.com/spec/v1")
_LINE = re.compile(r"([a-z0-9.-]+) ([^\r\n]+)\n")
_EXTENSION = re.compile(r"ext-[0-9]-[a-z0-9.-]+")
_OID = re.compile(r"sha256:([0-9a-f]{64})")
_SIZE = re.compile(r"0|[1-9][0-9]{0,17}")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


@dataclass(frozen=True, slots=True)
class Pointer:
    """What stands in the repository in place of a large file: its SHA-256 in hex and its size in bytes.

    `extended`: programs on the author's machine changed the file before it was stored, so that what can be
    downloaded is not the file.
    """

    oid: str
    size: int
    extended: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """Where to get something, with the headers that belong there and nowhere else."""

    url: str
    secret: Mapping[str, str]


def parse_pointer(data: bytes) -> Pointer | None:
    """Return the pointer that `data` is, None where it is anything else (an empty file among that)."""
    if len(data) >= POINTER_LIMIT or not data.startswith(b"version "):
        return None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    lines = _LINE.findall(text)
    if "".join(f"{key} {value}\n" for key, value in lines) != text:
        return None
    keys, fields = [key for key, _ in lines[1:]], dict(lines)
    if fields["version"] not in _VERSIONS or keys != sorted(set(keys)):
        return None
    extensions = [key for key in keys if key not in ("oid", "size")]
    oid, size = _OID.fullmatch(fields.get("oid", "")), _SIZE.fullmatch(fields.get("size", ""))
    if not oid or not size or not all(_EXTENSION.fullmatch(key) for key in extensions):
        return None
    return Pointer(oid[1], int(size[0]), bool(extensions))


def batch_request(pointer: Pointer) -> bytes:
    """Return the body of a request for the link to one object."""
    wanted = {
        "operation": "download",
        "transfers": ["basic"],
        "objects": [{"oid": pointer.oid, "size": pointer.size}],
        "hash_algo": "sha256",
    }
    return json.dumps(wanted).encode()


def batch_login(token: str | None) -> dict[str, str]:
    """Return the header by which the batch API knows a token, none without one."""
    if token is None:
        return {}
    login = base64.b64encode(f"x-access-token:{token}".encode()).decode("ascii")
    return {"Authorization": f"Basic {login}"}


def read_batch(data: bytes, pointer: Pointer, *, https: bool) -> Link:
    """Return the link that a batch answer gives.

    With `https`, a link to plain HTTP is refused: its headers are secrets. Raises GithubMissing, GithubRefused, and
    Broken for an error that the server has now and may not have later.
    """
    name = f"Git LFS object {pointer.oid}"
    try:
        given: dict[str, Any] = next((each for each in json.loads(data)["objects"] if each["oid"] == pointer.oid), {})
        code = int(given["error"]["code"]) if "error" in given else 0
        link = None if code else _read_link(given["actions"]["download"])
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError):
        raise GithubRefused(
            f"{name}: the Git LFS server's answer has no link to it; expected one to download from"
        ) from None
    if link is None:
        raise _error_of(name, code)
    if https and origin_of(link.url)[0] != "https":
        raise GithubRefused(f"{name}: the Git LFS server's link is plain HTTP; expected HTTPS")
    return link


def _read_link(action: Mapping[str, Any]) -> Link:
    url, headers = action["href"], action.get("header") or {}
    origin_of(url)
    if not all(_HEADER_NAME.fullmatch(key) and _is_header_value(value) for key, value in headers.items()):
        raise ValueError("no header")
    return Link(url, headers)


def _is_header_value(value: str) -> bool:
    return value.isascii() and value.isprintable() and value == value.strip()


def _error_of(name: str, code: int) -> Exception:
    if code in (404, 410):
        return GithubMissing(f"{name} is not on the server ({code}): push it with `git lfs push`")
    if code >= 500 or code in (408, 429):
        return Broken(f"error {code} of the Git LFS server")
    return GithubRefused(f"{name}: the Git LFS server does not give it ({code})")
