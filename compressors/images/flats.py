"""Pixels in flat surroundings: one decision says of a whole pixel that it goes on as they do.

Most of a plot or a screenshot is background, lines and bars. There the mixing of contexts would take long to say for
each bit of each sample what the pixels around leave little doubt about.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from panini_daemon.compressors.contextmix.coding import decode_bit, encode_bit
from panini_daemon.compressors.contextmix.counters import counted_chance, counted_learn, make_counted, make_rates
from panini_daemon.compressors.contextmix.logistic import make_squash, make_stretch, squash, stretch
from panini_daemon.compressors.contextmix.slots import hash_pair
from panini_daemon.compressors.images.layout import Layout, unpack_samples
from panini_daemon.compressors.images.neighbours import ABOVE, ASIDE
from panini_daemon.compressors.kernels import unchecked_kernel

_ALIKE, _AS_ABOVE, _AS_LEFT = 1, 2, 3
_PLACES, _LOOKS_LOG = 128, 12
"""Chances by where a pixel is, and the logarithm of how many there are by what it looks like."""
_FIRST, _SEEN, _LIMIT = 64000, 8, 500
_PAYS = 200
"""Of so many pixels in flat surroundings one at most may be another than is expected."""
_SURE = 15
"""Pixels of a match from where on it is believed rather than the surroundings."""


class Flats(NamedTuple):
    """Chances, by place and by look, that a pixel goes on as its surroundings, and tables."""

    chances: NDArray[np.int32]
    squash: NDArray[np.int32]
    stretch: NDArray[np.int16]
    rates: NDArray[np.int32]


def make_flats() -> Flats:
    """Make chances that begin high, as if some pixels had been seen."""
    chances = make_counted(np.full(_PLACES + (1 << _LOOKS_LOG), _FIRST, np.int64)) | _SEEN
    return Flats(chances.astype(np.int32), make_squash(), make_stretch(), make_rates())


@unchecked_kernel
def look_for_flats(pixels: NDArray[np.int64], at: int, pitch: int) -> int:
    """Return how the surroundings of pixel `at` are flat: 1 all alike, 2 as the row above, 3 as the left, 0 not."""
    up, high = at - pitch, at - 2 * pitch
    west, north, top = pixels[at - 1], pixels[up], pixels[high]
    left = bool(pixels[at - 2] == west and pixels[at - 3] == west)
    left = left and bool(pixels[up - 2] == north and pixels[up - 1] == north and pixels[up + 1] == north)
    left = left and bool(pixels[up + 2] == north and pixels[up + 3] == north)
    left = left and bool(pixels[high - 1] == top and pixels[high + 1] == top and pixels[high + 2] == top)
    if left and north == west and top == west:
        return _ALIKE
    if west == pixels[up - 1] and pixels[at - 2] == pixels[up - 2] and pixels[at - 3] == pixels[up - 3]:
        same = True
        for right in range(-2, 4):
            same = same and bool(pixels[up + right] == pixels[high + right])
        if same:
            return _AS_ABOVE
    return _AS_LEFT if left else 0


@unchecked_kernel
def code_repeated(
    flats: Flats,
    pixels: NDArray[np.int64],
    line: NDArray[np.int16],
    at: int,
    pitch: int,
    channels: int,
    run: int,
    match: int,
    length: int,
    coder: NDArray[np.int64],
    data: NDArray[np.uint8],
    decoding: int,
) -> bool:
    """Code whether pixel `at` goes on as its surroundings, if those are flat, and write it where it does.

    `run` is how many pixels before it in the row did. Nothing is coded where a long match expects another pixel.
    """
    flat = look_for_flats(pixels, at, pitch)
    if flat == 0:
        return False
    back = pitch if flat == _AS_ABOVE else 1
    if length > _SURE and pixels[match] != pixels[at - back]:
        return False
    ahead = _look_ahead(pixels, at - pitch, pitch, flat)
    log = 0
    while log < 7 and run >> log:
        log += 1
    higher = 4 if pixels[at - 3 * pitch] == pixels[at - 2 * pitch] else 0
    one = flat << 5 | log << 2 | ahead
    look = hash_pair(int(pixels[at - back]), flat << 4 | higher | ahead)
    two = _PLACES + (look & (1 << _LOOKS_LOG) - 1)
    odds = stretch(flats.stretch, counted_chance(flats.chances, one))
    odds += stretch(flats.stretch, counted_chance(flats.chances, two))
    chance = squash(flats.squash, odds >> 1)
    if decoding:
        bit = decode_bit(coder, data, chance)
    else:
        bit = 1
        for place in range(at * channels, (at + 1) * channels):
            if line[place] != line[place - back * channels]:
                bit = 0
        encode_bit(coder, data, bit, chance)
    counted_learn(flats.chances, one, bit, _LIMIT, flats.rates)
    counted_learn(flats.chances, two, bit, _LIMIT, flats.rates)
    if bit:
        for place in range(at * channels, (at + 1) * channels):
            line[place] = line[place - back * channels]
        pixels[at] = pixels[at - back]
    return bit == 1


@unchecked_kernel
def _look_ahead(pixels: NDArray[np.int64], up: int, pitch: int, flat: int) -> int:
    """Return how many of three further pixels of the row above, to the right, go on as well: 0 to 3."""
    ahead = 0
    while ahead < 3:
        there = up + 4 + ahead
        other = there - pitch if flat == _AS_ABOVE else up
        if pixels[there] != pixels[other]:
            break
        ahead += 1
    return ahead


def foretells_pixels(rows: bytes, layout: Layout) -> bool:
    """Tell whether flat surroundings foretell so many of a picture's pixels that asking whether they do pays."""
    width = layout.row_samples if layout.bits < 8 else layout.width
    pixels = np.zeros((layout.height + ABOVE, width + 2 * ASIDE), np.int64)
    _number_pixels(rows, layout, pixels[ABOVE:, ASIDE : ASIDE + width])
    flats, repeated = count_flats(pixels.reshape(-1), width, layout.height)
    return bool(_PAYS * (flats - repeated) <= flats)


def _number_pixels(rows: bytes, layout: Layout, numbers: NDArray[np.int64]) -> None:
    """Write numbers that tell pixels from one another, height x width; samples of fewer than 8 bits count as such."""
    samples = unpack_samples(rows, layout)
    if layout.bits < 8:
        numbers[:] = samples
        return
    channels = samples.reshape(layout.height, layout.width, layout.channels)
    for channel in range(layout.channels):
        numbers <<= layout.bits
        numbers |= channels[:, :, channel].astype(np.int64)


@unchecked_kernel
def count_flats(pixels: NDArray[np.int64], width: int, height: int) -> tuple[int, int]:
    """Return how many pixels' surroundings are flat, and how many of those pixels go on as they do."""
    pitch = width + 2 * ASIDE
    flats, repeated = 0, 0
    for row in range(ABOVE, height + ABOVE):
        for at in range(row * pitch + ASIDE, row * pitch + ASIDE + width):
            flat = look_for_flats(pixels, at, pitch)
            if flat:
                flats += 1
                if pixels[at] == pixels[at - pitch if flat == _AS_ABOVE else at - 1]:
                    repeated += 1
    return flats, repeated
