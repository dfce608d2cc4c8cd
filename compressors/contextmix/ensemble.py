"""The mixers behind the inputs: nine that choose their weights by different contexts, three over them, refinements."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from panini_daemon.compressors.contextmix.logistic import make_squash, squash
from panini_daemon.compressors.contextmix.mixing import WEIGHT_ONE, make_weights, mix, step_of, train
from panini_daemon.compressors.contextmix.refinement import make_refinement, refine_learn, refined, refinement_place
from panini_daemon.compressors.contextmix.slots import hash_pair
from panini_daemon.compressors.kernels import unchecked_kernel

MIXERS, FINALS = 9, 3
SETS = 2560
"""Sets of weights of all nine, as code_bytes counts them."""
BIAS = 256
LANES = 16
"""Inputs come in a multiple of this, with zeros behind them, so that no loop over them has a slow end."""
_START, _START_LESS = 3000, 1500
"""Weights at first: of what histories, chances and matches say; of what only adds to that, the last two of four."""
_FINAL_SETS = 256 + 256 + 128
_PLACES = MIXERS + FINALS
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
    """First weights of the nine and the three; three places in the refinements."""


def make_ensemble(contexts: int, others: int) -> Ensemble:
    """Make an ensemble over four inputs of each of so many contexts, and others, the last of which is the bias."""
    weights = [_START, _START, _START_LESS, _START_LESS] * contexts + [_START] * (others - 1) + [0]
    weights += [0] * (-len(weights) % LANES)
    return Ensemble(
        weights=np.tile(np.array(weights, np.int32), SETS),
        final=make_weights(_FINAL_SETS, MIXERS + 1, WEIGHT_ONE // MIXERS),
        refinements=make_refinement(256 + (1 << 16) + (1 << 16)),
        squash=make_squash(),
        odds=np.zeros(MIXERS + 1, np.int32),
        chances=np.zeros(MIXERS + FINALS, np.int64),
        chosen=np.zeros(MIXERS + FINALS + 3, np.int64),
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
    odds[MIXERS] = BIAS
    chosen[MIXERS] = partial * (MIXERS + 1)
    chosen[MIXERS + 1] = (256 + last) * (MIXERS + 1)
    chosen[MIXERS + 2] = (512 + int(sets[0])) * (MIXERS + 1)
    together = 0
    for number in range(MIXERS, MIXERS + FINALS):
        one = mix(final, int(chosen[number]), odds, MIXERS + 1)
        chances[number] = squash(table, one)
        together += one
    mixed = together // FINALS
    chance = squash(table, mixed)
    chosen[_PLACES] = refinement_place(partial, mixed)
    chosen[_PLACES + 1] = refinement_place(256 + (partial | last << 8), mixed)
    chosen[_PLACES + 2] = refinement_place(65792 + (hash_pair(last | before << 8, partial) & 0xFFFF), mixed)
    total = 2 * chance + refined(refinements, int(chosen[_PLACES]))
    total += 2 * refined(refinements, int(chosen[_PLACES + 1])) + 3 * refined(refinements, int(chosen[_PLACES + 2]))
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
    """Learn from the bit that came after `combine`; the nine mixers at `rate`."""
    refine_learn(refinements, int(chosen[_PLACES]), bit, 7)
    refine_learn(refinements, int(chosen[_PLACES + 1]), bit, 6)
    refine_learn(refinements, int(chosen[_PLACES + 2]), bit, 6)
    for number in range(MIXERS, MIXERS + FINALS):
        train(final, int(chosen[number]), odds, MIXERS + 1, step_of(bit, int(chances[number]), _FINAL_RATE))
    count = inputs.size
    for number in range(MIXERS):  # as `train` does: calling it here takes twice the time
        step = step_of(bit, int(chances[number]), rate)
        first = int(chosen[number])
        mine = weights[first : first + count]
        for at in range(count):
            weight = int(mine[at]) + (int(inputs[at]) * step + 0x2000 >> 14)
            mine[at] = min(max(weight, -0x7FFFF), 0x7FFFF)
