"""Samples coded one by one: least squares, then three filters on what these leave over, then what all leave over."""

import numpy as np
from numpy.typing import NDArray

from panini_daemon.compressors.audio.files import Samples
from panini_daemon.compressors.audio.least_squares import (
    POINT,
    Longs,
    Scratch,
    add_products,
    lift_of,
    make_scratch,
    make_squares,
    solve,
    weigh,
)
from panini_daemon.compressors.audio.prediction import foretell, learn
from panini_daemon.compressors.audio.residuals import FRACTION_BITS, Residuals, code_difference, make_residuals
from panini_daemon.compressors.kernels import kernel, unchecked_kernel

OWN, BESIDE, OTHERS = 32, 16, 2
"""Samples that least squares see: of the channel itself, of each other one, and how many others."""
FIRST, SECOND, THIRD = 256, 32, 16
"""Samples that each filter sees of what was left over before it."""
RATE, RATE2, RATE3 = 7, 6, 5
SCALES = (0, 8, 5, 2)
"""Bits behind the point, by the bytes of a sample."""
EVERY = 8
"""Frames between two solutions."""
SPAN = 4096
"""Frames between two times that histories are moved back."""


def code(samples: Longs, layout: Samples, coder: Longs, data: NDArray[np.uint8], *, writing: bool) -> bool:
    """Code samples, frames of all channels in a row, or fill them; False where what was read is none.

    Raises IndexError where `data` is full.
    """
    channels, width = layout.channels, layout.width
    inputs = OWN + BESIDE * min(channels - 1, OTHERS)
    products, targets, weights = make_squares(channels, inputs)
    filters = np.zeros((channels, FIRST + SECOND + THIRD), np.int64)
    done: bool = _code_samples(
        samples, channels, SCALES[width], 1 << (8 * width - 1), lift_of(width), products, targets, weights,
        make_scratch(inputs), filters, make_residuals(channels), coder, data, writing,
    )  # fmt: skip
    return done


@unchecked_kernel
def _look(past: Longs, channel: int, at: int, seen: Longs) -> None:
    """Gather what least squares see: the past of this channel, then that of those before it, with their present."""
    channels = past.shape[0]
    for back in range(OWN):
        seen[back] = past[channel, at + back]
    for other in range(min(channels - 1, OTHERS)):
        which = channel - 1 - other
        start = at - 1
        if which < 0:
            which += channels
            start = at
        for back in range(BESIDE):
            seen[OWN + BESIDE * other + back] = past[which, start + back]


@unchecked_kernel
def _rewind(past: Longs, keep: int) -> None:
    """Move the newest `keep` numbers, which have reached the beginning, to the end."""
    for channel in range(past.shape[0]):
        for back in range(keep):
            past[channel, past.shape[1] - keep + back] = past[channel, back]


@kernel
def _code_samples(
    samples: Longs, channels: int, scale: int, most: int, lift: int, products: Longs, targets: Longs, weights: Longs,
    scratch: Scratch, filters: Longs, memory: Residuals, coder: Longs, data: NDArray[np.uint8], writing: bool,
) -> bool:  # fmt: skip
    # What has been lies backwards, the newest first, so that a filter sees a run of an array.
    past = np.zeros((channels, SPAN + OWN), np.int64)
    left = np.zeros((channels, SPAN + FIRST), np.int64)
    left2 = np.zeros((channels, SPAN + SECOND), np.int64)
    left3 = np.zeros((channels, SPAN + THIRD), np.int64)
    energies = np.zeros((channels, 3), np.int64)
    seen = np.zeros(weights.shape[1], np.int64)
    farthest = most << scale
    at = SPAN
    for frame in range(samples.size // channels):
        if not at:
            _rewind(past, OWN)
            _rewind(left, FIRST)
            _rewind(left2, SECOND)
            _rewind(left3, THIRD)
            at = SPAN
        for channel in range(channels):
            own = filters[channel]
            _look(past, channel, at, seen)
            guess = min(max(weigh(weights[channel], seen) >> POINT - scale, -farthest), farthest)
            guess1 = min(max(foretell(own, 0, left[channel], at, FIRST), -farthest), farthest)
            guess2 = min(max(foretell(own, FIRST, left2[channel], at, SECOND), -farthest), farthest)
            guess3 = min(max(foretell(own, FIRST + SECOND, left3[channel], at, THIRD), -farthest), farthest)
            total = min(max(guess + guess1 + guess2 + guess3, -farthest), farthest) + (1 << scale >> 1)
            whole = total >> scale
            fraction = (total - (whole << scale) << FRACTION_BITS) >> scale
            difference = int(samples[frame * channels + channel]) - whole if writing else 0
            actual = whole + code_difference(memory, coder, data, channel, fraction, difference, writing)
            if actual < -most or actual > most:
                return False
            samples[frame * channels + channel] = actual
            error = (actual << scale) - guess
            error1 = error - guess1
            error2 = error1 - guess2
            learn(own, 0, left[channel], at, FIRST, int(energies[channel, 0]), error1, RATE)
            learn(own, FIRST, left2[channel], at, SECOND, int(energies[channel, 1]), error2, RATE2)
            learn(own, FIRST + SECOND, left3[channel], at, THIRD, int(energies[channel, 2]), error2 - guess3, RATE3)
            gone, gone1 = int(left[channel, at + FIRST - 1]), int(left2[channel, at + SECOND - 1])
            gone2 = int(left3[channel, at + THIRD - 1])
            energies[channel, 0] += error * error - gone * gone
            energies[channel, 1] += error1 * error1 - gone1 * gone1
            energies[channel, 2] += error2 * error2 - gone2 * gone2
            left[channel, at - 1], left2[channel, at - 1], left3[channel, at - 1] = error, error1, error2
            add_products(products[channel], targets[channel], seen, actual, lift)
            if not frame % EVERY:
                solve(products[channel], targets[channel], weights[channel], scratch)
            past[channel, at - 1] = actual
        at -= 1
    return True
