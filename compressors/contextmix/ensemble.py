"""The mixers behind the inputs: six that choose their weights by different contexts, one over them, refinements."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from panini_daemon.compressors.contextmix.logistic import make_squash, squash
from panini_daemon.compressors.contextmix.mixing import WEIGHT_ONE, make_weights, mix, step_of, train
from panini_daemon.compressors.contextmix.refinement import make_refinement, refine_learn, refined, refinement_place
from panini_daemon.compressors.contextmix.slots import hash_pair
from panini_daemon.compressors.kernels import unchecked_kernel

MIXERS = 6
SETS = 1536
"""Sets of weights of all six, as code_bytes counts them, and some to spare."""
BIAS = 256
_START = 3000
_FINAL_RATE = 150


class Ensemble(NamedTuple):
    """Weights, refinements, and what one prediction leaves for learning from it."""

    weights: NDArray[np.int32]
    final: NDArray[np.int32]
    refinements: NDArray[np.uint16]
    """By the bits so far; by those and the last byte; by those and a hash of the last two."""
    squash: NDArray[np.int32]
    odds: NDArray[np.int32]
    chances: NDArray[np.int64]
    chosen: NDArray[np.int64]
    """First weights of the six; the final one's set; its chance; three places in the refinements."""


def make_ensemble(inputs: int) -> Ensemble:
    """Make an ensemble over so many inputs, the last of which is the bias."""
    return Ensemble(
        weights=make_weights(SETS, inputs, _START),
        final=make_weights(256, MIXERS + 1, WEIGHT_ONE // MIXERS),
        refinements=make_refinement(256 + (1 << 16) + (1 << 16)),
        squash=make_squash(),
        odds=np.zeros(MIXERS + 1, np.int32),
        chances=np.zeros(MIXERS, np.int64),
        chosen=np.zeros(MIXERS + 5, np.int64),
    )


@unchecked_kernel
def combine(
    weights: NDArray[np.int32],
    final: NDArray[np.int32],
    refinements: NDArray[np.uint16],
    table: NDArray[np.int32],
    odds: NDArray[np.int32],
    chances: NDArray[np.int64],
    chosen: NDArray[np.int64],
    inputs: NDArray[np.int32],
    sets: NDArray[np.int64],
    partial: int,
    last: int,
    before: int,
) -> int:
    """Return the chance, 1 to 65535, that the inputs make under the chosen `sets` of weights.

    `partial` is a one and the byte's bits so far, `last` and `before` are the two bytes before it. The first seven
    arguments are the ensemble's: a tuple of arrays costs more to hand over than the whole of this.
    """
    count = inputs.size
    for number in range(MIXERS):
        first = int(sets[number]) * count
        chosen[number] = first
        odds[number] = mix(weights, first, inputs, count)
        chances[number] = squash(table, int(odds[number]))
    odds[6] = BIAS
    chosen[6] = partial * 7
    mixed = mix(final, partial * 7, odds, 7)
    chance = squash(table, mixed)
    chosen[7] = chance
    chosen[8] = refinement_place(partial, mixed)
    chosen[9] = refinement_place(256 + (partial | last << 8), mixed)
    chosen[10] = refinement_place(65792 + (hash_pair(last | before << 8, partial) & 0xFFFF), mixed)
    total = 2 * chance + refined(refinements, int(chosen[8]))
    total += 2 * refined(refinements, int(chosen[9])) + 3 * refined(refinements, int(chosen[10]))
    return min(max(total + 4 >> 3, 1), 65535)


@unchecked_kernel
def learn(
    weights: NDArray[np.int32],
    final: NDArray[np.int32],
    refinements: NDArray[np.uint16],
    odds: NDArray[np.int32],
    chances: NDArray[np.int64],
    chosen: NDArray[np.int64],
    inputs: NDArray[np.int32],
    bit: int,
    rate: int,
) -> None:
    """Learn from the bit that came after `combine`; the six mixers at `rate`."""
    refine_learn(refinements, int(chosen[8]), bit, 7)
    refine_learn(refinements, int(chosen[9]), bit, 6)
    refine_learn(refinements, int(chosen[10]), bit, 6)
    train(final, int(chosen[6]), odds, 7, step_of(bit, int(chosen[7]), _FINAL_RATE))
    count = inputs.size
    for number in range(MIXERS):  # as `train` does: calling it here takes twice the time
        step = step_of(bit, int(chances[number]), rate)
        first = int(chosen[number])
        mine = weights[first : first + count]
        for at in range(count):
            weight = int(mine[at]) + (int(inputs[at]) * step + 0x2000 >> 14)
            mine[at] = min(max(weight, -0x7FFFF), 0x7FFFF)
