"""What is known of a photograph's sample before it is coded: predictions, how well they did around, textures."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from panini_daemon.compressors.images.photo_inputs import LARGE, SMALL
from panini_daemon.compressors.images.photo_model import BEST, MEAN, MIXERS, PREDICTIONS, TEXTURES, PhotoModel
from panini_daemon.compressors.kernels import unchecked_kernel

TOP = 255
"""The greatest sample."""
USUAL = 40
"""Errors in eighths are kept less this, so that what lies outside the picture counts as so much."""
_STEPS = (0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)


class Look(NamedTuple):
    """What is known of the sample that is coded, and what was known of those before."""

    centres: NDArray[np.int64]
    scales: NDArray[np.int64]
    classes: NDArray[np.int64]
    textures: NDArray[np.int64]
    sets: NDArray[np.int64]
    kinds: NDArray[np.int64]
    large: NDArray[np.int64]
    again: NDArray[np.int64]
    small: NDArray[np.int64]
    errors: NDArray[np.int16]
    residues: NDArray[np.int16]
    steps: NDArray[np.int64]


def make_look(size: int) -> Look:
    """Make what is known of the first of `size` samples."""
    return Look(
        centres=np.zeros(PREDICTIONS, np.int64),
        scales=np.zeros(BEST, np.int64),
        classes=np.zeros(BEST, np.int64),
        textures=np.zeros(TEXTURES, np.int64),
        sets=np.zeros(MIXERS, np.int64),
        kinds=np.zeros(MIXERS, np.int64),
        large=np.zeros(LARGE, np.int64),
        again=np.zeros(LARGE, np.int64),
        small=np.zeros(SMALL, np.int64),
        errors=np.zeros((BEST, size), np.int16),
        residues=np.zeros(size, np.int16),
        steps=np.array(_STEPS, np.int64),
    )


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
def look_around(
    line: NDArray[np.int16],
    model: PhotoModel,
    look: Look,
    place: int,
    stride: int,
    step: int,
    turn: int,
    shift: int,
    first_shift: int,
) -> None:
    """Fill in what comes of the predictions: their mean, scales, and the contexts and sets of weights.

    `shift` leads to the channel coded before, `first_shift` to the one coded first.
    """
    centres, residues, distances = look.centres, look.residues, model.distances
    weight, total = 0, 0
    for number in range(MEAN):
        errors = look.errors[number]
        scale = scale_of(errors, place, stride, step)
        look.scales[number] = scale
        look.classes[number] = class_of(scale)
        share = (1 << 24) // (scale * scale)
        weight += share
        total += share * int(centres[number])
    centres[MEAN] = (total + (weight >> 1)) // weight
    scale = scale_of(look.errors[MEAN], place, stride, step)
    look.scales[MEAN] = scale
    look.classes[MEAN] = class_of(scale)
    base = int(centres[MEAN])
    west = _kind(distances, int(residues[place - step]))
    north = _kind(distances, int(residues[place - stride]))
    east = _kind(distances, int(residues[place - stride + step]))
    last = int(residues[place + shift]) if turn else int(residues[place - 2 * step])
    prior = int(residues[place + first_shift]) if turn > 1 else int(residues[place - stride - step])
    own = int(look.classes[MEAN])
    left, above = int(line[place - step]), int(line[place - stride])
    corner, right = int(line[place - stride - step]), int(line[place - stride + step])
    textures = look.textures
    textures[0] = (west >> 2) << 6 | (north >> 2) << 2 | east >> 4
    textures[1] = (_kind(distances, last) >> 1) << 5 | own << 1 | (1 if prior > 0 else 0)
    textures[2] = (_kind(distances, last) >> 2) << 6 | (_kind(distances, prior) >> 2) << 2 | own >> 2
    textures[3] = (
        (_kind(distances, 8 * (left - above)) >> 2) << 6
        | (_kind(distances, 8 * (above - right)) >> 3) << 3
        | _kind(distances, 8 * (left - corner)) >> 3
    )
    textures[4] = (base + 4 >> 3) << 2 | (base + 4 & 7) >> 1
    textures[5] = int(look.classes[0]) << 6 | int(look.classes[1]) << 2 | (base + 4 & 7) >> 1
    spread = int(centres[0]) - int(centres[1])
    textures[6] = (_kind(distances, 2 * spread) >> 1) << 5 | _kind(distances, int(centres[BEST + 2]) - base) >> 1
    textures[7] = (_kind(distances, 8 * above - base) >> 1) << 5 | _kind(distances, 8 * left - base) >> 1
    look.kinds[0] = own
    look.kinds[1] = turn << 2 | min(class_of(2 * abs(last)) >> 2, 3)
    look.kinds[2] = (west >> 3) << 2 | min(class_of(2 * abs(spread)) >> 1, 3)


@unchecked_kernel
def _kind(distances: NDArray[np.int64], distance: int) -> int:
    return int(distances[min(max(distance, -2048), 2047) + 2048])


@unchecked_kernel
def scale_of(errors: NDArray[np.int16], place: int, stride: int, step: int) -> int:
    """Return the mean error around, in sixteenths of a sample's unit, at least 2. Errors are kept less USUAL."""
    near = int(errors[place - step]) + int(errors[place - stride])
    far = int(errors[place - stride - step]) + int(errors[place - stride + step])
    far += int(errors[place - 2 * step]) + int(errors[place - 2 * stride])
    return max((2 * near + far + 8 * USUAL) >> 2, 2)
