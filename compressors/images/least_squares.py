"""Predicting a sample as a weighted sum of others, with weights that follow least squares, in whole numbers.

Sums of products of inputs fade with each sample; the normal equations are not solved but improved by a step of
Gauss and Seidel for each weight, from where the last sample left them. After the least squares of TMW (Meyer and
Tischer, 1997) and of paq8px's OLS, whose matrices are solved in floating point.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from panini_daemon.compressors.kernels import unchecked_kernel

_WEIGHT_BITS = 16
_RIDGE = 2000
"""What is added to a sum of squares, so that an input that is always zero takes no weight."""
_HEAVIEST = 8 << _WEIGHT_BITS


class Squares(NamedTuple):
    """One problem for each channel: products of inputs, of inputs and target, and weights of 2**16."""

    products: NDArray[np.int64]
    targets: NDArray[np.int64]
    weights: NDArray[np.int64]


def make_squares(channels: int, inputs: int) -> Squares:
    """Make problems that have seen nothing."""
    table = (channels, inputs)
    return Squares(np.zeros((*table, inputs), np.int64), np.zeros(table, np.int64), np.zeros(table, np.int64))


@unchecked_kernel
def predict_sum(squares: Squares, channel: int, inputs: NDArray[np.int64], count: int) -> int:
    """Return the weighted sum times 2**16."""
    total = 0
    for one in range(count):
        total += int(squares.weights[channel, one]) * int(inputs[one])
    return total


@unchecked_kernel
def add_sample(squares: Squares, channel: int, inputs: NDArray[np.int64], count: int, target: int, fade: int) -> None:
    """Count a sample in: all sums fade by 1 / 2**fade and take 16 times its products."""
    for one in range(count):
        value = 16 * int(inputs[one])
        line = squares.products[channel, one]
        for other in range(count):
            line[other] += value * inputs[other] - (line[other] >> fade)
        squares.targets[channel, one] += value * target - (int(squares.targets[channel, one]) >> fade)


@unchecked_kernel
def improve_weights(squares: Squares, channel: int, count: int) -> None:
    """Set each weight to what is best while the others stay, within +-8."""
    weights = squares.weights[channel]
    for one in range(count):
        line = squares.products[channel, one]
        rest = int(squares.targets[channel, one]) << _WEIGHT_BITS
        for other in range(count):
            rest -= line[other] * weights[other]
        own = int(line[one])
        weight = int(weights[one]) + (rest // (own + _RIDGE) if own >= 0 else 0)
        weights[one] = min(max(weight, -_HEAVIEST), _HEAVIEST)
