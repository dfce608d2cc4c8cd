"""The longest match: where the last bytes stood before, and what came then."""

import numpy as np
from numpy.typing import NDArray

from panini_daemon.compressors.contextmix.counters import counted_learn
from panini_daemon.compressors.contextmix.logistic import stretch
from panini_daemon.compressors.contextmix.notes import byte_at
from panini_daemon.compressors.contextmix.slots import hash_pair
from panini_daemon.compressors.kernels import unchecked_kernel

PER_MATCH = 3
"""Inputs of a match. Its chances: 32 by length's class and expected bit, 2048 by expected byte and bit number."""
_FARTHEST = 400


@unchecked_kernel
def find_match(
    match: NDArray[np.int64], table: NDArray[np.int32], data: NDArray[np.uint8], at: int, shortest: int
) -> None:
    """Follow the match past the byte before `at`, or look for one of at least `shortest` bytes.

    `match` holds the place of the expected byte and the length, 0 for none. `table` has a power of two of entries.
    """
    length, place = int(match[1]), int(match[0])
    if length > 0 and data[place] == data[at - 1]:
        length = min(length + 1, 65535)
        place += 1
    else:
        length = 0
    if at >= shortest:
        hashed = 0
        for back in range(1, shortest + 1):
            hashed = hash_pair(hashed, byte_at(data, at - back))
        entry = hashed & table.size - 1
        if length == 0:
            place = int(table[entry])
            while length < _FARTHEST and length < place and data[place - 1 - length] == data[at - 1 - length]:
                length += 1
            if length < shortest:
                length = 0
        table[entry] = at
    match[0] = place
    match[1] = length


@unchecked_kernel
def length_class(length: int) -> int:
    """Classify a length: 0 for none, 1 to 15 the longer it is."""
    if length < 16:
        return length + 1 >> 1
    if length < 32:
        return 8 + (length - 16 >> 2)
    return 12 + int(length >= 64) + int(length >= 128) + int(length >= _FARTHEST)


@unchecked_kernel
def fill_match(
    inputs: NDArray[np.int32],
    first: int,
    chances: NDArray[np.int32],
    places: NDArray[np.int64],
    expected: int,
    kind: int,
    partial: int,
    number: int,
    table: NDArray[np.int16],
) -> bool:
    """Fill in three inputs from `first` on, and say whether the match still agrees with the byte's bits so far.

    `expected` is the byte, `kind` its length's class. `places` takes the two chances that learn.
    """
    if kind == 0 or (expected | 256) >> (8 - number) != partial:
        for at in range(first, first + 3):
            inputs[at] = 0
        return False
    places[0] = kind << 1 | expected >> (7 - number) & 1
    places[1] = 32 + (expected << 3 | number)
    chance = int(chances[places[0]]) >> 15
    inputs[first] = stretch(table, chance)
    inputs[first + 1] = chance - 32768 >> 5
    inputs[first + 2] = stretch(table, int(chances[places[1]]) >> 15)
    return True


@unchecked_kernel
def learn_match(chances: NDArray[np.int32], places: NDArray[np.int64], bit: int, rates: NDArray[np.int32]) -> None:
    """Tell a match that agreed which bit came."""
    counted_learn(chances, int(places[0]), bit, 255, rates)
    counted_learn(chances, int(places[1]), bit, 255, rates)
