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

MAX_DEPTH = 100
"""Objects and arrays inside each other: what is deeper could be read but, elsewhere, not be written again."""

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def parse_object(data: bytes, what: str, limit: int = MAX_MANIFEST_BYTES, *, constants: bool = False) -> dict[str, Any]:
    """Return the JSON object in `data`; `what` names it in messages, `limit` is in bytes.

    `constants` lets NaN and Infinity pass, which Python writes though JSON has no such numbers. Raises
    ManifestUnreadable where it is no JSON (yet), ManifestInvalid where it never can be accepted.
    """
    check_size(len(data), what, limit)
    if data.count(b"{") + data.count(b"[") > MAX_CONTAINERS:
        raise ManifestInvalid(
            f"{what} has over {MAX_CONTAINERS} JSON objects and arrays; expected a manifest; split it into several"
        )
    if not data.strip():
        raise ManifestUnreadable(f"{what} is empty; expected a JSON object; upload it again")
    refusals: dict[str, Any] = {} if constants else {"parse_constant": _refuse_constant, "parse_float": _parse_float}
    try:
        # json.loads would let pass the bytes of surrogates, in any encoding.
        text = data.decode(json.detect_encoding(data))
        value = json.loads(text, **refusals)
        if _SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise _too_deep(what) from None
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
    if not _is_flat(value):
        raise _too_deep(what)
    return value


def require_utf8(data: bytes, what: str) -> str:
    """Return a JSON document's text as it stands, its byte order mark included.

    Raises ManifestInvalid where it is in another encoding than UTF-8; `parse_object` takes UTF-16 and UTF-32, too.
    """
    try:
        if json.detect_encoding(data).startswith("utf-8"):
            return data.decode("utf-8")
    except UnicodeDecodeError:
        pass  # said below
    raise ManifestInvalid(f"{what} is no UTF-8; expected a JSON object in UTF-8; write it again")


def check_size(size: int, what: str, limit: int = MAX_MANIFEST_BYTES) -> None:
    """Raise ManifestInvalid where a document of `size` bytes is too large to be read."""
    if size > limit:
        raise ManifestInvalid(f"{what} has {size} bytes; expected at most {limit}; split it into several")


def _too_deep(what: str) -> ManifestInvalid:
    return ManifestInvalid(f"{what} is nested too deeply; expected at most {MAX_DEPTH} levels; write it as documented")


def _is_flat(value: object) -> bool:
    """Tell whether no more than MAX_DEPTH containers are inside each other."""
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for outer in level for inner in (outer.values() if isinstance(outer, dict) else outer)]
        level = [inner for inner in level if isinstance(inner, dict | list)]
        if not level:
            return True
    return False


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
