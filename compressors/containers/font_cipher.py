"""The cipher of Type 1 fonts (Adobe Type 1 Font Format, 7): decoded, their programs are alike and compress well."""

import re
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from panini_daemon.compressors.kernels import kernel

_FILE_KEY, _GLYPH_KEY = 55665, 4330
_GLYPH = re.compile(rb" (\d{1,5}) (?:RD|-\|) ")
"""What stands before a glyph's or subroutine's program: its length, and the name of the procedure that reads it."""


@kernel
def run_cipher(data: NDArray[np.uint8], key: int, shown: int, out: NDArray[np.uint8]) -> None:
    """Run the cipher over `data` into `out`; `shown` is 1 where `data` are the plain bytes, 0 where the coded ones."""
    state = np.int64(key)
    for at in range(data.size):
        byte = np.int64(data[at])
        other = byte ^ (state >> 8)
        out[at] = other
        coded = other if shown else byte
        state = ((coded + state) * 52845 + 22719) & 65535


def decode_font(coded: bytes) -> bytes:
    """Decode a font's coded part, and the programs in it."""
    return _map_glyphs(_run(coded, _FILE_KEY, 0), lambda program: _run(program, _GLYPH_KEY, 0))


def encode_font(plain: bytes) -> bytes:
    """Undo `decode_font`."""
    return _run(_map_glyphs(plain, lambda program: _run(program, _GLYPH_KEY, 1)), _FILE_KEY, 1)


def _map_glyphs(data: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """Change each program. What is between them stays, so that they are found again."""
    parts, at = list[bytes](), 0
    while (found := _GLYPH.search(data, at)) is not None:
        end = found.end() + int(found.group(1))
        parts += [data[at : found.end()], change(data[found.end() : end])]
        at = end
    return b"".join([*parts, data[at:]])


def _run(data: bytes, key: int, shown: int) -> bytes:
    out = np.empty(len(data), np.uint8)
    run_cipher(np.frombuffer(data, np.uint8), key, shown, out)
    return out.tobytes()
