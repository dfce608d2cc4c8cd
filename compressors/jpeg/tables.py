"""Huffman tables as kernels use them (ITU-T T.81, annex C and F.2.2.3)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from panini_daemon.compressors.jpeg.layout import Unreadable

SLOTS = 8
"""Tables of a scan: those for DC of its four components, then those for AC."""


def build_decoders(tables: Sequence[bytes]) -> NDArray[np.int32]:
    """Return, for each table and each next 16 bits, length << 8 | symbol; 0 where no code begins so. Raises Unreadable.

    Shape (tables, 65536).
    """
    found = np.zeros((len(tables), 1 << 16), np.int32)
    for row, table in zip(found, tables, strict=True):
        at = 0
        for symbol, length, code in _codes(table):
            width = 1 << (16 - length)
            at = code * width
            row[at : at + width] = length << 8 | symbol
    return found


def build_encoders(tables: Sequence[bytes]) -> NDArray[np.int32]:
    """Return, for each table and symbol, length << 16 | code; 0 where it has none. Raises Unreadable.

    Shape (tables, 256).
    """
    found = np.zeros((len(tables), 256), np.int32)
    for row, table in zip(found, tables, strict=True):
        for symbol, length, code in _codes(table):
            if not row[symbol]:
                row[symbol] = length << 16 | code
    return found


def _codes(table: bytes) -> list[tuple[int, int, int]]:
    """List symbol, length and code, as the counts of codes of each length and the symbols give them."""
    codes, code, at = [], 0, 16
    for length in range(1, 17 if table else 0):
        for symbol in table[at : at + table[length - 1]]:
            if code >> length:
                raise Unreadable("a Huffman table has more codes than fit")
            codes.append((symbol, length, code))
            code += 1
        at += table[length - 1]
        code <<= 1
    return codes
