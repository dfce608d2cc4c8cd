"""Samples coded one by one: what the filters did not foretell, bit by bit, each bit by a mix of four chances."""

import numpy as np
from numpy.typing import NDArray

from panini_daemon.compressors.audio.files import Samples
from panini_daemon.compressors.audio.prediction import Longs, foretell, learn
from panini_daemon.compressors.audio.samples import Coder
from panini_daemon.compressors.contextmix.coding import decode_bit, encode_bit
from panini_daemon.compressors.contextmix.counters import HALF, nudge
from panini_daemon.compressors.contextmix.logistic import make_squash, make_stretch, squash, stretch
from panini_daemon.compressors.contextmix.mixing import make_weights, mix, step_of, train
from panini_daemon.compressors.kernels import kernel, unchecked_kernel

TILT = 31
"""What of 32 parts of a sample the next is first taken for: filters learn faster where no tone stands out."""
STAGES = 3
LENGTHS = ((16, 16, 16), (16, 256, 16))
"""How many samples each filter sees: quickly, and thoroughly. The first also sees as many of the other channels."""
RATES = ((3, 6, 5), (3, 7, 5))
SCALES = (0, 8, 0, 0)
"""Bits behind the point for samples of one, two and three bytes."""
_INPUTS = 4
_SPAN = 160
_MEANS = 64
"""Chances that a step of a running mean has, and how many steps there are."""


