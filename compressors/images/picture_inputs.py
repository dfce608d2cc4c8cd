"""What the predictors of pictures see: neighbours of a sample, in its own channel and in the others.

Channels are coded in the order that `make_order` gives: green before red and blue, which resemble it.
"""

import numpy as np
from numpy.typing import NDArray

from panini_daemon.compressors.kernels import unchecked_kernel

LARGE, SMALL = 33, 14
"""The most inputs of the large and of the small problem of least squares, with four channels."""


def make_order(channels: int) -> NDArray[np.int64]:
    """Return the channels in the order of coding."""
    return np.array([1, 0, 2, 3][:channels] if channels > 2 else range(channels), np.int64)


@unchecked_kernel
def gather(
    line: NDArray[np.int16],
    place: int,
    stride: int,
    step: int,
    order: NDArray[np.int64],
    turn: int,
    large: NDArray[np.int64],
) -> int:
    """Write the inputs of the sample at `place` of the flat samples, `turn`-th in order, and return their count.

    An input is twice a sample less the sum of its channel's left and upper neighbours of the sample in question.
    """
    channel = int(order[turn])
    middle = int(line[place - step]) + int(line[place - stride])
    large[0] = 2 * int(line[place - step]) - middle
    large[1] = 2 * int(line[place - stride - step]) - middle
    large[2] = 2 * int(line[place - stride + step]) - middle
    large[3] = 2 * int(line[place - 2 * step]) - middle
    large[4] = 2 * int(line[place - 2 * stride]) - middle
    large[5] = 2 * int(line[place - 2 * stride + step]) - middle
    large[6] = 2 * int(line[place - 2 * stride - step]) - middle
    large[7] = 2 * int(line[place - stride + 2 * step]) - middle
    large[8] = 2 * int(line[place - stride - 2 * step]) - middle
    large[9] = 2 * int(line[place - 3 * step]) - middle
    large[10] = 2 * int(line[place - 2 * stride + 2 * step]) - middle
    large[11] = 2 * int(line[place - 2 * stride - 2 * step]) - middle
    large[12] = 2 * int(line[place - 3 * stride]) - middle
    count = 13
    for number in range(step):
        if number == turn:
            continue
        there = place + int(order[number]) - channel
        west, north = int(line[there - step]), int(line[there - stride])
        large[count] = west - north
        large[count + 1] = 2 * int(line[there - stride - step]) - west - north
        large[count + 2] = 2 * int(line[there - stride + step]) - west - north
        count += 3
        if number < turn:
            large[count] = 2 * int(line[there]) - west - north
            large[count + 1] = 2 * int(line[there - 2 * stride]) - west - north
            large[count + 2] = 2 * int(line[there - 2 * step]) - west - north
            count += 3
    return count


@unchecked_kernel
def gather_few(
    line: NDArray[np.int16],
    place: int,
    stride: int,
    step: int,
    order: NDArray[np.int64],
    turn: int,
    small: NDArray[np.int64],
) -> int:
    """Write fewer inputs, for weights that change fast, and return their count."""
    channel = int(order[turn])
    middle = int(line[place - step]) + int(line[place - stride])
    small[0] = 2 * int(line[place - step]) - middle
    small[1] = 2 * int(line[place - stride - step]) - middle
    small[2] = 2 * int(line[place - stride + step]) - middle
    small[3] = 2 * int(line[place - 2 * step]) - middle
    small[4] = 2 * int(line[place - 2 * stride]) - middle
    count = 5
    for number in range(turn):
        there = place + int(order[number]) - channel
        west, north = int(line[there - step]), int(line[there - stride])
        small[count] = west - north
        small[count + 1] = 2 * int(line[there - stride - step]) - west - north
        small[count + 2] = 2 * int(line[there]) - west - north
        count += 3
    return count
