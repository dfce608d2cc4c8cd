"""Coding one bit: many counted chances, mixed by three sets of weights, these mixed again, and refined twice."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from panini_daemon.compressors.contextmix.coding import decode_bit, encode_bit
from panini_daemon.compressors.contextmix.counters import counted_learn, make_counted, make_rates
from panini_daemon.compressors.contextmix.logistic import make_squash, make_stretch, squash
from panini_daemon.compressors.contextmix.mixing import make_weights, mix, step_of, train
from panini_daemon.compressors.contextmix.refinement import (
    make_refinement,
    refine_learn,
    refined,
    refinement_place,
)
from panini_daemon.compressors.kernels import kernel, unchecked_kernel

CONTEXTS = 24
"""The most contexts of a bit."""
NODES = 16
"""Bits that share a context: neighbours in memory."""
INPUTS = 2 * CONTEXTS + 1
MIXERS = 3
SELECTIONS = 4096
"""Sets of weights of each mixer."""
REFINED = 4096
"""Contexts of each refinement."""


class Predictor(NamedTuple):
    """All that is learnt, with the tables and places that coding a bit needs.

    `bases[i]` is where the counted chances of context i begin, `selected` the sets of weights, `refining` the
    contexts of the two refinements: whoever codes a bit sets them before. `coder` and `stream`: see
    `contextmix.coding`; `coder[4]` says whether it decodes.
    """

    counted: NDArray[np.int32]
    bases: NDArray[np.int64]
    inputs: NDArray[np.int32]
    weights: NDArray[np.int32]
    selected: NDArray[np.int64]
    odds: NDArray[np.int32]
    final: NDArray[np.int32]
    refining: NDArray[np.int64]
    refinements: NDArray[np.uint16]
    squashed: NDArray[np.int32]
    stretched: NDArray[np.int16]
    rates: NDArray[np.int32]
    coder: NDArray[np.int64]
    stream: NDArray[np.uint8]


def make_predictor(log: int, coder: NDArray[np.int64], stream: NDArray[np.uint8], *, decoding: bool) -> Predictor:
    """Make a predictor that has seen nothing, with 2**log counted chances for each context."""
    even = make_counted(np.full(1, 1 << 15, np.int64))[0]
    return Predictor(
        counted=np.full(CONTEXTS << log, even, np.int32),
        bases=np.zeros(CONTEXTS, np.int64),
        inputs=np.zeros(INPUTS, np.int32),
        weights=make_weights(MIXERS * SELECTIONS, INPUTS, 3000),
        selected=np.zeros(MIXERS, np.int64),
        odds=np.zeros(MIXERS, np.int32),
        final=make_weights(SELECTIONS, MIXERS, (1 << 16) // MIXERS),
        refining=np.zeros(2, np.int64),
        refinements=make_refinement(2 * REFINED),
        squashed=make_squash(),
        stretched=make_stretch(),
        rates=make_rates(),
        coder=np.array([*coder, int(decoding)], np.int64),
        stream=stream,
    )


@unchecked_kernel
def select(p: Predictor, log: int, at: int, context: int) -> None:
    """Let context `at` of the next bits be a number, of which 31 bits count."""
    spread = (context & 0x7FFFFFFF) * 0x9E3779B1
    spread = (spread ^ spread >> 29) & 0x7FFFFFFF
    spread = spread * 0x85EBCA6B >> 15
    p.bases[at] = (at << log) + ((spread << 4) & ((1 << log) - 1))


@kernel
def code_bit(p: Predictor, count: int, node: int, bit: int) -> int:
    """Code a bit in `count` contexts, as bit `node` (below NODES) of those that share them; return it."""
    inputs, counted = p.inputs, p.counted
    for one in range(MIXERS):
        if p.selected[one] < 0 or p.selected[one] >= SELECTIONS:
            raise ValueError("a set of weights is none")  # `mix` does not look
    for at in range(count):
        entry = int(counted[p.bases[at] + node])
        inputs[2 * at] = p.stretched[entry >> 19]
        inputs[2 * at + 1] = (entry >> 15) - 32768 >> 5
    inputs[2 * count] = 256
    used = 2 * count + 1
    for one in range(MIXERS):
        p.odds[one] = mix(p.weights, (one * SELECTIONS + p.selected[one]) * INPUTS, inputs, used)
    first = p.selected[0] * MIXERS
    odds = mix(p.final, first, p.odds, MIXERS)
    chance = squash(p.squashed, odds)
    one_place = refinement_place(p.refining[0], odds)
    two_place = refinement_place(REFINED + p.refining[1], odds)
    mixed = 2 * chance + refined(p.refinements, one_place) + refined(p.refinements, two_place) >> 2
    mixed = min(max(mixed, 16), 65520)
    if p.coder[4]:
        bit = decode_bit(p.coder, p.stream, mixed)
    else:
        encode_bit(p.coder, p.stream, bit, mixed)
    train(p.final, first, p.odds, MIXERS, step_of(bit, chance, 24))
    for one in range(MIXERS):
        guess = squash(p.squashed, int(p.odds[one]))
        train(p.weights, (one * SELECTIONS + p.selected[one]) * INPUTS, inputs, used, step_of(bit, guess, 200))
    for at in range(count):
        counted_learn(counted, p.bases[at] + node, bit, 255, p.rates)
    refine_learn(p.refinements, one_place, bit, 6)
    refine_learn(p.refinements, two_place, bit, 6)
    return bit
