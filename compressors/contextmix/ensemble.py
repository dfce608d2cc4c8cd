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
SETS = 2048
"""Sets of weights of all six: 128 by match and bit number, 256 each by bits so far, last byte, familiarity, place, 512 by kinds."""
BIAS = 256
_START = 3000
_FINAL_RATE = 150


class Ensemble(NamedTuple):
    """Weights, refinements, and what one prediction leaves for learning from it."""

    weights: NDArray[np.int32]
    final: NDArray[np.int32]
    by_partial: NDArray[np.uint16]
    by_last: NDArray[np.uint16]
    by_two: NDArray[np.uint16]
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
        by_partial=make_refinement(256),
        by_last=make_refinement(1 << 16),
        by_two=make_refinement(1 << 16),
        squash=make_squash(),
        odds=np.zeros(MIXERS + 1, np.int32),
        chances=np.zeros(MIXERS, np.int64),
        chosen=np.zeros(MIXERS + 5, np.int64),
    )


@unchecked_kernel
def combine(
    ensemble: Ensemble, inputs: NDArray[np.int32], sets: NDArray[np.int64], partial: int, last: int, before: int
) -> int:
    """Return the chance, 1 to 65535, that the inputs make under the chosen `sets` of weights.

    `partial` is a one and the byte's bits so far, `last` and `before` are the two bytes before it.
    """
    odds, chosen = ensemble.odds, ensemble.chosen
    count = inputs.size
    for number in range(MIXERS):
        first = int(sets[number]) * count
        chosen[number] = first
        odds[number] = mix(ensemble.weights, first, inputs, count)
        ensemble.chances[number] = squash(ensemble.squash, int(odds[number]))
    odds[6] = 256
    chosen[6] = partial * 7
    mixed = mix(ensemble.final, partial * 7, odds, 7)
    chance = squash(ensemble.squash, mixed)
    chosen[7] = chance
    chosen[8] = refinement_place(partial, mixed)
    chosen[9] = refinement_place(partial | last << 8, mixed)
    chosen[10] = refinement_place(hash_pair(last | before << 8, partial) & 0xFFFF, mixed)
    total = 2 * chance + refined(ensemble.by_partial, int(chosen[8]))
    total += 2 * refined(ensemble.by_last, int(chosen[9])) + 3 * refined(ensemble.by_two, int(chosen[10]))
    return min(max(total + 4 >> 3, 1), 65535)


@unchecked_kernel
def learn(ensemble: Ensemble, inputs: NDArray[np.int32], bit: int, rate: int) -> None:
    """Learn from the bit that came after `combine`; the six mixers at `rate`."""
    chosen = ensemble.chosen
    refine_learn(ensemble.by_partial, int(chosen[8]), bit, 7)
    refine_learn(ensemble.by_last, int(chosen[9]), bit, 6)
    refine_learn(ensemble.by_two, int(chosen[10]), bit, 6)
    train(ensemble.final, int(chosen[6]), ensemble.odds, 7, step_of(bit, int(chosen[7]), _FINAL_RATE))
    for number in range(MIXERS):
        step = step_of(bit, int(ensemble.chances[number]), rate)
        train(ensemble.weights, int(chosen[number]), inputs, inputs.size, step)
