"""Ways to see bytes, of which a trial chooses one: contexts, the length of a record, what is done before."""

from typing import NamedTuple

from panini_daemon.compressors.contextmix.strides import find_strides
from panini_daemon.compressors.protocol import Kind

_LEAN = {
    "text": (1, 2, 3, 4, 6, 13, 14, 33),
    "tables": (1, 2, 3, 4, 6, 30, 32, 55),
    "general": (1, 2, 3, 4, 6, 20, 28, 29),
    "records": (1, 2, 3, 4, 35, 38, 39, 42),
    "samples": (1, 2, 43, 44, 45, 63, 65, 66),
}
_FULL = {
    "text": (0, 1, 2, 3, 4, 5, 6, 13, 14, 15, 16, 17, 19, 20, 21, 29, 30, 31, 33, 51, 53, 56, 60),
    "tables": (0, 1, 2, 3, 4, 5, 6, 8, 11, 13, 14, 17, 19, 28, 30, 31, 32, 33, 34, 51, 52, 53, 55, 60),
    "general": (0, 1, 2, 3, 4, 5, 6, 14, 18, 19, 20, 21, 22, 23, 24, 26, 27, 28, 29, 31, 51, 53, 54, 58),
    "records": (
        0,
        1,
        2,
        3,
        4,
        6,
        9,
        18,
        19,
        20,
        22,
        23,
        26,
        27,
        28,
        29,
        35,
        36,
        37,
        38,
        39,
        40,
        42,
        50,
        51,
        53,
        54,
        58,
    ),
    "samples": (0, 1, 2, 3, 4, 19, 29, 35, 37, 38, 39, 42, 43, 44, 45, 48, 61, 62, 63, 64, 65, 66, 51, 54, 70),
}
_PIECE = 32 << 10


class Form(NamedTuple):
    """`contexts` are numbers of `contexts.py`; `stride` is a record's bytes; `filter` goes by the filters' names."""

    contexts: tuple[int, ...]
    stride: int = 1
    filter: str = "none"
    prose: bool = False


def list_forms(sample: bytes, kind: Kind, *, thorough: bool) -> list[Form]:
    """List the forms worth a trial for such bytes: few, or with `thorough` many."""
    known = _FULL if thorough else _LEAN
    text = [Form(known["text"], prose=True), Form(known["text"]), Form(known["tables"])]
    if kind is Kind.TEXT and not thorough:
        return text
    strides = find_strides(sample, 3 if thorough else 2) or [4]
    other = [Form(known["general"]), Form(known["general"], filter="x86")]
    other += [Form(known[name], stride) for stride in strides for name in ("records", "samples")]
    return text + other if thorough else [text[1], *other]


def take_piece(data: bytes) -> bytes:
    """Take three pieces of 32 KiB, from places that are multiples of 64 KiB where there are such, or all of less."""
    if len(data) <= 4 * _PIECE:
        return data
    step = max((len(data) - _PIECE) // 2 >> 16 << 16, _PIECE)
    return b"".join(data[at * step : at * step + _PIECE] for at in range(3))
