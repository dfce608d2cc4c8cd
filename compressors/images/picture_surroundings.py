"""What is known of a picture's sample before it is coded: predictions by least squares, and how well they did."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from panini_daemon.compressors.images.least_squares import (
    Squares,
    add_sample,
    improve_weights,
    make_squares,
    predict_sum,
)
from panini_daemon.compressors.images.picture_inputs import LARGE, SMALL, gather, gather_few, make_order
from panini_daemon.compressors.images.scales import USUAL, class_of, round_sum, scale_of
from panini_daemon.compressors.kernels import unchecked_kernel

BEST = 4
"""Predictions: near, wide, quick, and their mean."""
NEAR, WIDE, QUICK, MEAN = range(BEST)
_NEAR_FADE, _WIDE_FADE, _QUICK_FADE = 6, 10, 5
_ROWS_ABOVE, _ASIDE = 3, 2
"""Samples that teach the near problem besides: of so many rows above, so many pixels to the right."""


class Predictions(NamedTuple):
    """What is predicted, in eighths, and how far from what came such predictions were around: scales and classes."""

    centres: NDArray[np.int64]
    scales: NDArray[np.int64]
    classes: NDArray[np.int64]


class Surroundings(NamedTuple):
    """Predictions, their errors so far, the three problems of least squares, and room for inputs.

    What is asked for each bit gets the predictions alone: handing over so many arrays takes its time.
    """

    found: Predictions
    errors: NDArray[np.int16]
    near: Squares
    wide: Squares
    quick: Squares
    order: NDArray[np.int64]
    large: NDArray[np.int64]
    again: NDArray[np.int64]
    small: NDArray[np.int64]


def make_surroundings(channels: int, size: int) -> Surroundings:
    """Make what is known of the first of `size` samples."""
    return Surroundings(
        found=Predictions(*np.zeros((3, BEST), np.int64)),
        errors=np.zeros((BEST, size), np.int16),
        near=make_squares(channels, LARGE),
        wide=make_squares(channels, LARGE),
        quick=make_squares(channels, SMALL),
        order=make_order(channels),
        large=np.zeros(LARGE, np.int64),
        again=np.zeros(LARGE, np.int64),
        small=np.zeros(SMALL, np.int64),
    )


@unchecked_kernel
def look_around(
    around: Surroundings,
    line: NDArray[np.int16],
    place: int,
    stride: int,
    step: int,
    turn: int,
    more: bool,  # noqa: FBT001  kernels take no keywords
) -> None:
    """Predict the sample at `place`, and weigh the predictions; `more` where the near problem is taught besides."""
    order, large, again, centres = around.order, around.large, around.again, around.found.centres
    count = gather(line, place, stride, step, order, turn, large)
    few = gather_few(line, place, stride, step, order, turn, around.small)
    if more:
        for up in range(1, _ROWS_ABOVE + 1):
            there = place - up * stride + _ASIDE * step
            gather(line, there, stride, step, order, turn, again)
            aim = 2 * int(line[there]) - int(line[there - step]) - int(line[there - stride])
            add_sample(around.near, turn, again, count, aim, _NEAR_FADE)
    improve_weights(around.near, turn, count)
    improve_weights(around.wide, turn, count)
    improve_weights(around.quick, turn, few)
    middle = int(line[place - step]) + int(line[place - stride])
    centres[NEAR] = round_sum(predict_sum(around.near, turn, large, count), middle)
    centres[WIDE] = round_sum(predict_sum(around.wide, turn, large, count), middle)
    centres[QUICK] = round_sum(predict_sum(around.quick, turn, around.small, few), middle)
    weight, total = 0, 0
    for number in range(MEAN):
        scale = _measure(around.errors[number], around.found, number, place, stride, step)
        share = (1 << 24) // (scale * scale)
        weight += share
        total += share * int(centres[number])
    centres[MEAN] = (total + (weight >> 1)) // weight
    _measure(around.errors[MEAN], around.found, MEAN, place, stride, step)


@unchecked_kernel
def _measure(errors: NDArray[np.int16], found: Predictions, number: int, place: int, stride: int, step: int) -> int:
    scale = scale_of(errors, place, stride, step)
    found.scales[number] = scale
    found.classes[number] = class_of(scale)
    return scale


@unchecked_kernel
def learn_sample(
    around: Surroundings, line: NDArray[np.int16], place: int, stride: int, step: int, turn: int, sample: int
) -> None:
    """Teach all predictions what came; `look_around` was for this sample."""
    for number in range(BEST):
        around.errors[number, place] = abs(8 * sample - int(around.found.centres[number])) - USUAL
    aim = 2 * sample - int(line[place - step]) - int(line[place - stride])
    count, few = _count_inputs(turn, step)
    add_sample(around.near, turn, around.large, count, aim, _NEAR_FADE)
    add_sample(around.wide, turn, around.large, count, aim, _WIDE_FADE)
    add_sample(around.quick, turn, around.small, few, aim, _QUICK_FADE)


@unchecked_kernel
def learn_repeated(around: Surroundings, first: int, channels: int) -> None:
    """Take all predictions for right where a pixel, from the flat place `first` on, was not coded by them."""
    for number in range(BEST):
        for place in range(first, first + channels):
            around.errors[number, place] = -USUAL


@unchecked_kernel
def _count_inputs(turn: int, channels: int) -> tuple[int, int]:
    """Return how many inputs `gather` and `gather_few` write."""
    return 13 + 3 * (channels - 1) + 3 * turn, 5 + 3 * turn
