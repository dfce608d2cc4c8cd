"""Mixing what predictions say of where a sample lies.

A sample is found by asking, again and again, whether it lies beyond a threshold. Each prediction answers by
what came when it lay as far from such a threshold, and the best ones also by a bell curve around them.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from panini_daemon.compressors.contextmix.counters import counted_learn, make_counted, make_rates
from panini_daemon.compressors.contextmix.logistic import make_squash, make_stretch, squash, stretch
from panini_daemon.compressors.contextmix.mixing import make_weights, mix, step_of, train
from panini_daemon.compressors.contextmix.refinement import (
    make_refinement,
    refine_learn,
    refined,
    refinement_place,
)
from panini_daemon.compressors.images.photo_inputs import GUESSES
from panini_daemon.compressors.kernels import unchecked_kernel

BEST = 4
"""Predictions by least squares, and their mean: they have a bell curve, and a scale by their lately made errors."""
MEAN = BEST - 1
PREDICTIONS = BEST + GUESSES
TEXTURES = 8
TABLES = PREDICTIONS + TEXTURES
INPUTS = 2 * TABLES + BEST + 2
NODES = 64
"""Questions are told apart by 64 numbers."""
SPAN_LOG = 16
"""Chances of each table: 1024 contexts of 64 questions."""
SETS = (16 * NODES, 16 * NODES, 32 * NODES)
"""Sets of weights of each mixer of the first layer."""
MIXERS = len(SETS)
_FIRST_RATE, _LAST_RATE, _REFINE_RATE, _LIMIT = 300, 100, 6, 400
_CONSTANT, _LAST_CONSTANT = 256, 64
_HIGH, _LOW, _OUTSIDE = 6000, -1500, -30000
"""Log-odds that keep a bell's parts apart from rounding."""


class PhotoModel(NamedTuple):
    """Everything that a model remembers but the least squares."""

    squash: NDArray[np.int32]
    stretch: NDArray[np.int16]
    rates: NDArray[np.int32]
    distances: NDArray[np.int64]
    tables: NDArray[np.int32]
    weights: NDArray[np.int32]
    last_weights: NDArray[np.int32]
    refinement: NDArray[np.uint16]
    inputs: NDArray[np.int32]
    odds: NDArray[np.int32]
    places: NDArray[np.int64]
    scratch: NDArray[np.int64]


