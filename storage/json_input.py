"""JSON from outside: bounded before it is parsed, and never more than a ManifestInvalid."""

import json
import math
import re
from typing import Any

from panini_daemon.storage.errors import ManifestInvalid, ManifestUnreadable

MAX_MANIFEST_BYTES = 64 * 1024 * 1024
MAX_METADATA_BYTES = 1024 * 1024
MAX_CONTAINERS = 4_000_000
"""Objects and arrays in one document; each costs some hundred bytes of memory."""

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def parse_object(data: bytes, what: str, limit: int = MAX_MANIFEST_BYTES) -> dict[str, Any]:
    """Return the JSON object in `data`; `what` names it in messages, `limit` is in bytes.

    Raises ManifestUnreadable where it is no JSON (yet), ManifestInvalid where it never can be accepted.
    """
    check_size(len(data), what, limit)
    if data.count(b"{") + data.count(b"[") > MAX_CONTAINERS:
        raise ManifestInvalid(
            f"{what} has over {MAX_CONTAINERS} JSON objects and arrays; expected a manifest; split it into several"
        )
    if not data.strip():
        raise ManifestUnreadable(f"{what} is empty; expected a JSON object; upload it again")
    try:
        value = json.loads(data, parse_constant=_refuse_constant, parse_float=_parse_float)
        if _SURROGATE.search(data):
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError as error:
        raise ManifestInvalid(f"{what} is nested too deeply; expected a manifest; write it as documented") from error
    except UnicodeEncodeError as error:
        raise ManifestInvalid(
            f"{what} holds a lone surrogate; expected text that UTF-8 can encode; write it again"
        ) from error
    except ValueError as error:
        raise ManifestUnreadable(
            f"{what} ({len(data)} bytes) is no JSON: {_shorten(error)}; upload it again"
        ) from error
    if not isinstance(value, dict):
        raise ManifestInvalid(f"{what} is a JSON {type(value).__name__}; expected an object; write it again")
    return value


def check_size(size: int, what: str, limit: int = MAX_MANIFEST_BYTES) -> None:
    """Raise ManifestInvalid where a document of `size` bytes is too large to be read."""
    if size > limit:
        raise ManifestInvalid(f"{what} has {size} bytes; expected at most {limit}; split it into several")


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON number")


def _parse_float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number


def _shorten(error: ValueError) -> str:
    text = str(error)
    return text if len(text) <= 200 else text[:200] + "..."
