"""Coding drawings by context mixing: each sample's bits, the high one first, after exact neighbours.

Samples of 16 bits are taken as two channels of 8. The stream is that of the coder of bits alone.
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
from panini_daemon.compressors.images.graphics_contexts import (
    AROUND,
    CONTEXTS,
    expect,
    fill_keys,
    gather_around,
    hash_pixel,
    make_marks,
    make_offsets,
)
from panini_daemon.compressors.images.graphics_model import LONGEST, SETS, Model, learn_bit, make_model, predict_bit
from panini_daemon.compressors.images.layout import Layout, pack_samples, unpack_samples
from panini_daemon.compressors.images.neighbours import ABOVE, ASIDE, make_canvas, view_inside
from panini_daemon.compressors.images.repetition import compare_around, find_match
from panini_daemon.compressors.kernels import unchecked_kernel
from panini_daemon.compressors.parameters import window_log

_MIN_LOG, _MAX_LOG = 10, 21
_MATCH_LOG = 16


class _Pixels(NamedTuple):
    """Pixels as numbers, where such surroundings were seen last, where neighbours are, and room for one sample's."""

    numbers: NDArray[np.int64]
    seen: NDArray[np.int64]
    offsets: NDArray[np.int64]
    marks: NDArray[np.int64]
    around: NDArray[np.int64]
    keys: NDArray[np.int64]
    places: NDArray[np.int64]
    sets: NDArray[np.int64]


def encode_graphics(rows: bytes, layout: Layout, *, skips: bool) -> bytes | None:
    """Encode the rows; None where that would take more bytes than they have. `skips` as for `decode_graphics`."""
    channels = _split(layout)[0]
    samples = make_canvas(layout.height, _columns(layout), channels)
    view_inside(samples, channels)[:] = _bytes_of(rows, layout)
    out, coder = np.zeros(layout.size + 8, np.uint8), make_encoder()
    try:
        _run(samples.reshape(-1), layout, coder, out, 0, int(skips))
        return out[: finish_encoder(coder, out)].tobytes()
    except IndexError:  # no room: the rows are noise
        return None


def decode_graphics(stream: bytes, layout: Layout, *, skips: bool) -> bytes:
    """Decode the rows. With `skips`, pixels in flat surroundings may have one bit. Raises PayloadDamaged."""
    channels, bits = _split(layout)
    samples = make_canvas(layout.height, _columns(layout), channels)
    data = np.frombuffer(stream, np.uint8).copy()  # the kernel is compiled for arrays that may be written
    if not _run(samples.reshape(-1), layout, make_decoder(data), data, 1, int(skips)):
        raise PayloadDamaged("the pixels' stream ends before the pixels do; restore compressed.bin from a copy")
    found = np.ascontiguousarray(view_inside(samples, channels))
    if bits == 8:
        return found.astype(np.uint8).tobytes()
    return pack_samples(found, layout)


def _split(layout: Layout) -> tuple[int, int]:
    """Return channels and bits as the model has them."""
    if layout.bits == 16:
        return 2 * layout.channels, 8
    return (layout.channels, 8) if layout.bits == 8 else (1, layout.bits)


def _columns(layout: Layout) -> int:
    return layout.row_samples if layout.bits < 8 else layout.width


def _bytes_of(rows: bytes, layout: Layout) -> NDArray[np.generic]:
    if layout.bits < 8:
        return unpack_samples(rows, layout)
    return np.frombuffer(rows, np.uint8).reshape(layout.height, layout.row)


