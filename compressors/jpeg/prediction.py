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
from panini_daemon.compressors.kernels import unchecked_kernel

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

    `keys[i]` is context i as a number, `bases[i]` where `select` found its counted chances to begin, `selected` the
    sets of weights, `refining` the contexts of the two refinements: whoever codes a bit sets them before. `coder` and
    `stream`: see `contextmix.coding`; `coder[4]` says whether it decodes.
    """

    counted: NDArray[np.int32]
    keys: NDArray[np.int64]
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
        keys=np.zeros(CONTEXTS, np.int64),
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
def select(bases: NDArray[np.int64], keys: NDArray[np.int64], count: int, log: int) -> None:
    """Let the contexts of the next bits be `count` numbers, of which 31 bits count."""
    for at in range(count):
        spread = (int(keys[at]) & 0x7FFFFFFF) * 0x9E3779B1
        spread = (spread ^ spread >> 29) & 0x7FFFFFFF
        spread = spread * 0x85EBCA6B >> 15
        bases[at] = (at << log) + ((spread << 4) & ((1 << log) - 1))


@unchecked_kernel
def code_bit(p: Predictor, count: int, node: int, bit: int) -> int:
    """Code a bit in `count` contexts, as bit `node` (below NODES) of those that share them; return it."""
    # One function that raises nothing itself, and arrays under names of their own: where numba has to count references,
    # and where it hands all the arrays on, that takes longer than the sums.
    inputs, counted, bases, squashed = p.inputs, p.counted, p.bases, p.squashed
    weights, selected, final, odds, refinements = p.weights, p.selected, p.final, p.odds, p.refinements
    gather(counted, bases, p.stretched, inputs, count, node)
    inputs[2 * count] = 256
    used = 2 * count + 1
    for one in range(MIXERS):
        set_ = one * SELECTIONS + (int(selected[one]) & (SELECTIONS - 1))
        odds[one] = mix(weights, set_ * INPUTS, inputs, used)
    first = (int(selected[0]) & (SELECTIONS - 1)) * MIXERS
    mixed = mix(final, first, odds, MIXERS)
    chance = squash(squashed, mixed)
    one_place = refinement_place(int(p.refining[0]) & (REFINED - 1), mixed)
    two_place = refinement_place(REFINED + (int(p.refining[1]) & (REFINED - 1)), mixed)
    told = 2 * chance + refined(refinements, one_place) + refined(refinements, two_place) >> 2
    told = min(max(told, 16), 65520)
    if p.coder[4]:
        bit = decode_bit(p.coder, p.stream, told)
    else:
        encode_bit(p.coder, p.stream, bit, told)
    train(final, first, odds, MIXERS, step_of(bit, chance, 24))
    for one in range(MIXERS):
        set_ = one * SELECTIONS + (int(selected[one]) & (SELECTIONS - 1))
        train(weights, set_ * INPUTS, inputs, used, step_of(bit, squash(squashed, int(odds[one])), 200))
    learn(counted, bases, p.rates, count, node, bit)
    refine_learn(refinements, one_place, bit, 6)
    refine_learn(refinements, two_place, bit, 6)
    return bit


@unchecked_kernel
def gather(
    counted: NDArray[np.int32],
    bases: NDArray[np.int64],
    stretched: NDArray[np.int16],
    inputs: NDArray[np.int32],
    count: int,
    node: int,
) -> None:
    """Give the mixers two inputs for each context: the log-odds of its chance, and the chance itself."""
    for at in range(count):
        entry = int(counted[bases[at] + node])
        inputs[2 * at] = stretched[entry >> 19]
        inputs[2 * at + 1] = (entry >> 15) - 32768 >> 5


@unchecked_kernel
def learn(
    counted: NDArray[np.int32], bases: NDArray[np.int64], rates: NDArray[np.int32], count: int, node: int, bit: int
) -> None:
    """Let each context's chance take in a bit."""
    for at in range(count):
        counted_learn(counted, bases[at] + node, bit, 255, rates)
