"""A binary arithmetic coder without carries, 32 bits wide, with chances of 16 bits.

The interval [low, high] is cut at low + (high - low) * chance >> 16; the lower part, with the cut, stands for a
one. Leading bytes on which both ends agree are put out. After lpaq and the ZPAQ specification (M. Mahoney).

A coder is an int64 array, `make_encoder` or `make_decoder`, and the bytes it writes or reads.
"""

import numpy as np
from numpy.typing import NDArray

from panini_daemon.compressors.kernels import kernel

CHANCE_BITS = 16
ONE = 1 << CHANCE_BITS
"""What a chance of one would be. A chance handed to the coder is 1 to ONE - 1."""
LOW, HIGH, CODE, AT = 0, 1, 2, 3
"""What a coder's numbers are: the interval's ends, the decoder's window, how many bytes are written or read."""
WINDOW = 4
"""Bytes that the decoder is ahead of what the encoder had written: more says that the payload was cut."""


def make_encoder() -> NDArray[np.int64]:
    """Make an encoder that has written nothing."""
    return np.array([0, 0xFFFFFFFF, 0, 0], np.int64)


def make_decoder(data: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Make a decoder at the beginning of `data`; bytes behind its end count as zero."""
    code = int.from_bytes(data[:WINDOW].tobytes().ljust(WINDOW, b"\0"), "big")
    return np.array([0, 0xFFFFFFFF, code, WINDOW], np.int64)


@kernel
def encode_bit(coder: NDArray[np.int64], out: NDArray[np.uint8], bit: int, chance: int) -> None:
    """Encode a bit that is a one with `chance`, 1 to 65535 of 65536. Raises IndexError where `out` is full."""
    low, high = int(coder[0]), int(coder[1])
    cut = low + ((high - low) * chance >> 16)
    if bit:
        high = cut
    else:
        low = cut + 1
    while (low ^ high) < 0x1000000:
        at = int(coder[3])
        out[at] = high >> 24
        coder[3] = at + 1
        low = low << 8 & 0xFFFFFFFF
        high = high << 8 & 0xFFFFFFFF | 255
    coder[0] = low
    coder[1] = high


@kernel
def finish_encoder(coder: NDArray[np.int64], out: NDArray[np.uint8]) -> int:
    """Write as few bytes as tell the interval from others, zeros following, and return how many are written in all."""
    low, high, at = int(coder[0]), int(coder[1]), int(coder[3])
    shift = 32
    value = 0
    while value < low or value > high:  # the fewest leading bytes that, followed by zeros, lie within
        shift -= 8
        value = ((low + (1 << shift) - 1) >> shift) << shift
    for place in range((32 - shift) >> 3):
        out[at] = value >> (24 - 8 * place) & 255
        at += 1
    coder[3] = at
    return at


@kernel
def decode_bit(coder: NDArray[np.int64], data: NDArray[np.uint8], chance: int) -> int:
    """Decode the bit that was encoded with the same `chance`, 1 to 65535."""
    low, high, code = int(coder[0]), int(coder[1]), int(coder[2])
    cut = low + ((high - low) * chance >> 16)
    bit = 1 if code <= cut else 0
    if bit:
        high = cut
    else:
        low = cut + 1
    while (low ^ high) < 0x1000000:
        at = int(coder[3])
        low = low << 8 & 0xFFFFFFFF
        high = high << 8 & 0xFFFFFFFF | 255
        code = code << 8 & 0xFFFFFFFF
        if at < data.size:
            code |= int(np.int64(data[at]))
        coder[3] = at + 1
    coder[0] = low
    coder[1] = high
    coder[2] = code
    return bit


@kernel
def is_exhausted(coder: NDArray[np.int64], data: NDArray[np.uint8]) -> bool:
    """Say whether more was decoded than `data` can hold: then it was cut off or is no stream of this coder.

    Asked after each byte, this bounds a decoder's time by the length of its payload.
    """
    return int(coder[3]) > data.size + 4
