"""Mixing what many contexts say of the next bit of a drawing's sample."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from panini_daemon.compressors.contextmix.counters import counted_chance, counted_learn, make_counted, make_rates
from panini_daemon.compressors.contextmix.logistic import make_squash, make_stretch, squash, stretch
from panini_daemon.compressors.contextmix.mixing import make_weights, mix, step_of, train
from panini_daemon.compressors.contextmix.refinement import (
    make_refinement,
    refine_learn,
    refined,
    refinement_place,
)
from panini_daemon.compressors.images.context_memory import (
    ContextMemory,
    ask_contexts,
    make_context_memory,
    teach_contexts,
)
from panini_daemon.compressors.images.graphics_contexts import CONTEXTS
from panini_daemon.compressors.kernels import unchecked_kernel

INPUTS = 2 * CONTEXTS + 4
"""Two for each context, two for the match, one that is constant, and one to make the number even."""
SETS = (2048, 1024, 2048)
"""Sets of weights of each mixer of the first layer."""
MIXERS = len(SETS)
LONGEST = 63
"""Pixels of a match from where on it is not longer."""
_FIRST_RATE, _LAST_RATE, _REFINE_RATE = 200, 30, 6
_MATCH_LIMIT = 255
_CONSTANT, _LAST_CONSTANT = 256, 128


class Model(NamedTuple):
    """Everything that a model remembers."""

    memory: ContextMemory
    squash: NDArray[np.int32]
    stretch: NDArray[np.int16]
    rates: NDArray[np.int32]
    matches: NDArray[np.int32]
    weights: NDArray[np.int32]
    last_weights: NDArray[np.int32]
    first_refinement: NDArray[np.uint16]
    second_refinement: NDArray[np.uint16]
    inputs: NDArray[np.int32]
    odds: NDArray[np.int32]
    scratch: NDArray[np.int64]


def make_model(log: int) -> Model:
    """Make a model that has seen nothing, with 2**log slots."""
    return Model(
        memory=make_context_memory(CONTEXTS, log),
        squash=make_squash(),
        stretch=make_stretch(),
        rates=make_rates(),
        matches=make_counted(np.tile(np.array([1 << 15], np.int64), 2 * (LONGEST + 1))),
        weights=make_weights(sum(SETS), INPUTS, 65536 * 3 // (2 * CONTEXTS)),
        last_weights=make_weights(256, MIXERS + 1, 65536 // 3),
        first_refinement=make_refinement(1 << 16),
        second_refinement=make_refinement(1 << 16),
        inputs=np.zeros(INPUTS, np.int32),
        odds=np.zeros(MIXERS + 1, np.int32),
        scratch=np.zeros(16, np.int64),
    )


@unchecked_kernel
def predict_bit(
    model: Model,
    places: NDArray[np.int64],
    node: int,
    sets: NDArray[np.int64],
    expected: int,
    length: int,
    refine_one: int,
    refine_two: int,
) -> int:
    """Return the chance of a one, 1 to 65535.

    `places` holds each context's slot, `node` is 1 to 15 in the slots' tree. `sets` holds the three chosen sets
    of weights and one of the last layer's. `expected` is the bit that a match of `length` (0 for none) says.
    """
    inputs = model.inputs
    ask_contexts(model.memory, places, node, inputs)
    if length:
        chance = counted_chance(model.matches, min(length, LONGEST) << 1 | expected)
        odds = stretch(model.stretch, chance)
        inputs[2 * CONTEXTS] = odds
        inputs[2 * CONTEXTS + 1] = (chance - 32768) >> 5
    else:
        inputs[2 * CONTEXTS] = 0
        inputs[2 * CONTEXTS + 1] = 0
    inputs[2 * CONTEXTS + 2] = _CONSTANT
    for layer in range(MIXERS):
        model.odds[layer] = min(max(mix(model.weights, int(sets[layer]) * INPUTS, inputs, INPUTS), -2047), 2047)
    model.odds[MIXERS] = _LAST_CONSTANT
    odds = mix(model.last_weights, int(sets[MIXERS]) * (MIXERS + 1), model.odds, MIXERS + 1)
    chance = squash(model.squash, odds)
    scratch = model.scratch
    scratch[0] = chance
    scratch[1] = refinement_place(refine_one, odds)
    scratch[2] = refinement_place(refine_two, odds)
    one = refined(model.first_refinement, int(scratch[1]))
    two = refined(model.second_refinement, int(scratch[2]))
    return min(max((2 * chance + one + two) >> 2, 1), 65535)


@unchecked_kernel
def learn_bit(
    model: Model,
    places: NDArray[np.int64],
    node: int,
    sets: NDArray[np.int64],
    expected: int,
    length: int,
    bit: int,
) -> None:
    """Teach all that took part in the last prediction what came."""
    inputs = model.inputs
    for layer in range(MIXERS):
        own = squash(model.squash, int(model.odds[layer]))
        train(model.weights, int(sets[layer]) * INPUTS, inputs, INPUTS, step_of(bit, own, _FIRST_RATE))
    step = step_of(bit, int(model.scratch[0]), _LAST_RATE)
    train(model.last_weights, int(sets[MIXERS]) * (MIXERS + 1), model.odds, MIXERS + 1, step)
    refine_learn(model.first_refinement, int(model.scratch[1]), bit, _REFINE_RATE)
    refine_learn(model.second_refinement, int(model.scratch[2]), bit, _REFINE_RATE)
    teach_contexts(model.memory, places, node, bit)
    if length:
        counted_learn(model.matches, min(length, LONGEST) << 1 | expected, bit, _MATCH_LIMIT, model.rates)
