"""What a download's answer holds: all of the object, or what was left of it (RFC 9110, 14.4)."""

import re
from dataclasses import dataclass

from requests import Response

_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)")


@dataclass(frozen=True, slots=True)
class Body:
    """A body that is usable: the whole object's size (None: not told), whether it resumes, whether it is packed."""

    size: int | None
    resumes: bool
    packed: bool


def body_of(answer: Response, start: int) -> Body | None:
    """Return what the answer to a request for the bytes from `start` on holds, None for anything else."""
    packed = answer.headers.get("content-encoding", "identity").lower() != "identity"
    if answer.status_code == 200:
        length = answer.headers.get("content-length", "")
        told = length.isdecimal() and len(length) <= 18 and not packed
        return Body(int(length) if told else None, resumes=False, packed=packed)
    found = _CONTENT_RANGE.fullmatch(answer.headers.get("content-range", ""))
    if answer.status_code != 206 or found is None or packed or not start or int(found[1]) != start:
        return None
    size = None if found[3] == "*" else int(found[3])
    if size is not None and int(found[2]) != size - 1:
        return None
    return Body(size, resumes=True, packed=False)