def make_photo_model() -> PhotoModel:
    """Make a model that has seen nothing."""
    return PhotoModel(
        squash=make_squash(),
        stretch=make_stretch(),
        rates=make_rates(),
        distances=make_distances(),
        tables=make_counted(np.full(3 * TABLES << SPAN_LOG, 1 << 15, np.int64)),
        weights=make_weights(sum(SETS), INPUTS, 65536 // 24),
        last_weights=make_weights(NODES, MIXERS + 1, 65536 // 3),
        refinement=make_refinement(1024),
        inputs=np.zeros(INPUTS, np.int32),
        odds=np.zeros(MIXERS + 1, np.int32),
        places=np.zeros(TABLES, np.int64),
        scratch=np.zeros(8, np.int64),
    )


@cache
def make_distances() -> NDArray[np.int64]:
    """Return the class, 0 to 63, of distances -2048 to 2047 in eighths: fine near zero, coarse far from it."""
    bounds = [2, 4, 6, 8, 10, 12, 14, 17, 20, 23, 27, 31, 36, 42, 50, 58, 68, 80, 94, 110, 130, 154, 184, 220, 264]
    bounds += [320, 400, 520, 700, 1000, 1500]
    classes = [sum(abs(distance) >= bound for bound in bounds) for distance in range(-2048, 2048)]
    return np.array([31 - one if at < 2048 else 32 + one for at, one in enumerate(classes)], np.int64)


@unchecked_kernel
def answer(
    model: PhotoModel,
    node: int,
    sets: NDArray[np.int64],
    low: int,
    threshold: int,
    high: int,
    sign: int,
    centres: NDArray[np.int64],
    scales: NDArray[np.int64],
    classes: NDArray[np.int64],
    textures: NDArray[np.int64],
    refine: int,
    turn: int,
) -> int:
    """Return the chance, 1 to 65535, that the sample lies beyond a threshold.

    `low`, `threshold` and `high` are in eighths; `sign` is 1 or -1, the way that leads beyond. `centres` are the
    predictions, `scales` and `classes` the best ones' mean errors and their classes.
    """
    inputs = model.inputs
    for number in range(PREDICTIONS):
        distance = sign * (int(centres[number]) - threshold)
        near = int(model.distances[min(max(distance, -2048), 2047) + 2048])
        near = near << 4 | int(classes[min(number, MEAN)])
        model.places[number] = (TABLES * turn + number) << SPAN_LOG | near << 6 | node
    for number in range(TEXTURES):
        place = TABLES * turn + PREDICTIONS + number
        model.places[PREDICTIONS + number] = place << SPAN_LOG | int(textures[number]) << 6 | node
    for number in range(TABLES):
        entry = int(model.tables[int(model.places[number])])
        chance = entry >> 15
        seen = entry & 511
        odds = stretch(model.stretch, chance)
        inputs[2 * number] = odds if seen > 15 else odds * (seen + 1) >> 4
        inputs[2 * number + 1] = (chance - 32768) >> 6 if seen > 3 else 0
    for number in range(BEST):
        inputs[2 * TABLES + number] = bell(
            model.squash, model.stretch, int(centres[number]), int(scales[number]), low, threshold, high, sign
        )
    inputs[2 * TABLES + BEST] = _CONSTANT
    for layer in range(MIXERS):
        model.odds[layer] = min(max(mix(model.weights, int(sets[layer]) * INPUTS, inputs, INPUTS), -2047), 2047)
    model.odds[MIXERS] = _LAST_CONSTANT
    odds = mix(model.last_weights, node * (MIXERS + 1), model.odds, MIXERS + 1)
    chance = squash(model.squash, odds)
    model.scratch[0] = chance
    model.scratch[1] = refinement_place(refine, odds)
    return min(max((3 * chance + refined(model.refinement, int(model.scratch[1]))) >> 2, 1), 65535)


@unchecked_kernel
def bell(
    squashed: NDArray[np.int32],
    stretched: NDArray[np.int16],
    centre: int,
    scale: int,
    low: int,
    threshold: int,
    high: int,
    sign: int,
) -> int:
    """Return the log-odds that a logistic curve around `centre`, of mean error `scale`, gives to lying beyond."""
    beyond = sign * (centre - threshold) * 710 // scale
    inside = min(sign * (centre - low) * 710 // scale, _HIGH)
    outside = max(sign * (centre - high) * 710 // scale, _OUTSIDE)
    if inside < _LOW:
        beyond += _LOW - inside
        outside += _LOW - inside
        inside = _LOW
    floor = squash(squashed, outside)
    whole = max(squash(squashed, inside) - floor, 1)
    part = max(squash(squashed, beyond) - floor, 0)
    return stretch(stretched, min(max((part << 16) // whole, 0), 65535))


@unchecked_kernel
def learn_answer(model: PhotoModel, node: int, sets: NDArray[np.int64], bit: int) -> None:
    """Teach all that took part in the last answer whether the sample lay beyond."""
    for layer in range(MIXERS):
        own = squash(model.squash, int(model.odds[layer]))
        train(model.weights, int(sets[layer]) * INPUTS, model.inputs, INPUTS, step_of(bit, own, _FIRST_RATE))
    train(
        model.last_weights, node * (MIXERS + 1), model.odds, MIXERS + 1, step_of(bit, int(model.scratch[0]), _LAST_RATE)
    )
    refine_learn(model.refinement, int(model.scratch[1]), bit, _REFINE_RATE)
    for number in range(TABLES):
        counted_learn(model.tables, int(model.places[number]), bit, _LIMIT, model.rates)
