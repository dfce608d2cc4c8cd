"""Coding photographs of 8 bits by context mixing: where a sample lies from a prediction by least squares.

The stream is that of the coder of bits alone.
"""

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
from panini_daemon.compressors.errors import PayloadDamaged
from panini_daemon.compressors.images.layout import Layout
from panini_daemon.compressors.images.least_squares import (
    Squares,
    add_sample,
    improve_weights,
    make_squares,
    predict_sum,
)
from panini_daemon.compressors.images.mixers import suits_picture
from panini_daemon.compressors.images.neighbours import ABOVE, ASIDE, make_canvas, view_inside
from panini_daemon.compressors.images.photo_inputs import LARGE, SMALL, gather, gather_few, guess, make_order
from panini_daemon.compressors.images.photo_model import (
    BEST,
    MEAN,
    MIXERS,
    PhotoModel,
    answer,
    learn_answer,
    make_photo_model,
)
from panini_daemon.compressors.images.photo_surroundings import TOP, USUAL, Look, look_around, make_look, round_sum
from panini_daemon.compressors.kernels import unchecked_kernel

_FAR = 1 << 20
"""Eighths: farther than any threshold."""


def encode_photo(rows: bytes, layout: Layout) -> bytes | None:
    """Encode the rows; None where that would take more bytes than they have."""
    samples = make_canvas(layout.height, layout.width, layout.channels)
    view_inside(samples, layout.channels)[:] = np.frombuffer(rows, np.uint8).reshape(layout.height, layout.row)
    out, coder = np.zeros(layout.size + 8, np.uint8), make_encoder()
    try:
        _run(samples.reshape(-1), layout, coder, out, 0)
        return out[: finish_encoder(coder, out)].tobytes()
    except IndexError:  # no room: the rows are noise
        return None


def decode_photo(stream: bytes, layout: Layout) -> bytes:
    """Decode the rows. Raises PayloadDamaged."""
    if not suits_picture(layout):
        raise PayloadDamaged("the stream is of a coder for 8 bits, the layout has another number; restore the payload")
    samples = make_canvas(layout.height, layout.width, layout.channels)
    data = np.frombuffer(stream, np.uint8).copy()  # the kernel is compiled for arrays that may be written
    if not _run(samples.reshape(-1), layout, make_decoder(data), data, 1):
        raise PayloadDamaged("the pixels' stream ends before the pixels do; restore compressed.bin from a copy")
    return np.ascontiguousarray(view_inside(samples, layout.channels)).astype(np.uint8).tobytes()


def _run(
    line: NDArray[np.int16], layout: Layout, coder: NDArray[np.int64], data: NDArray[np.uint8], decoding: int
) -> bool:
    channels = layout.channels
    problems = (make_squares(channels, LARGE), make_squares(channels, LARGE), make_squares(channels, SMALL))
    sizes = np.array([layout.width, layout.height, channels, decoding], np.int64)
    look = make_look(line.size)
    return bool(_code_rows(line, make_photo_model(), look, *problems, make_order(channels), coder, data, sizes))


