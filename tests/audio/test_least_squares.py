"""Least squares in whole numbers: near what floats give, and inside 63 bits whatever they see."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panini_daemon.compressors.audio import least_squares
from panini_daemon.compressors.audio.least_squares import (
    HEAVIEST,
    POINT,
    add_products,
    lift_of,
    make_scratch,
    make_squares,
    solve,
    weigh,
)
from panini_daemon.compressors.audio.squares_coder import BESIDE, OTHERS, OWN

WIDEST = OWN + BESIDE * OTHERS


def plain(function: Any) -> Any:
    """Return a kernel as Python runs it, in whole numbers without end."""
    return getattr(function, "py_func", function)


def fit(signal: list[int], inputs: int, width: int) -> tuple[Any, float]:
    """Let the weights follow a signal; return them and the last errors' mean square."""
    (products,), (targets,), (weights,) = make_squares(1, inputs)
    scratch, errors = make_scratch(inputs), []
    for at in range(inputs, len(signal)):
        seen = np.array(signal[at - inputs : at][::-1], np.int64)
        errors.append(signal[at] - weigh(weights, seen) / (1 << POINT))
        add_products(products, targets, seen, signal[at], lift_of(width))
        solve(products, targets, weights, scratch)
    return weights, float(np.mean(np.square(errors[-200:])))


def test_a_recurrence_is_found() -> None:
    signal, noise = [1000, 900], np.random.default_rng(3).integers(-20, 21, 1200)
    for one in noise.tolist():
        signal.append(round(1.8 * signal[-1] - 0.97 * signal[-2]) + one)
    weights, square = fit(signal, 4, 2)
    assert square < 200
    assert abs(weights[0] / (1 << POINT) - 1.8) < 0.1


def test_two_tones_are_foretold_by_four_samples() -> None:
    signal = [round(12000 * np.sin(at * 0.1) + 9000 * np.sin(at * 0.37)) for at in range(3000)]
    _, square = fit(signal, 8, 2)
    assert square < 4


def test_a_square_root_is_rounded_down() -> None:
    for value in (1, 2, 3, 4, 15, 16, 17, (1 << 54) - 1, 1 << 54, (1 << 62) - 1):
        root = least_squares._root(value)
        assert root * root <= value < (root + 1) * (root + 1)


NUMBERS = st.sampled_from([0, 1, -1, 5, -(1 << 7), (1 << 7) - 1, -(1 << 15), (1 << 15) - 1, -(1 << 23), (1 << 23) - 1])


@settings(max_examples=25, deadline=None)
@given(st.lists(NUMBERS, min_size=12, max_size=60), st.sampled_from([1, 2, 3]))
def test_compiled_and_plain_numbers_are_the_same_at_the_ends_of_the_range(signal: list[int], width: int) -> None:
    half = 1 << 8 * width - 1
    signal = [min(max(number, -half), half - 1) for number in signal]
    inputs = 6
    compiled, exact = make_squares(1, inputs), make_squares(1, inputs)
    for at in range(inputs, len(signal)):
        seen = np.array(signal[at - inputs : at][::-1], np.int64)
        add_products(compiled[0][0], compiled[1][0], seen, signal[at], lift_of(width))
        solve(compiled[0][0], compiled[1][0], compiled[2][0], make_scratch(inputs))
    with pytest.MonkeyPatch.context() as patch:
        for name in ("_shift", "_bits_of", "_root", "_bound", "_leave_over", "_factor", "_divide"):
            patch.setattr(least_squares, name, plain(getattr(least_squares, name)))
        for at in range(inputs, len(signal)):
            seen = np.array(signal[at - inputs : at][::-1], np.int64)
            plain(add_products)(exact[0][0], exact[1][0], seen, signal[at], lift_of(width))
            plain(solve)(exact[0][0], exact[1][0], exact[2][0], make_scratch(inputs))
    assert all(np.array_equal(one, other) for one, other in zip(compiled, exact, strict=True))


@pytest.mark.parametrize("width", [1, 2, 3])
def test_sums_and_weights_stay_in_their_bounds_at_full_loudness(width: int) -> None:
    (products,), (targets,), (weights,) = make_squares(1, WIDEST)
    loud, scratch = -(1 << 8 * width - 1), make_scratch(WIDEST)
    generator = np.random.default_rng(5)
    for at in range(2000):
        seen = np.full(WIDEST, loud, np.int64) if at % 3 else generator.choice([loud, -loud - 1], WIDEST)
        add_products(products, targets, seen, loud, lift_of(width))
        if not at % 50:
            solve(products, targets, weights, scratch)
        assert np.abs(products).max() <= (1 << 60) + 1024
        assert np.abs(weights).max() <= HEAVIEST