def _run(
    line: NDArray[np.int16],
    layout: Layout,
    coder: NDArray[np.int64],
    data: NDArray[np.uint8],
    decoding: int,
    skips: int,
) -> bool:
    channels, bits = _split(layout)
    width = _columns(layout)
    pixels = _Pixels(
        numbers=np.zeros(line.size // channels, np.int64),
        seen=np.zeros(1 << _MATCH_LOG, np.int64),
        offsets=make_offsets(width + 2 * ASIDE),
        marks=make_marks(),
        around=np.zeros(AROUND, np.int64),
        keys=np.zeros(CONTEXTS, np.int64),
        places=np.zeros(CONTEXTS, np.int64),
        sets=np.zeros(4, np.int64),
    )
    model = make_model(window_log(width * layout.height * channels * 8, _MIN_LOG, _MAX_LOG))
    sizes = np.array([width, layout.height, channels, bits, decoding, skips], np.int64)
    return bool(_code_rows(line, model, pixels, make_flats(), coder, data, sizes))


@unchecked_kernel
def _code_rows(
    line: NDArray[np.int16],
    model: Model,
    pixels: _Pixels,
    flats: Flats,
    coder: NDArray[np.int64],
    data: NDArray[np.uint8],
    sizes: NDArray[np.int64],
) -> bool:
    """Code all rows; False where what is decoded ends before they do."""
    width, height, channels, bits, decoding, skips = sizes[0], sizes[1], sizes[2], sizes[3], sizes[4], sizes[5]
    pitch = width + 2 * ASIDE
    numbers, seen, around = pixels.numbers, pixels.seen, pixels.around
    for row in range(height):
        match, length, run = 0, 0, 0
        for column in range(width):
            at = (row + ABOVE) * pitch + ASIDE + column
            gather_around(numbers, at, pixels.offsets, pixels.marks, around)
            key = hash_pair(int(around[6]), int(around[18])) & (1 << _MATCH_LOG) - 1
            if length == 0 or match >= at:
                match = int(seen[key])
                length = find_match(numbers, at, match) if match else 0
            seen[key] = at
            if skips and code_repeated(
                flats, numbers, line, at, pitch, channels, run, match, length, coder, data, decoding
            ):
                run += 1
            else:
                run = 0
                numbers[at] = _code_pixel(
                    line, at, model, pixels, coder, data, decoding, pitch, channels, bits, match, length, column
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
    model: Model,
    pixels: _Pixels,
    coder: NDArray[np.int64],
    data: NDArray[np.uint8],
    decoding: int,
    pitch: int,
    channels: int,
    bits: int,
    match: int,
    length: int,
    column: int,
) -> int:
    """Code the samples of pixel `at` and return its number."""
    keys, stride, before = pixels.keys, pitch * channels, 0
    same = compare_around(pixels.numbers, at, pitch)
    for channel in range(channels):
        place = at * channels + channel
        fill_keys(keys, pixels.around, line, place, stride, channels, channel, before, column)
        sample = _code_sample(
            line, place, model, keys, pixels.places, pixels.sets, coder, data,
            bits, decoding, channel, same, length, int(line[match * channels + channel]), stride, channels,
        )  # fmt: skip
        line[place] = sample
        before = hash_pixel(before, sample, channel)
    return before


@unchecked_kernel
def _code_sample(
    line: NDArray[np.int16],
    place: int,
    model: Model,
    keys: NDArray[np.int64],
    places: NDArray[np.int64],
    sets: NDArray[np.int64],
    coder: NDArray[np.int64],
    data: NDArray[np.uint8],
    bits: int,
    decoding: int,
    channel: int,
    same: int,
    length: int,
    expected: int,
    stride: int,
    step: int,
) -> int:
    """Code one sample and return it."""
    sample, tree, node = int(line[place]), 1, 1
    west = int(line[place - step])
    slope = expect(west, int(line[place - stride]), int(line[place - stride - step]))
    for left in range(bits - 1, -1, -1):
        if left == bits - 1 or left == 3:
            find_contexts(model.memory, keys, tree, places)
            node = 1
        guess = expected >> left & 1
        if length and (expected | 1 << bits) >> left + 1 != tree:
            length = 0
        sets[0] = channel << 8 | tree
        sets[1] = SETS[0] + (min(length, 15) << 6 | left << 3 | same & 7)
        sets[2] = SETS[0] + SETS[1] + (same << 6 | left << 3 | channel)
        sets[3] = tree
        chance = predict_bit(
            model, places, node, sets, guess, length, tree << 8 | west, hash_pair(tree, slope << 3 | channel) & 0xFFFF
        )
        if decoding:
            bit = decode_bit(coder, data, chance)
        else:
            bit = sample >> left & 1
            encode_bit(coder, data, bit, chance)
        learn_bit(model, places, node, sets, guess, length, bit)
        tree = 2 * tree + bit
        node = 2 * node + bit
    return tree - (1 << bits)
