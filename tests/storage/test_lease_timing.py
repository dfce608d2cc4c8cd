import math

import pytest

from panini_daemon.storage.lease_timing import LeaseTiming


def test_a_local_folder_needs_no_settling() -> None:
    assert LeaseTiming.local().settle == 0


def test_shared_times_have_restics_ratios() -> None:
    timing = LeaseTiming.shared()
    assert (timing.settle, timing.refresh, timing.stale, timing.stop) == (60, 120, 1800, 1350)


@pytest.mark.parametrize("settle", [0.5, 60, 600, 7200])
def test_shared_times_follow_a_slower_folder(settle: float) -> None:
    timing = LeaseTiming.shared(settle)
    assert timing.stop + settle < timing.stale


@pytest.mark.parametrize(
    ("times", "word"),
    [
        ((-1, 10, 60, 40), "at least 0"),
        ((0, 0, 60, 40), "above 0"),
        ((0, 10, math.inf, 40), "finite"),
        ((math.nan, 10, 60, 40), "finite"),
        ((0, 10, 60, 15), "twice refresh"),
        ((0, 10, 60, 50), "raise stale or lower stop"),
        ((20, 5, 60, 40), "raise stale or lower stop"),
    ],
)
def test_times_that_could_let_two_hold_are_refused(times: tuple[float, ...], word: str) -> None:
    settle, refresh, stale, stop = times
    with pytest.raises(ValueError, match=word):
        LeaseTiming(settle=settle, refresh=refresh, stale=stale, stop=stop)
