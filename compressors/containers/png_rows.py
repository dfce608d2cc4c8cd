"""PNG's filters, undone and done again (PNG specification, 9), and how an encoder chose among them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from panini_daemon.compressors.kernels import kernel

Bytes = NDArray[np.uint8]
FILTERS = 5


@kernel
def guess(kind: Any, left: Any, up: Any, corner: Any) -> Any:
    """Predict a byte from its neighbours by one of the five filters."""
    if kind == 1:
        return left
    if kind == 2:
        return up
    if kind == 3:
        return (left + up) >> 1
    if kind == 4:
        by_left, by_up, by_corner = abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)
        if by_left <= by_up and by_left <= by_corner:
            return left
        return up if by_up <= by_corner else corner
    return 0


@kernel
def undo_filters(rows: Bytes, step: int, pixels: Bytes) -> None:
    """Undo the filters of `rows`, height x (1 + stride), into `pixels`, height x stride."""
    height, stride = pixels.shape
    for y in range(height):
        kind = np.int64(rows[y, 0])
        for x in range(stride):
            left = np.int64(pixels[y, x - step]) if x >= step else 0
            up = np.int64(pixels[y - 1, x]) if y > 0 else 0
            corner = np.int64(pixels[y - 1, x - step]) if y > 0 and x >= step else 0
            pixels[y, x] = (np.int64(rows[y, x + 1]) + guess(kind, left, up, corner)) & 255


@kernel
def do_filters(pixels: Bytes, step: int, filters: Bytes, rows: Bytes) -> None:
    """Filter `pixels`, height x stride, with each row's filter into `rows`, height x (1 + stride)."""
    height, stride = pixels.shape
    for y in range(height):
        kind = np.int64(filters[y])
        rows[y, 0] = kind
        for x in range(stride):
            left = np.int64(pixels[y, x - step]) if x >= step else 0
            up = np.int64(pixels[y - 1, x]) if y > 0 else 0
            corner = np.int64(pixels[y - 1, x - step]) if y > 0 and x >= step else 0
            rows[y, x + 1] = (np.int64(pixels[y, x]) - guess(kind, left, up, corner)) & 255


@kernel
def choose_filters(pixels: Bytes, step: int, chosen: Bytes) -> None:
    """Choose each row's filter as libpng does: the smallest sum of the filtered bytes taken as signed numbers."""
    height, stride = pixels.shape
    sums = np.zeros(FILTERS, np.int64)
    for y in range(height):
        sums[:] = 0
        for x in range(stride):
            left = np.int64(pixels[y, x - step]) if x >= step else 0
            up = np.int64(pixels[y - 1, x]) if y > 0 else 0
            corner = np.int64(pixels[y - 1, x - step]) if y > 0 and x >= step else 0
            for kind in range(FILTERS):
                value = (np.int64(pixels[y, x]) - guess(kind, left, up, corner)) & 255
                sums[kind] += value if value < 128 else 256 - value
        best = 0
        for kind in range(1, FILTERS):
            if sums[kind] < sums[best]:
                best = kind
        chosen[y] = best
