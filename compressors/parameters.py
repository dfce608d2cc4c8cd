"""Reading a recipe's parameters, which may be damaged: wrong types, missing names, huge numbers."""

import re
from collections.abc import Mapping

from panini_daemon.compressors.errors import PayloadDamaged
from panini_daemon.compressors.protocol import Json

LARGEST = 1 << 30
"""Bytes of the largest chunk that is decoded: ten times what a chunker cuts, and what a machine can hold."""


def check_claim(size: int) -> None:
    """Raise PayloadDamaged where a recipe claims more bytes than any chunk has; nothing was allocated for them yet."""
    if not 0 <= size <= LARGEST:
        raise PayloadDamaged(
            f"the recipe claims {_shown(size)} bytes; a chunk has at most {LARGEST}; restore recipe.json from a copy"
        )


def read_int(parameters: Mapping[str, Json], name: str, low: int, high: int) -> int:
    """Read a whole number from `low` to `high`, both included. Raises PayloadDamaged."""
    value = parameters.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise PayloadDamaged(
            f"parameter {name!r} is {_shown(value)}; expected a whole number from {low} to {high}; "
            "restore recipe.json from a copy"
        )
    return value


def read_choice(parameters: Mapping[str, Json], name: str, choices: tuple[str, ...]) -> str:
    """Read one of a few words. Raises PayloadDamaged."""
    value = parameters.get(name)
    if not isinstance(value, str) or value not in choices:
        raise PayloadDamaged(
            f"parameter {name!r} is {_shown(value)}; expected one of {', '.join(choices)}; "
            "restore recipe.json from a copy or update panini-daemon"
        )
    return value


def read_text(parameters: Mapping[str, Json], name: str, pattern: str) -> str:
    """Read a text that matches the whole of a pattern. Raises PayloadDamaged."""
    value = parameters.get(name)
    if not isinstance(value, str) or not re.fullmatch(pattern, value):
        raise PayloadDamaged(
            f"parameter {name!r} is {_shown(value)}; expected a text of the form {pattern}; "
            "restore recipe.json from a copy"
        )
    return value


def read_flag(parameters: Mapping[str, Json], name: str) -> bool:
    """Read true or false; false where the name is missing. Raises PayloadDamaged."""
    value = parameters.get(name, False)
    if not isinstance(value, bool):
        raise PayloadDamaged(
            f"parameter {name!r} is {_shown(value)}; expected true or false; restore recipe.json from a copy"
        )
    return value


def check_size(data: bytes, size: int) -> bytes:
    """Return `data` if it has `size` bytes. Raises PayloadDamaged."""
    if len(data) != size:
        raise PayloadDamaged(
            f"the payload decodes to {len(data)} bytes; expected {size}; restore compressed.bin from a copy"
        )
    return data


def window_log(size: int, low: int, high: int) -> int:
    """Compute the smallest power of two, as its exponent, that holds `size` bytes, within `low` to `high`."""
    return min(high, max(low, (size - 1).bit_length() if size > 0 else 0))


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
