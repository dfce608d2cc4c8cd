"""Whether pixels are as others were: what came behind the same ones, and which of the nearest are alike."""

import numpy as np
from numpy.typing import NDArray

from panini_daemon.compressors.kernels import unchecked_kernel

_MOST_COMPARED = 32


@unchecked_kernel
def find_match(pixels: NDArray[np.int64], at: int, other: int) -> int:
    """Count the pixels before `at` that are as those before `other`, at most 32."""
    length = 0
    while length < _MOST_COMPARED and length < other and pixels[at - 1 - length] == pixels[other - 1 - length]:
        length += 1
    return length


@unchecked_kernel
def compare_around(pixels: NDArray[np.int64], at: int, stride: int) -> int:
    """Return five bits that tell which neighbours are alike."""
    west, north = pixels[at - 1], pixels[at - stride]
    same = 1 if west == north else 0
    same |= 2 if north == pixels[at - stride + 1] else 0
    same |= 4 if west == pixels[at - stride - 1] else 0
    same |= 8 if west == pixels[at - 2] else 0
    return same | (16 if north == pixels[at - 2 * stride] else 0)
