"""Foretelling a sample as the sum of others with the weights of recursive least squares, in whole numbers.

Sums of products fade by 1/512 with each sample. Every so often the normal equations are solved by Cholesky's method,
with a ridge of 2**-20 of the largest sum. What that leaves wrong, and what rounding does, the next time mends, for it
is the change of the weights that is solved for. Least squares in front of a cascade of normalised LMS filters is due
to OptimFROG (F. Ghido) and to Sac (S. Lehmann).

All values stay within 63 bits: sums within +-2**60, the factor within +-2**28, a change within +-2**56 (taken in two
parts of 28 bits), weights within +-2**26 (64, with 20 bits behind the point), and 64 inputs at the most.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from panini_daemon.compressors.kernels import unchecked_kernel

Longs = NDArray[np.int64]

POINT = 20
"""Bits behind the point of a weight."""
HEAVIEST = 1 << 26
_FADE = 9
_TOP = 51
"""Bits of a product that is shifted up: 2**_FADE of them have 60."""
_SCALED, _RIDGE = 54, 1 << 34
"""Bits of the largest sum that is factored, and what is added on the diagonal."""
_LARGEST = 1 << 28
"""The largest number in the factor, half of whose bits the sums have, and in each part of a change."""
_HALF, _HALF_MASK = 28, (1 << 28) - 1
_LOW, _LOW_MASK = 30, (1 << 30) - 1


class Scratch(NamedTuple):
    """Room for `solve`: the factor, the change of the weights, and what goes through its loops."""

    factor: Longs
    change: Longs
    rest_low: Longs
    column: Longs


def make_scratch(inputs: int) -> Scratch:
    """Make room for so many inputs."""
    return Scratch(np.zeros((inputs, inputs), np.int64), *np.zeros((3, inputs), np.int64))


def make_squares(channels: int, inputs: int) -> tuple[Longs, Longs, Longs]:
    """Return sums of products of inputs, sums of products with the target, and weights: the newest sample's is one."""
    weights = np.zeros((channels, inputs), np.int64)
    weights[:, 0] = 1 << POINT
    return np.zeros((channels, inputs, inputs), np.int64), np.zeros((channels, inputs), np.int64), weights


def lift_of(width: int) -> int:
    """Return by how many bits products of samples of so many bytes are shifted up."""
    return _TOP - 2 * (8 * width - 1)


@unchecked_kernel
def weigh(weights: Longs, seen: Longs) -> int:
    """Return the sum of what was seen times the weights, with POINT bits behind the point."""
    total = 0
    for at in range(weights.size):
        total += int(weights[at]) * int(seen[at])
    return total


@unchecked_kernel
def add_products(products: Longs, targets: Longs, seen: Longs, target: int, lift: int) -> None:
    """Count a sample in: the sums (those below the diagonal, and on it) fade and take its products."""
    for one in range(targets.size):
        value = int(seen[one]) << lift
        line = products[one]
        for other in range(one + 1):
            line[other] += value * int(seen[other]) - (int(line[other]) >> _FADE)
        targets[one] += value * target - (int(targets[one]) >> _FADE)


@unchecked_kernel
def _shift(value: int, bits: int) -> int:
    return value << bits if bits >= 0 else value >> -bits


@unchecked_kernel
def _bits_of(value: int) -> int:
    bits = 0
    while value >> bits:
        bits += 1
    return bits


@unchecked_kernel
def _root(value: int) -> int:
    """Return the square root, rounded down, of 1 to 2**62 - 1."""
    bits = 0
    while value >> 2 * bits:
        bits += 1
    root = 1 << bits
    while True:
        better = root + value // root >> 1
        if better >= root:
            return root
        root = better


@unchecked_kernel
def _bound(value: int, most: int) -> int:
    return min(max(value, -most), most)


@unchecked_kernel
def solve(products: Longs, targets: Longs, weights: Longs, scratch: Scratch) -> None:
    """Move the weights to where the squared errors are least."""
    count = targets.size
    largest = 0
    for one in range(count):
        largest = max(largest, int(products[one, one]))
    if largest <= 0:
        return
    bits = _bits_of(largest)
    lift = 2 * _HALF + 2 - bits
    if _bits_of(_leave_over(products, targets, weights, scratch)) + lift > 60:
        return  # what came last is far off all before: more will be known soon
    _factor(products, scratch.factor, bits)
    factor, change = scratch.factor, scratch.change
    # Half-solved with 49 bits behind the point, then solved with 48.
    for one in range(count):
        rest = _shift(int(change[one]), lift) + _shift(int(scratch.rest_low[one]), lift - _LOW)
        change[one] = _divide(rest, 0, factor[one], change, 0, one, int(factor[one, one]))
    for back in range(count):
        one = count - 1 - back
        half = int(change[one])
        for at in range(one + 1, count):
            scratch.column[at] = factor[at, one]
        change[one] = _divide(
            half >> 2, (half & 3) << _HALF - 2, scratch.column, change, one + 1, count, int(factor[one, one])
        )
        moved = int(weights[one]) + (int(change[one]) + (1 << _HALF - 1) >> _HALF)
        weights[one] = _bound(moved, HEAVIEST)


@unchecked_kernel
def _leave_over(products: Longs, targets: Longs, weights: Longs, scratch: Scratch) -> int:
    """Set `change` and `rest_low` to what the weights leave over, exact, in two parts; return the largest high part."""
    count = targets.size
    widest = 0
    for one in range(count):
        high, low = int(targets[one]) >> _LOW << POINT, (int(targets[one]) & _LOW_MASK) << POINT
        for other in range(count):
            value = int(products[max(one, other), min(one, other)])
            high -= (value >> _LOW) * int(weights[other])
            low -= (value & _LOW_MASK) * int(weights[other])
        high += low >> _LOW
        scratch.change[one], scratch.rest_low[one] = high, low & _LOW_MASK
        widest = max(widest, abs(high))
    return widest


@unchecked_kernel
def _factor(products: Longs, factor: Longs, bits: int) -> None:
    """Factor the sums, whose largest has so many bits and is shifted to 54, so that the factor has 27."""
    for one in range(factor.shape[0]):
        row = factor[one]
        for other in range(one + 1):
            rest = _shift(int(products[one, other]), _SCALED - bits)
            above = factor[other]
            for at in range(other):
                rest -= int(row[at]) * int(above[at])
            if one == other:
                row[one] = min(_root(max(rest, 0) + _RIDGE), _LARGEST)
            else:
                row[other] = _bound(rest // int(above[other]), _LARGEST)


@unchecked_kernel
def _divide(high: int, low: int, row: Longs, change: Longs, first: int, end: int, pivot: int) -> int:
    """Return high * 2**28 + low, less the sum of a row times a change, over a pivot; within +-2**56."""
    for at in range(first, end):
        high -= int(row[at]) * (int(change[at]) >> _HALF)
        low -= int(row[at]) * (int(change[at]) & _HALF_MASK)
    high += low >> _HALF
    low &= _HALF_MASK
    whole = high // pivot
    if abs(whole) >= _LARGEST:
        return _bound(whole, _LARGEST) << _HALF
    return (whole << _HALF) + ((high - whole * pivot << _HALF) + low) // pivot
