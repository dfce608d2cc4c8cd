"""Coding pictures of 8 bits of any kind by context mixing: each sample's bits, the high one first.

They are foretold by exact neighbours, as drawings need it, and by predictions through least squares, as photographs
do. The stream is that of the coder of bits alone.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from panini_daemon.compressors.contextmix.coding import (
    decode_bit,
    encode_bit,
    finish_encoder,
    is_exhausted,
    make_decoder,
    make_encoder,
)
from panini_daemon.compressors.contextmix.slots import hash_pair
from panini_daemon.compressors.errors import PayloadDamaged
from panini_daemon.compressors.images.context_memory import find_contexts
from panini_daemon.compressors.images.flats import Flats, code_repeated, make_flats
from panini_daemon.compressors.images.layout import Layout
from panini_daemon.compressors.images.mixers import suits_picture
from panini_daemon.compressors.images.neighbours import ABOVE, ASIDE, make_canvas, view_inside
from panini_daemon.compressors.images.picture_contexts import CONTEXTS, WHOLE, fill_keys, gather_pixels
from panini_daemon.compressors.images.picture_model import (
    LONGEST,
    SETS,
    PictureModel,
    learn_bit,
    make_picture_model,
    measure_distance,
    predict_bit,
)
from panini_daemon.compressors.images.picture_surroundings import (
    MEAN,
    Predictions,
    Surroundings,
    learn_repeated,
    learn_sample,
    look_around,
    make_surroundings,
)
from panini_daemon.compressors.images.repetition import compare_around, find_match
from panini_daemon.compressors.kernels import unchecked_kernel
from panini_daemon.compressors.parameters import window_log

_MIN_LOG, _MAX_LOG = 10, 21
_MATCH_LOG = 16


class _Pixels(NamedTuple):
    """Whole pixels as numbers, where such surroundings were seen last, and the contexts that they make."""

    numbers: NDArray[np.int64]
    seen: NDArray[np.int64]
    whole: NDArray[np.int64]
    keys: NDArray[np.int64]


def encode_picture(rows: bytes, layout: Layout, *, skips: bool) -> bytes | None:
    """Encode the rows; None where that would take more bytes than they have. `skips` as for `decode_picture`."""
    samples = make_canvas(layout.height, layout.width, layout.channels)
    view_inside(samples, layout.channels)[:] = np.frombuffer(rows, np.uint8).reshape(layout.height, layout.row)
    out, coder = np.zeros(layout.size + 8, np.uint8), make_encoder()
    try:
        _run(samples.reshape(-1), layout, coder, out, 0, int(skips))
        return out[: finish_encoder(coder, out)].tobytes()
    except IndexError:  # no room: the rows are noise
        return None


def decode_picture(stream: bytes, layout: Layout, *, skips: bool) -> bytes:
    """Decode the rows. With `skips`, pixels in flat surroundings may have one bit. Raises PayloadDamaged."""
    if not suits_picture(layout):
        raise PayloadDamaged("the stream is of a coder for 8 bits, the layout has another number; restore the payload")
    samples = make_canvas(layout.height, layout.width, layout.channels)
    data = np.frombuffer(stream, np.uint8).copy()  # the kernel is compiled for arrays that may be written
    if not _run(samples.reshape(-1), layout, make_decoder(data), data, 1, int(skips)):
        raise PayloadDamaged("the pixels' stream ends before the pixels do; restore compressed.bin from a copy")
    return np.ascontiguousarray(view_inside(samples, layout.channels)).astype(np.uint8).tobytes()


def _run(
    line: NDArray[np.int16],
    layout: Layout,
    coder: NDArray[np.int64],
    data: NDArray[np.uint8],
    decoding: int,
    skips: int,
) -> bool:
    channels = layout.channels
    pixels = _Pixels(
        numbers=np.zeros(line.size // channels, np.int64),
        seen=np.zeros(1 << _MATCH_LOG, np.int64),
        whole=np.zeros(WHOLE, np.int64),
        keys=np.zeros(CONTEXTS, np.int64),
    )
    model = make_picture_model(window_log(layout.size * 8, _MIN_LOG, _MAX_LOG))
    around = make_surroundings(channels, line.size)
    sizes = np.array([layout.width, layout.height, channels, decoding, skips], np.int64)
    return bool(_code_rows(line, model, around, pixels, make_flats(), coder, data, sizes))


@unchecked_kernel
def _code_rows(
    line: NDArray[np.int16],
    model: PictureModel,
    around: Surroundings,
    pixels: _Pixels,
    flats: Flats,
    coder: NDArray[np.int64],
    data: NDArray[np.uint8],
    sizes: NDArray[np.int64],
) -> bool:
    """Code all rows; False where what is decoded ends before they do."""
    width, height, channels, decoding, skips = sizes[0], sizes[1], sizes[2], sizes[3], sizes[4]
    pitch = width + 2 * ASIDE
    numbers, seen = pixels.numbers, pixels.seen
    for row in range(height):
        match, length, run = 0, 0, 0
        for column in range(width):
            at = (row + ABOVE) * pitch + ASIDE + column
            key = gather_pixels(numbers, at, pitch, pixels.whole) & (1 << _MATCH_LOG) - 1
            if length == 0:
                match = int(seen[key])
                length = find_match(numbers, at, match) if match else 0
            seen[key] = at
            if skips and code_repeated(
                flats, numbers, line, at, pitch, channels, run, match, length, coder, data, decoding
            ):
                run += 1
                learn_repeated(around, at * channels, channels)
            else:
                run = 0
                more = row > 2 and column + 2 < width
                numbers[at] = _code_pixel(
                    line, at, model, around, pixels, coder, data, decoding, pitch, channels, match, length, more
                )
            if length and numbers[match] == numbers[at]:
                match += 1
                length = min(length + 1, LONGEST)
            else:
                length = 0
            if decoding and is_exhausted(coder, data):
                return False
    return True


@unchecked_kernel
def _code_pixel(
    line: NDArray[np.int16],
    at: int,
    model: PictureModel,
    around: Surroundings,
    pixels: _Pixels,
    coder: NDArray[np.int64],
    data: NDArray[np.uint8],
    decoding: int,
    pitch: int,
    channels: int,
    match: int,
    length: int,
    more: bool,  # noqa: FBT001  kernels take no keywords
) -> int:
    """Code the samples of pixel `at` and return its number; `more` as for `look_around`."""
    order, keys, stride = around.order, pixels.keys, pitch * channels
    same = compare_around(pixels.numbers, at, pitch)
    before = 0
    for turn in range(channels):
        channel = int(order[turn])
        place = at * channels + channel
        shift = int(order[turn - 1]) - channel if turn else 0
        look_around(around, line, place, stride, channels, turn, more)
        refine = fill_keys(keys, pixels.whole, around.found, line, place, stride, channels, shift, turn, before)
        sample = _code_sample(
            int(line[place]),
            model,
            around.found,
            keys,
            coder,
            data,
            decoding,
            turn,
            same,
            length,
            int(line[match * channels + channel]),
            refine,
        )
        line[place] = sample
        learn_sample(around, line, place, stride, channels, turn, sample)
        before = before << 8 | sample
    return before


@unchecked_kernel
def _code_sample(
    sample: int,
    model: PictureModel,
    found: Predictions,
    keys: NDArray[np.int64],
    coder: NDArray[np.int64],
    data: NDArray[np.uint8],
    decoding: int,
    turn: int,
    same: int,
    length: int,
    expected: int,
    refine: int,
) -> int:
    """Code one sample and return it."""
    tree, node, sets = 1, 1, model.sets
    mean, own = int(found.centres[MEAN]), int(found.classes[MEAN])
    for left in range(7, -1, -1):
        if left & 3 == 3:  # the sample's four high bits, and its four low ones, have slots of their own
            find_contexts(model.memory, keys, tree, model.places)
            node = 1
        guess = expected >> left & 1
        if length and (expected | 256) >> left + 1 != tree:
            length = 0
        sets[0] = turn << 8 | tree
        sets[1] = SETS[0] + (min(length, 15) << 6 | left << 3 | same & 7)
        sets[2] = SETS[0] + SETS[1] + (same << 5 | left << 2 | turn)
        sets[3] = SETS[0] + SETS[1] + SETS[2] + (own << 3 | left)
        sets[4] = SETS[0] + SETS[1] + SETS[2] + SETS[3] + (measure_distance(model, mean, tree, left) << 3 | left)
        one, two = hash_pair(tree, mean >> 2) & 0xFFFF, hash_pair(tree, refine) & 0xFFFF
        chance = predict_bit(model, found, tree, node, left, guess, length, one, two)
        if decoding:
            bit = decode_bit(coder, data, chance)
        else:
            bit = sample >> left & 1
            encode_bit(coder, data, bit, chance)
        learn_bit(model, tree, node, guess, length, bit)
        tree = 2 * tree + bit
        node = 2 * node + bit
    return tree - 256
