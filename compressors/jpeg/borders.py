"""What neighbouring blocks let expect at the borders of a block, without the inverse DCT.

Along a border, the picture of a block is a sum over one of the two frequencies: for each frequency along the border,
the coefficients across it times the values of their waves there. Neighbours should agree, so what is known of a
block's sum, taken from its neighbour's, leaves an expectation for what is not. After the edge prediction of Lepton
(D. R. Horn et al., NSDI 2017), applied to each coefficient as it comes.
"""

import numpy as np
from numpy.typing import NDArray

ZIGZAG: tuple[int, ...] = tuple(
    sorted(range(64), key=lambda at: (at // 8 + at % 8, at // 8 if (at // 8 + at % 8) % 2 else at % 8))
)
"""The place (8 * vertical + horizontal frequency) of each coefficient in a file's order (T.81, figure A.6)."""
WAVES = (1024, 1420, 1338, 1204, 1024, 805, 554, 283)
"""Values of the waves at the centre of a border's pixels, times 1024: the DCT's, with its factor for the mean."""


def make_zigzag() -> NDArray[np.int64]:
    """Return ZIGZAG as kernels want it."""
    return np.array(ZIGZAG, np.int64)
