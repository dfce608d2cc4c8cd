"""JSON that is written for people as well as for programs."""

import json
from collections.abc import Callable


def write_json(value: object, *, default: Callable[[object], object] | None = None) -> bytes:
    """Return a document in UTF-8, indented, with a newline at its end.

    What UTF-8 cannot hold is escaped: the names of files that are no UTF-8 come with lone surrogates. `default` is
    as for `json.dumps`.
    """
    text = json.dumps(value, ensure_ascii=False, indent=1, default=default) + "\n"
    # Only inside strings can there be any, and there this is how JSON escapes them.
    return text.encode("utf-8", "backslashreplace")
