"""Reversible filters that give bytes a form which coders like better: x86 branches, differences of samples.

A filter goes by a name that is put into the recipe: `none`, `x86` (liblzma's BCJ filter: relative jump
targets become absolute) or `delta1` to `delta256` (each byte minus the one so many before).
"""

import lzma
import re
from collections.abc import Callable, Mapping, Sequence

from panini_daemon.compressors.errors import PayloadDamaged
from panini_daemon.compressors.protocol import Json

CHEAP = ("none", "x86", "delta1", "delta2", "delta3", "delta4")
ALL = (*CHEAP, "delta6", "delta8", "delta12", "delta16")

_DELTA = re.compile(r"delta([1-9]\d{0,2})", re.ASCII)
_CARRIER: dict[str, int] = {"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 16}
_PIECES, _PIECE = 4, 1 << 16


def apply_filter(name: str, data: bytes) -> bytes:
    """Filter the data; the result is as long. `name` is one of `ALL`."""
    chain = filter_chain(name)
    if not chain or not data:
        return data
    carried = lzma.compress(data, lzma.FORMAT_RAW, filters=[*chain, _CARRIER])
    return lzma.decompress(carried, lzma.FORMAT_RAW, filters=[_CARRIER])


def undo_filter(name: str, data: bytes) -> bytes:
    """Undo `apply_filter`."""
    chain = filter_chain(name)
    if not chain or not data:
        return data
    carried = lzma.compress(data, lzma.FORMAT_RAW, filters=[_CARRIER])
    return lzma.decompress(carried, lzma.FORMAT_RAW, filters=[*chain, _CARRIER])


def filter_chain(name: str) -> list[dict[str, int]]:
    """Return liblzma's filter specification: an empty list for `none`."""
    if name == "x86":
        return [{"id": lzma.FILTER_X86}]
    delta = _DELTA.fullmatch(name)
    return [{"id": lzma.FILTER_DELTA, "dist": int(delta[1])}] if delta else []


def read_filter(parameters: Mapping[str, Json]) -> str:
    """Read the parameter `filter`, `none` where there is none. Raises PayloadDamaged."""
    name = parameters.get("filter", "none")
    if not isinstance(name, str) or not (name in ("none", "x86") or _in_range(name)):
        raise PayloadDamaged(
            f"parameter 'filter' is {name!r:.60}; expected none, x86 or delta1 to delta256; "
            "restore recipe.json from a copy or update panini-daemon"
        )
    return name


def choose_filter(data: bytes, names: Sequence[str], measure: Callable[[bytes], int]) -> str:
    """Choose the filter under which a sample of at most 256 KiB measures smallest, by `measure`, in bytes.

    Another filter than `none` must gain at least half a per cent, since the sample is not the whole.
    """
    sample = take_sample(data)
    sizes = {name: measure(apply_filter(name, sample)) for name in names}
    best = min(names, key=lambda name: sizes[name])
    return best if sizes[best] * 200 < sizes["none"] * 199 else "none"


def take_sample(data: bytes) -> bytes:
    """Take four pieces of 64 KiB, evenly spaced, or all where there is less."""
    if len(data) <= _PIECES * _PIECE:
        return data
    step = (len(data) - _PIECE) // (_PIECES - 1)
    return b"".join(data[at * step : at * step + _PIECE] for at in range(_PIECES))


def _in_range(name: str) -> bool:
    delta = _DELTA.fullmatch(name)
    return delta is not None and int(delta[1]) <= 256
