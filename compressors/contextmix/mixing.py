"""Logistic mixing: log-odds times weights, with weights that learn from each bit.

Weights are int32 in units of 1/65536, in sets that lie one behind the other; a context selects a set. Mixing in
the logistic domain is due to M. Mahoney (PAQ7, "Adaptive Weighing of Context Models for Lossless Data
Compression", 2005); the update is gradient descent on the cost of coding.

Inputs must lie within +-4095, so that every product stays within 32 bits.
"""

import numpy as np
from numpy.typing import NDArray

from panini_daemon.compressors.kernels import unchecked_kernel

WEIGHT_ONE = 1 << 16
"""A weight of one."""
HEAVIEST = (1 << 19) - 1
"""The largest absolute weight: eight."""


def make_weights(sets: int, inputs: int, start: int) -> NDArray[np.int32]:
    """Make `sets` sets of `inputs` weights, all `start`, one behind the other."""
    return np.full(sets * inputs, start, np.int32)


@unchecked_kernel
def mix(weights: NDArray[np.int32], first: int, inputs: NDArray[np.int32], count: int) -> int:
    """Return the log-odds, within +-3071, of `count` inputs under the weights from `first` on.

    The caller makes sure that `first + count` weights and `count` inputs are there.
    """
    chosen = weights[first : first + count]
    total = 0
    for at in range(count):
        total += int(chosen[at]) * int(inputs[at])
    return min(max(total >> 16, -3071), 3071)


@unchecked_kernel
def train(weights: NDArray[np.int32], first: int, inputs: NDArray[np.int32], count: int, step: int) -> None:
    """Move the weights from `first` on by input * step / 16384, rounded, along the error.

    `step` is the error, bit * 65536 - chance, times a rate, cut to 19 bits with its sign; see `step_of`.
    """
    chosen = weights[first : first + count]
    for at in range(count):
        weight = int(chosen[at]) + (int(inputs[at]) * step + 0x2000 >> 14)
        chosen[at] = min(max(weight, -0x7FFFF), 0x7FFFF)


@unchecked_kernel
def step_of(bit: int, chance: int, rate: int) -> int:
    """Return the step for `train`: the error of `chance`, of 65536, times rate / 1024, within +-2**18."""
    return min(max(((bit << 16) - chance) * rate >> 10, -0x40000), 0x40000)
