"""Predictions in eighths of a sample's unit, their mean errors around, and the classes of those."""

import numpy as np
from numpy.typing import NDArray

from panini_daemon.compressors.kernels import unchecked_kernel

TOP = 255
"""The greatest sample."""
USUAL = 40
"""Errors in eighths are kept less this, so that what lies outside the picture counts as so much."""


@unchecked_kernel
def round_sum(total: int, middle: int) -> int:
    """Turn a weighted sum into a prediction in eighths, within 0 and 8 * TOP."""
    return min(max((total + (middle << 16) + (1 << 13)) >> 14, 0), 8 * TOP)


@unchecked_kernel
def class_of(scale: int) -> int:
    """Return the class, 0 to 15, of a mean error in sixteenths: two for each doubling."""
    bits = 0
    while bits < 7 and scale >> bits + 3:
        bits += 1
    return 2 * bits + (1 if bits and scale >> bits + 1 & 1 else 0)


@unchecked_kernel
def scale_of(errors: NDArray[np.int16], place: int, stride: int, step: int) -> int:
    """Return the mean error around, in sixteenths of a sample's unit, at least 2. Errors are kept less USUAL."""
    near = int(errors[place - step]) + int(errors[place - stride])
    far = int(errors[place - stride - step]) + int(errors[place - stride + step])
    far += int(errors[place - 2 * step]) + int(errors[place - 2 * stride])
    return max((2 * near + far + 8 * USUAL) >> 2, 2)
