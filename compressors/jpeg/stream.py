"""Coefficients as a stream of the arithmetic coder, component after component."""

import numpy as np
from numpy.typing import NDArray

from panini_daemon.compressors.contextmix.coding import finish_encoder, make_decoder, make_encoder
from panini_daemon.compressors.jpeg.borders import WAVES, make_zigzag
from panini_daemon.compressors.jpeg.layout import Layout
from panini_daemon.compressors.jpeg.modelling import code_component
from panini_daemon.compressors.jpeg.prediction import Predictor, make_predictor

_BITS_PER_BLOCK = 64 * 18


def encode_coefficients(layout: Layout, coefficients: NDArray[np.int16]) -> bytes:
    """Return the stream of coefficients, shape (blocks, 64).

    Raises IndexError and ValueError where they are too wild for it: of a damaged file.
    """
    room = np.empty(len(coefficients) * _BITS_PER_BLOCK // 8 + 64, np.uint8)
    predictor = make_predictor(_log(layout), make_encoder(), room, decoding=False)
    _code(layout, np.concatenate([coefficients, np.zeros((1, 64), np.int16)]), predictor)
    return room[: finish_encoder(predictor.coder, room)].tobytes()


def decode_coefficients(layout: Layout, stream: bytes) -> NDArray[np.int16]:
    """Return the coefficients, shape (blocks, 64). Raises IndexError and ValueError for what is no such stream."""
    data = np.frombuffer(stream, np.uint8).copy()  # kernels are compiled for arrays that can be written
    padded = np.zeros((layout.frame.blocks + 1, 64), np.int16)  # memory is taken as blocks are decoded
    _code(layout, padded, make_predictor(_log(layout), make_decoder(data), data, decoding=True))
    return padded[:-1]


def _code(layout: Layout, padded: NDArray[np.int16], predictor: Predictor) -> None:
    counts = np.zeros(len(padded), np.int64)
    components = layout.frame.components
    for number, one in enumerate(components):
        others = np.zeros((2, 5), np.int64)
        for row, other in zip(others, (components[0], components[max(number - 1, 0)]), strict=True):
            ratio = 16 * other.horizontal // one.horizontal, 16 * other.vertical // one.vertical
            row[:] = (other.first, other.columns, other.rows, *ratio)
        code_component(
            predictor,
            _log(layout),
            padded,
            one.first,
            one.columns,
            one.rows,
            np.array(layout.quantisation[number], np.int64),
            make_zigzag(),
            np.array(WAVES, np.int64),
            counts,
            min(number, 2),
            others,
        )


def _log(layout: Layout) -> int:
    """Return the binary logarithm of the counted chances of each context."""
    return min(max(layout.frame.blocks.bit_length() + 6, 16), 20)
