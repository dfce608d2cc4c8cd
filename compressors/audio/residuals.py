"""What a guess was off, bit by bit: each bit by six chances, mixed twice, then refined.

A chance is chosen by how far earlier guesses were off, lately and for long, in this channel and in the one before, and
by where between two numbers the guess lay.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from panini_daemon.compressors.contextmix.coding import decode_bit, encode_bit
from panini_daemon.compressors.contextmix.counters import (
    HALF,
    counted_chance,
    counted_learn,
    make_counted,
    make_rates,
)
from panini_daemon.compressors.contextmix.logistic import UNIT, make_squash, make_stretch, squash, stretch
from panini_daemon.compressors.contextmix.mixing import make_weights, mix, step_of, train
from panini_daemon.compressors.contextmix.refinement import (
    make_refinement,
    refine_learn,
    refined,
    refinement_place,
)
from panini_daemon.compressors.kernels import kernel, unchecked_kernel

Longs = NDArray[np.int64]

CHANCES = 6
INPUTS = CHANCES + 1
FRACTION_BITS = 5
"""Bits of the place between two numbers that are told apart."""
MOST_BITS = 30
_STEPS = 64
_QUESTIONS = 160
"""Bits of a difference that have a chance of their own in each context."""
_KINDS = 33
"""Bits that have weights of their own: 31 that count, the highest two behind them."""
_STEADY, _LONG, _BESIDE, _LAST, _BETWEEN, _CONTEXTS = 64, 128, 192, 2240, 4288, 5312
"""Where the contexts of each chance but the first begin, and how many there are."""
_LIMIT, _RATE, _REFINED_BY = 255, 8, 6
_SURE = 32


class Residuals(NamedTuple):
    """Everything that coding remembers."""

    squash: NDArray[np.int32]
    stretch: NDArray[np.int16]
    rates: NDArray[np.int32]
    chances: NDArray[np.int32]
    weights: NDArray[np.int32]
    level_weights: NDArray[np.int32]
    refinement: NDArray[np.uint16]
    means: Longs
    last: Longs
    bases: Longs
    inputs: NDArray[np.int32]


def make_residuals(channels: int) -> Residuals:
    """Make the memory of a coder that has seen nothing."""
    chances = np.full(channels * _CONTEXTS * _QUESTIONS, HALF, np.int64)
    share = (1 << 16) // CHANCES
    return Residuals(
        squash=make_squash(),
        stretch=make_stretch(),
        rates=make_rates(),
        chances=make_counted(chances),
        weights=make_weights(channels * _KINDS, INPUTS, share),
        level_weights=make_weights(channels * _STEPS * _KINDS, INPUTS, share),
        refinement=make_refinement(channels * _STEPS * _KINDS),
        means=np.zeros((channels, 3), np.int64),
        last=np.zeros((channels, 3), np.int64),
        bases=np.zeros(CHANCES + 2, np.int64),
        inputs=np.zeros(INPUTS, np.int32),
    )


@unchecked_kernel
def step_from(distance: int) -> int:
    """Return how large a distance is, in steps of half a bit, below 64."""
    bits = 0
    while distance >> bits > 3:
        bits += 1
    return min(2 * bits + (1 if distance >> bits >= 3 else 0) + min(distance, 1), 63)


@unchecked_kernel
def choose_contexts(memory: Residuals, channel: int, fraction: int) -> None:
    """Set where the chances of the next difference lie, then the steps of the short and of the middle mean."""
    means, last, bases = memory.means, memory.last, memory.bases
    quick = step_from(int(means[channel, 0]) >> 4)
    steady = step_from(int(means[channel, 1]) >> 4)
    long = step_from(int(means[channel, 2]) >> 4)
    channels = means.shape[0]
    beside = int(last[channel, 2]) if channels == 1 else int(last[channel - 1 if channel else channels - 1, 0])
    bases[0] = quick
    bases[1] = _STEADY + steady
    bases[2] = _LONG + long
    bases[3] = _BESIDE + (steady >> 1 << 6) + step_from(4 * beside)
    bases[4] = _LAST + (step_from(4 * int(last[channel, 0])) >> 1 << 6) + step_from(4 * int(last[channel, 1]))
    bases[5] = _BETWEEN + (min(steady, 31) << FRACTION_BITS) + fraction
    for at in range(CHANCES):
        bases[at] = (channel * _CONTEXTS + int(bases[at])) * _QUESTIONS
    bases[CHANCES] = quick
    bases[CHANCES + 1] = steady


@unchecked_kernel
def remember(memory: Residuals, channel: int, difference: int) -> None:
    """Move the means towards the size of a difference, and keep it."""
    means, last = memory.means, memory.last
    distance = abs(difference)
    for at in range(3):
        rate = 3 if at == 0 else (5 if at == 1 else 8)
        means[channel, at] += (16 * distance - int(means[channel, at])) >> rate
    last[channel, 2] = last[channel, 1]
    last[channel, 1] = last[channel, 0]
    last[channel, 0] = distance


@kernel
def code_difference(
    memory: Residuals,
    coder: Longs,
    data: NDArray[np.uint8],
    channel: int,
    fraction: int,
    difference: int,
    writing: bool,
) -> int:
    """Code how far a guess was off, or read it: how many bits it has, then those bits, the side among them.

    Raises IndexError where `data` is full.
    """
    choose_contexts(memory, channel, fraction)
    value = 2 * abs(difference) - (1 if difference > 0 else 0) + 1
    bits = 0
    while bits < MOST_BITS:
        if not code_bit(memory, coder, data, channel, bits, bits, 1 if value >> bits > 1 else 0, writing):
            break
        bits += 1
    found = 1
    for known in range(bits):
        bit = value >> bits - 1 - known & 1
        if known < 2:
            bit = code_bit(memory, coder, data, channel, 32 + 4 * bits + found, 31 + known, bit, writing)
        elif writing:
            encode_bit(coder, data, bit, HALF)
        else:
            bit = decode_bit(coder, data, HALF)
        found = found << 1 | bit
    folded = found - 1
    difference = (folded + 1 >> 1) if folded & 1 else -(folded >> 1)
    remember(memory, channel, difference)
    return difference


@kernel
def code_bit(
    memory: Residuals,
    coder: Longs,
    data: NDArray[np.uint8],
    channel: int,
    question: int,
    kind: int,
    bit: int,
    writing: bool,
) -> int:
    """Code one bit under the contexts that were chosen, or read it, and learn from it."""
    inputs, bases = memory.inputs, memory.bases
    for at in range(CHANCES):
        inputs[at] = stretch(memory.stretch, counted_chance(memory.chances, int(bases[at]) + question))
    inputs[CHANCES] = UNIT
    first = (channel * _KINDS + kind) * INPUTS
    second = ((channel * _STEPS + int(bases[CHANCES + 1])) * _KINDS + kind) * INPUTS
    odds, level_odds = mix(memory.weights, first, inputs, INPUTS), mix(memory.level_weights, second, inputs, INPUTS)
    both = odds + level_odds >> 1
    place = refinement_place((channel * _STEPS + int(bases[CHANCES])) * _KINDS + kind, both)
    chance = squash(memory.squash, both) + refined(memory.refinement, place) >> 1
    chance = min(max(chance, _SURE), 65536 - _SURE)
    if writing:
        encode_bit(coder, data, bit, chance)
    else:
        bit = decode_bit(coder, data, chance)
    train(memory.weights, first, inputs, INPUTS, step_of(bit, squash(memory.squash, odds), _RATE))
    train(memory.level_weights, second, inputs, INPUTS, step_of(bit, squash(memory.squash, level_odds), _RATE))
    refine_learn(memory.refinement, place, bit, _REFINED_BY)
    for at in range(CHANCES):
        counted_learn(memory.chances, int(bases[at]) + question, bit, _LIMIT, memory.rates)
    return bit
