"""Mixing what contexts, a match and predictions say of the next bit of a picture's sample.

A bit halves the range that the sample lies in, so that a prediction tells of it, too: by what came where it lay as
far from the middle of the range, and by a bell curve around it.
"""

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
from panini_daemon.compressors.images.bells import bell, make_distances
from panini_daemon.compressors.images.context_memory import (
    ContextMemory,
    ask_contexts,
    make_context_memory,
    teach_contexts,
)
from panini_daemon.compressors.images.picture_contexts import CONTEXTS
from panini_daemon.compressors.images.picture_surroundings import BEST, Predictions
from panini_daemon.compressors.kernels import unchecked_kernel

_MATCH = 2 * CONTEXTS
_TABLES = _MATCH + 2
_BELLS = _TABLES + 2 * BEST
_CONSTANT = _BELLS + BEST
"""Where the inputs begin: of contexts, the match, tables of distances, bells, and one that is always the same."""
INPUTS = (_CONSTANT + 4) // 4 * 4
SETS = (1024, 1024, 1024, 128, 512)
"""Sets of weights of each mixer of the first layer."""
MIXERS = len(SETS)
LONGEST = 63
"""Pixels of a match from where on it is not longer."""
_FIRST_RATE, _LAST_RATE, _REFINE_RATE = 200, 30, 6
_MATCH_LIMIT, _TABLE_LIMIT = 255, 400
_ONE, _LAST_ONE = 256, 128
_TOP, _FAR = 8 * 255, 1 << 20


class PictureModel(NamedTuple):
    """Everything that a model remembers but the least squares."""

    memory: ContextMemory
    squash: NDArray[np.int32]
    stretch: NDArray[np.int16]
    rates: NDArray[np.int32]
    distances: NDArray[np.int64]
    matches: NDArray[np.int32]
    tables: NDArray[np.int32]
    weights: NDArray[np.int32]
    last_weights: NDArray[np.int32]
    refinement: NDArray[np.uint16]
    inputs: NDArray[np.int32]
    odds: NDArray[np.int32]
    sets: NDArray[np.int64]
    places: NDArray[np.int64]
    entries: NDArray[np.int64]
    scratch: NDArray[np.int64]


def make_picture_model(log: int) -> PictureModel:
    """Make a model that has seen nothing, with 2**log slots."""
    return PictureModel(
        memory=make_context_memory(CONTEXTS, log),
        squash=make_squash(),
        stretch=make_stretch(),
        rates=make_rates(),
        distances=make_distances(),
        matches=make_counted(np.full(2 * (LONGEST + 1), 1 << 15, np.int64)),
        tables=make_counted(np.full(BEST << 13, 1 << 15, np.int64)),
        weights=make_weights(sum(SETS), INPUTS, 65536 * 3 // (2 * CONTEXTS)),
        last_weights=make_weights(256, MIXERS + 1, 65536 // MIXERS),
        refinement=make_refinement(2 << 16),
        inputs=np.zeros(INPUTS, np.int32),
        odds=np.zeros(MIXERS + 1, np.int32),
        sets=np.zeros(MIXERS, np.int64),
        places=np.zeros(CONTEXTS, np.int64),
        entries=np.zeros(BEST, np.int64),
        scratch=np.zeros(8, np.int64),
    )


@unchecked_kernel
def predict_bit(
    model: PictureModel,
    found: Predictions,
    tree: int,
    node: int,
    left: int,
    expected: int,
    length: int,
    refine_one: int,
    refine_two: int,
) -> int:
    """Return the chance of a one, 1 to 65535.

    `tree` is 1 and the sample's bits so far, `node` the same since the contexts' slots were found, `left` how many
    bits follow this one. `expected` is the bit that a match of `length` (0 for none) says.
    """
    inputs = model.inputs
    ask_contexts(model.memory, model.places, node, inputs)
    inputs[_MATCH] = 0
    inputs[_MATCH + 1] = 0
    if length:
        chance = counted_chance(model.matches, min(length, LONGEST) << 1 | expected)
        inputs[_MATCH] = stretch(model.stretch, chance)
        inputs[_MATCH + 1] = (chance - 32768) >> 5
    _ask_predictions(model, found, tree, left)
    inputs[_CONSTANT] = _ONE
    for layer in range(MIXERS):
        own = mix(model.weights, int(model.sets[layer]) * INPUTS, inputs, INPUTS)
        model.odds[layer] = min(max(own, -2047), 2047)
    model.odds[MIXERS] = _LAST_ONE
    odds = mix(model.last_weights, tree * (MIXERS + 1), model.odds, MIXERS + 1)
    chance = squash(model.squash, odds)
    scratch = model.scratch
    scratch[0] = chance
    scratch[1] = refinement_place(refine_one, odds)
    scratch[2] = refinement_place(65536 + refine_two, odds)
    one = refined(model.refinement, int(scratch[1]))
    two = refined(model.refinement, int(scratch[2]))
    return min(max((2 * chance + one + two) >> 2, 1), 65535)


@unchecked_kernel
def measure_distance(model: PictureModel, centre: int, tree: int, left: int) -> int:
    """Return the class of the distance, 0 to 63, from the middle of the range to a prediction."""
    distance = centre - (8 * ((2 * tree + 1 << left) & 255) - 4)
    return int(model.distances[min(max(distance, -2048), 2047) + 2048])


@unchecked_kernel
def _ask_predictions(model: PictureModel, found: Predictions, tree: int, left: int) -> None:
    inputs = model.inputs
    threshold = 8 * ((2 * tree + 1 << left) & 255) - 4
    low = 8 * ((tree << left + 1) & 255) - 4
    high = low + (16 << left)
    if low < 0:
        low = -_FAR
    if high > _TOP:
        high = _FAR
    for number in range(BEST):
        centre = int(found.centres[number])
        place = (number << 3 | left) << 4 | int(found.classes[number])
        place = place << 6 | measure_distance(model, centre, tree, left)
        model.entries[number] = place
        entry = int(model.tables[place])
        chance = entry >> 15
        seen = entry & 511
        odds = stretch(model.stretch, chance)
        inputs[_TABLES + 2 * number] = odds if seen > 15 else odds * (seen + 1) >> 4
        inputs[_TABLES + 2 * number + 1] = (chance - 32768) >> 6 if seen > 3 else 0
        inputs[_BELLS + number] = bell(
            model.squash, model.stretch, centre, int(found.scales[number]), low, threshold, high, 1
        )


@unchecked_kernel
def learn_bit(model: PictureModel, tree: int, node: int, expected: int, length: int, bit: int) -> None:
    """Teach all that took part in the last prediction what came."""
    for layer in range(MIXERS):
        own = squash(model.squash, int(model.odds[layer]))
        first = int(model.sets[layer]) * INPUTS
        train(model.weights, first, model.inputs, INPUTS, step_of(bit, own, _FIRST_RATE))
    step = step_of(bit, int(model.scratch[0]), _LAST_RATE)
    train(model.last_weights, tree * (MIXERS + 1), model.odds, MIXERS + 1, step)
    refine_learn(model.refinement, int(model.scratch[1]), bit, _REFINE_RATE)
    refine_learn(model.refinement, int(model.scratch[2]), bit, _REFINE_RATE)
    for number in range(BEST):
        counted_learn(model.tables, int(model.entries[number]), bit, _TABLE_LIMIT, model.rates)
    teach_contexts(model.memory, model.places, node, bit)
    if length:
        counted_learn(model.matches, min(length, LONGEST) << 1 | expected, bit, _MATCH_LIMIT, model.rates)