@unchecked_kernel
def _code_rows(
    line: NDArray[np.int16],
    model: PhotoModel,
    look: Look,
    wide: Squares,
    near: Squares,
    quick: Squares,
    order: NDArray[np.int64],
    coder: NDArray[np.int64],
    data: NDArray[np.uint8],
    sizes: NDArray[np.int64],
) -> bool:
    """Code all rows; False where what is decoded ends before they do."""
    width, height, channels, decoding = sizes[0], sizes[1], sizes[2], sizes[3]
    stride = (width + 2 * ASIDE) * channels
    for row in range(height):
        for column in range(width):
            first = (row + ABOVE) * stride + (column + ASIDE) * channels
            for turn in range(channels):
                place = first + int(order[turn])
                count = gather(line, place, stride, channels, order, turn, look.large)
                few = gather_few(line, place, stride, channels, order, turn, look.small)
                middle = int(line[place - channels]) + int(line[place - stride])
                improve_weights(wide, turn, count)
                if row > 2 and column + 2 < width:
                    for up in range(1, 4):
                        there = place - up * stride + 2 * channels
                        gather(line, there, stride, channels, order, turn, look.again)
                        aim = 2 * int(line[there]) - int(line[there - channels]) - int(line[there - stride])
                        add_sample(near, turn, look.again, count, aim, 6)
                improve_weights(near, turn, count)
                improve_weights(quick, turn, few)
                look.centres[0] = round_sum(predict_sum(wide, turn, look.large, count), middle)
                look.centres[1] = round_sum(predict_sum(near, turn, look.large, count), middle)
                look.centres[2] = round_sum(predict_sum(quick, turn, look.small, few), middle)
                shift = int(order[turn - 1]) - int(order[turn]) if turn else 0
                guess(line, place, stride, channels, shift, look.centres[BEST:], TOP)
                look_around(line, model, look, place, stride, channels, turn, shift, int(order[0]) - int(order[turn]))
                sample = _code_sample(int(line[place]), model, look, coder, data, decoding)
                line[place] = sample
                for number in range(BEST):
                    look.errors[number, place] = abs(8 * sample - int(look.centres[number])) - USUAL
                look.residues[place] = 8 * sample - int(look.centres[MEAN])
                aim = 2 * sample - middle
                add_sample(wide, turn, look.large, count, aim, 10)
                add_sample(near, turn, look.large, count, aim, 6)
                add_sample(quick, turn, look.small, few, aim, 5)
            if decoding and is_exhausted(coder, data):
                return False
    return True


@unchecked_kernel
def _code_sample(
    sample: int,
    model: PhotoModel,
    look: Look,
    coder: NDArray[np.int64],
    data: NDArray[np.uint8],
    decoding: int,
) -> int:
    """Code one sample and return it."""
    base = int(look.centres[MEAN]) + 4 >> 3
    start = 8 * base - 4
    side = 1
    if base:
        side = _ask(model, look, 0, -_FAR, start, _FAR, 1, coder, data, decoding, 1 if sample >= base else 0)
    sign = 1 if side else -1
    most = 255 - base if side else base - 1
    offset = sample - base if side else base - 1 - sample
    bucket, low = 0, start
    while int(look.steps[bucket + 1]) <= most:
        threshold = start + 8 * sign * int(look.steps[bucket + 1])
        node = 1 + 16 * side + bucket
        beyond = 1 if offset >= int(look.steps[bucket + 1]) else 0
        if not _ask(model, look, node, low, threshold, start + sign * _FAR, sign, coder, data, decoding, beyond):
            break
        bucket += 1
        low = threshold
    found, end = int(look.steps[bucket]), int(look.steps[bucket + 1])
    half = (end - found) >> 1
    high = start + 8 * sign * end
    node = 33 + 12 * side + max(bucket - 4, 0)
    while half:
        if found + half <= most:
            threshold = start + 8 * sign * (found + half)
            beyond = 1 if offset >= found + half else 0
            if _ask(model, look, node, low, threshold, high, sign, coder, data, decoding, beyond):
                found += half
                low = threshold
            else:
                high = threshold
        node = 57 + side
        half >>= 1
    return base + found if side else base - 1 - found


@unchecked_kernel
def _ask(
    model: PhotoModel,
    look: Look,
    node: int,
    low: int,
    threshold: int,
    high: int,
    sign: int,
    coder: NDArray[np.int64],
    data: NDArray[np.uint8],
    decoding: int,
    bit: int,
) -> int:
    """Code whether the sample lies beyond a threshold, and return that."""
    sets = look.sets
    for number in range(MIXERS):
        sets[number] = (number << 10) + (int(look.kinds[number]) << 6) + node
    chance = answer(
        model, node, sets, low, threshold, high, sign, look.centres, look.scales, look.classes, look.textures,
        node << 4 | int(look.kinds[0]), min(int(look.kinds[1]) >> 2, 2),
    )  # fmt: skip
    if decoding:
        bit = decode_bit(coder, data, chance)
    else:
        encode_bit(coder, data, bit, chance)
    learn_answer(model, node, sets, bit)
    return bit
