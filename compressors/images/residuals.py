"""Rows as differences to what their neighbours let expect, for byte coders; in whole bytes, modulo 256.

A byte is expected to be the median of left, above, and left + above - corner (LOCO-I: Weinberger, Seroussi and
Sapiro, 2000), `step` bytes apart; what lies outside is zero. With three or more channels of 8 bits, the middle one
(green) is taken from the first and the third before.
"""

import numpy as np
from numpy.typing import NDArray

from panini_daemon.compressors.images.layout import Layout
from panini_daemon.compressors.kernels import kernel


def take_differences(rows: bytes, layout: Layout) -> bytes:
    """Return the differences, as many bytes."""
    table = _tie(np.frombuffer(rows, np.uint8).reshape(layout.height, layout.row), layout, -1)
    out = np.empty_like(table)
    _subtract(table, out, _step(layout))
    return out.tobytes()


def undo_differences(differences: bytes, layout: Layout) -> bytes:
    """Undo `take_differences`."""
    table = np.frombuffer(differences, np.uint8).reshape(layout.height, layout.row).copy()
    _add(table, _step(layout))
    return _tie(table, layout, 1).tobytes()


def _step(layout: Layout) -> int:
    return max(1, layout.channels * layout.bits // 8)


def _tie(table: NDArray[np.uint8], layout: Layout, sign: int) -> NDArray[np.uint8]:
    if layout.channels < 3 or layout.bits != 8:
        return table
    pixels = table.reshape(layout.height, layout.width, layout.channels).astype(np.int16)
    pixels[:, :, 0] += sign * pixels[:, :, 1]
    pixels[:, :, 2] += sign * pixels[:, :, 1]
    return (pixels & 255).astype(np.uint8).reshape(table.shape)


@kernel
def _expect(table: NDArray[np.uint8], row: int, at: int, step: int) -> int:
    left = int(table[row, at - step]) if at >= step else 0
    above = int(table[row - 1, at]) if row else 0
    corner = int(table[row - 1, at - step]) if row and at >= step else 0
    if corner >= max(left, above):
        return min(left, above)
    if corner <= min(left, above):
        return max(left, above)
    return left + above - corner


@kernel
def _subtract(table: NDArray[np.uint8], out: NDArray[np.uint8], step: int) -> None:
    for row in range(table.shape[0]):
        for at in range(table.shape[1]):
            out[row, at] = (int(table[row, at]) - _expect(table, row, at, step)) & 255


@kernel
def _add(table: NDArray[np.uint8], step: int) -> None:
    for row in range(table.shape[0]):
        for at in range(table.shape[1]):
            table[row, at] = (int(table[row, at]) + _expect(table, row, at, step)) & 255
