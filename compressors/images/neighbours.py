"""Samples with a margin, so that a model may look at neighbours without asking whether there are any."""

import numpy as np
from numpy.typing import NDArray

ABOVE = 4
"""Rows of the margin above."""
ASIDE = 6
"""Pixels of the margin on either side."""


def make_canvas(height: int, width: int, channels: int) -> NDArray[np.int16]:
    """Make a table of zeros, (height + ABOVE) x (width + 2 * ASIDE) pixels of `channels` samples, row by row."""
    return np.zeros((height + ABOVE, (width + 2 * ASIDE) * channels), np.int16)


def view_inside(canvas: NDArray[np.int16], channels: int) -> NDArray[np.int16]:
    """Return the samples without the margin, as a view."""
    inside: NDArray[np.int16] = canvas[ABOVE:, ASIDE * channels : canvas.shape[1] - ASIDE * channels]
    return inside