def make_memory(channels: int, lengths: tuple[int, ...]) -> tuple[Longs, Longs, NDArray[np.int32]]:
    """Return the filters' weights, and what chances and mixing begin with, for each channel."""
    weights = np.zeros(channels * (lengths[0] * (channels + 1) + sum(lengths[1:])), np.int64)
    chances = np.full(channels * 3 * _MEANS * _SPAN, HALF, np.int64)
    return weights, chances, make_weights(channels * 40, _INPUTS, (1 << 16) // 3)


def code_with(*, thorough: bool) -> Coder:
    """Return the coder with the quick or with the thorough set of filters."""

    def code(samples: Longs, layout: Samples, coder: Longs, data: NDArray[np.uint8], *, writing: bool) -> bool:
        lengths, scale = LENGTHS[thorough], SCALES[layout.width]
        weights, chances, mixing = make_memory(layout.channels, lengths)
        done: bool = code_samples(
            samples, layout.channels, np.array(lengths, np.int64), np.array(RATES[thorough], np.int64), weights,
            chances, mixing, make_squash(), make_stretch(), coder, data, 1 << (8 * layout.width - 1 + scale), scale,
            writing,
        )  # fmt: skip
        return done

    return code


@unchecked_kernel
def _level(mean: int) -> int:
    """Return how large a running mean is, in steps of half a bit, below 64."""
    bits = 0
    while mean >> bits > 3:
        bits += 1
    return min(2 * bits + (1 if mean >> bits >= 3 else 0) + min(mean, 1), 63)


@kernel
def code_samples(
    samples: Longs, channels: int, lengths: Longs, rates: Longs, weights: Longs, chances: Longs,
    mixing: NDArray[np.int32], squashed: NDArray[np.int32], stretched: NDArray[np.int16],
    coder: Longs, data: NDArray[np.uint8], most: int, scale: int, writing: bool,
) -> bool:  # fmt: skip
    """Code `samples`, frames of `channels` in a row, or fill them; False where what was read is none.

    Samples are below `most` >> `scale` in size; the filters see them with `scale` bits behind the point.
    Raises IndexError where `data` is full.
    """
    frames = samples.size // channels
    first, second, third = int(lengths[0]), int(lengths[1]), int(lengths[2])
    wide = first * channels
    room = wide + second + third
    # Histories lie backwards: the newest sample first, so that a filter sees a run of an array.
    span = 4096
    own = np.zeros((channels, span + first), np.int64)
    left = np.zeros((channels, span + second), np.int64)
    rest = np.zeros((channels, span + third), np.int64)
    seen = np.zeros(wide, np.int64)
    energies = np.zeros((channels, STAGES), np.int64)
    means, last = np.zeros((channels, 3), np.int64), np.zeros(channels, np.int64)
    places, inputs = np.zeros(_INPUTS, np.int64), np.zeros(_INPUTS, np.int32)
    at = span
    for frame in range(frames):
        if not at:
            for channel in range(channels):
                for back in range(first):
                    own[channel, span + back] = own[channel, back]
                for back in range(second):
                    left[channel, span + back] = left[channel, back]
                for back in range(third):
                    rest[channel, span + back] = rest[channel, back]
            at = span
        for channel in range(channels):
            base = channel * room
            # What the first filter sees: this channel's past, then the others', those before it with the present.
            energy = 0
            for other in range(channels):
                which = channel if other == 0 else (other - 1 if other <= channel else other)
                shift = at - 1 if which < channel else at
                for back in range(first):
                    value = int(own[which, shift + back])
                    seen[other * first + back] = value
                    energy += value * value
            guess = min(max(foretell(weights, base, seen, 0, wide), -most), most)
            guess2 = min(max(foretell(weights, base + wide, left[channel], at, second), -most), most)
            guess3 = min(max(foretell(weights, base + wide + second, rest[channel], at, third), -most), most)
            steady = int(last[channel]) * TILT >> 5
            total = min(max(steady + guess + guess2 + guess3, -most), most) + (1 << scale >> 1) >> scale
            actual = int(samples[frame * channels + channel]) if writing else 0
            error = _code_error(
                coder, data, chances, channel, means, mixing, squashed, stretched, places, inputs,
                actual - total, writing,
            )  # fmt: skip
            actual = total + error
            if actual < -(most >> scale) or actual > most >> scale:
                return False
            if not writing:
                samples[frame * channels + channel] = actual
            last[channel] = actual << scale
            steep = (actual << scale) - steady
            error1 = steep - guess
            error2 = error1 - guess2
            learn(weights, base, seen, 0, wide, energy, error1, int(rates[0]))
            learn(weights, base + wide, left[channel], at, second, int(energies[channel, 1]), error2, int(rates[1]))
            learn(
                weights, base + wide + second, rest[channel], at, third, int(energies[channel, 2]), error2 - guess3,
                int(rates[2]),
            )  # fmt: skip
            gone, gone2 = int(left[channel, at + second - 1]), int(rest[channel, at + third - 1])
            energies[channel, 1] += error1 * error1 - gone * gone
            energies[channel, 2] += error2 * error2 - gone2 * gone2
            own[channel, at - 1], left[channel, at - 1], rest[channel, at - 1] = steep, error1, error2
        at -= 1
    return True


@kernel
def _code_error(
    coder: Longs, data: NDArray[np.uint8], chances: Longs, channel: int, means: Longs,
    mixing: NDArray[np.int32], squashed: NDArray[np.int32], stretched: NDArray[np.int16],
    places: Longs, inputs: NDArray[np.int32], error: int, writing: bool,
) -> int:  # fmt: skip
    """Code how far a guess was off: how many bits the distance has, those bits, and the side."""
    fast, slow, slower = int(means[channel, 0]), int(means[channel, 1]), int(means[channel, 2])
    quick, steady, long = _level(fast >> 4), _level(slow >> 4), _level(slower >> 4)
    size = _SPAN
    base = channel * 3 * _MEANS
    for_quick, for_steady = (base + quick) * size, (base + _MEANS + steady) * size
    for_long = (base + 2 * _MEANS + long) * size
    distance = abs(error)
    folded = 2 * distance - (1 if error > 0 else 0)
    value, bits = folded + 1, 0
    while bits < 30:
        more = 1 if value >> bits > 1 else 0
        more = _code(coder, data, chances, for_quick + bits, for_steady + bits, for_long + bits,
                     channel * 40 + bits, mixing, squashed, stretched, places, inputs, more, writing)  # fmt: skip
        if not more:
            break
        bits += 1
    found = 1
    for at in range(bits - 1, -1, -1):
        bit = value >> at & 1
        known = bits - 1 - at
        if known < 2:
            place = 32 + 4 * min(bits, 30) + (0 if not known else 1 + (found & 1))
            which = channel * 40 + 31 + known
            bit = _code(coder, data, chances, for_quick + place, for_steady + place, for_long + place,
                        which, mixing, squashed, stretched, places, inputs, bit, writing)  # fmt: skip
        elif writing:
            encode_bit(coder, data, bit, HALF)
        else:
            bit = decode_bit(coder, data, HALF)
        found = found << 1 | bit
    folded = found - 1
    error = (folded + 1 >> 1) if folded & 1 else -(folded >> 1)
    distance = abs(error) << 4
    means[channel, 0] = fast + ((distance - fast) >> 3)
    means[channel, 1] = slow + ((distance - slow) >> 5)
    means[channel, 2] = slower + ((distance - slower) >> 8)
    return error


@kernel
def _code(
    coder: Longs, data: NDArray[np.uint8], chances: Longs, one: int, two: int, three: int, which: int,
    mixing: NDArray[np.int32], squashed: NDArray[np.int32], stretched: NDArray[np.int16],
    places: Longs, inputs: NDArray[np.int32], bit: int, writing: bool,
) -> int:  # fmt: skip
    places[0], places[1], places[2] = one, two, three
    for at in range(3):
        inputs[at] = stretch(stretched, int(chances[places[at]]))
    inputs[3] = 256
    first = which * _INPUTS
    chance = min(max(squash(squashed, mix(mixing, first, inputs, _INPUTS)), 32), 65536 - 32)
    if writing:
        encode_bit(coder, data, bit, chance)
    else:
        bit = decode_bit(coder, data, chance)
    train(mixing, first, inputs, _INPUTS, step_of(bit, chance, 6))
    chances[one] = nudge(int(chances[one]), bit, 5)
    chances[two] = nudge(int(chances[two]), bit, 5)
    chances[three] = nudge(int(chances[three]), bit, 6)
    return bit
