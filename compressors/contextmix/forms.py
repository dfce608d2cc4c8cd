"""Ways to see bytes, of which a trial chooses one: a profile, the length of a record, what is done before."""

from typing import NamedTuple

from panini_daemon.compressors.contextmix.strides import find_strides
from panini_daemon.compressors.protocol import Kind

_PIECES = 3
_LEAN = "lean "


class Form(NamedTuple):
    """`profile` is one of `profiles.py`; `stride` is a record's bytes; `filter` goes by the filters' names."""

    profile: str
    stride: int = 1
    filter: str = "none"
    prose: bool = False


def list_forms(data: bytes, kind: Kind, *, lean: bool, thorough: bool) -> list[Form]:
    """List the forms worth a trial for such bytes: few, or with `thorough` many."""
    prefix = _LEAN if lean else ""
    text = [Form(prefix + "text", prose=True), Form(prefix + "text"), Form(prefix + "tables")]
    if kind is Kind.TEXT and not thorough:
        return text
    strides = find_strides(data, 3 if thorough else 2) or [4]
    other = [Form(prefix + "general"), Form(prefix + "code", filter="x86")]
    other += [Form(prefix + name, stride) for stride in strides for name in ("records", "samples")]
    return text + other if thorough else [text[1], *other]


def take_piece(data: bytes, length: int) -> bytes:
    """Take three pieces of `length` bytes, from multiples of 64 KiB where there are such, or all of less."""
    if len(data) <= _PIECES * length:
        return data
    step = max((len(data) - length) // (_PIECES - 1) >> 16 << 16, length)
    return b"".join(data[at * step : at * step + length] for at in range(_PIECES))
