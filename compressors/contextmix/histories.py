"""Histories of a bit in one byte: how often it was zero and one lately, and which came last.

A history is a state of a machine whose states are pairs of counts. A bit adds to its own count and takes from
the other's when that is large: what happened lately weighs more, and a long agreement that breaks is soon
forgotten. After the indirect models of PAQ6 and later and the ZPAQ specification (M. Mahoney); the bounds are
this module's own.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

STATES = 256
_BOUNDS = (40, 37, 11, 8, 6, 5)
"""The largest of the larger count, by the smaller one."""
_ORDERED = 16
"""Pairs with a sum up to this remember which bit came last."""


class Histories(NamedTuple):
    """The machine: `follow[2 * state + bit]` is the next state; what each state counts as zeros and ones."""

    follow: NDArray[np.uint8]
    zeros: NDArray[np.uint8]
    ones: NDArray[np.uint8]


class _State(NamedTuple):
    zeros: int
    ones: int
    last: int
    """The last bit where it is remembered and both were seen, else 0."""


@cache
def make_histories() -> Histories:
    """Make the machine. State 0 has seen nothing; numbers rise with the sum of the counts, zeros, and the last bit."""
    pairs = [(a, b) for a in range(_BOUNDS[0] + 1) for b in range(_BOUNDS[0] + 1) if _is_kept(a, b)]
    states = sorted((_State(*pair, last) for pair in pairs for last in _lasts(*pair)), key=_rank)
    numbers = {state: number for number, state in enumerate(states)}
    follow = np.zeros((STATES, 2), np.uint8)
    zeros, ones = np.zeros(STATES, np.uint8), np.zeros(STATES, np.uint8)
    for state, number in numbers.items():
        zeros[number], ones[number] = state.zeros, state.ones
        for bit in (0, 1):
            follow[number, bit] = numbers[_next(state, bit)]
    made = Histories(follow.reshape(-1), zeros, ones)
    for table in made:
        table.flags.writeable = False
    return made


def make_chances(histories: Histories) -> NDArray[np.int64]:
    """Return a first guess of the chance of a one, of 65536, for each state: (2 * ones + 1) / (2 * seen + 2)."""
    ones, zeros = histories.ones.astype(np.int64), histories.zeros.astype(np.int64)
    return np.clip((2 * ones + 1) * 65536 // (2 * (ones + zeros) + 2), 1, 65535)


def _rank(state: _State) -> tuple[int, int, int]:
    return state.zeros + state.ones, state.zeros, state.last


def _is_kept(zeros: int, ones: int) -> bool:
    few, many = min(zeros, ones), max(zeros, ones)
    return few < len(_BOUNDS) and many <= _BOUNDS[few]


def _lasts(zeros: int, ones: int) -> tuple[int, ...]:
    return (0, 1) if zeros and ones and zeros + ones <= _ORDERED else (0,)


def _next(state: _State, bit: int) -> _State:
    same, other = (state.ones, state.zeros) if bit else (state.zeros, state.ones)
    same, other = same + 1, _forget(other)
    while not _is_kept(same, other):
        if other < 2:
            same -= 1
        else:  # keep the proportion
            same = (same * (other - 1) + other // 2) // other
            other -= 1
    zeros, ones = (other, same) if bit else (same, other)
    return _State(zeros, ones, bit if len(_lasts(zeros, ones)) == 2 else 0)


def _forget(count: int) -> int:
    """Take from the count of the bit that did not come: nothing up to five, then all that is over five to seven."""
    return count if count <= 5 else min(count - 1, 7)
