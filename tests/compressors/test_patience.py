"""What the slowest coders may have of what a chunk holds."""

from panini_daemon.compressors import Level
from panini_daemon.compressors.patience import Patience, estimate_inside


def test_it_grows_with_the_chunk_and_has_an_end() -> None:
    patience = Patience(1 << 20)
    assert patience.choose(Level.FAST, 1 << 30) is Level.FAST
    assert patience.choose(Level.BEST, 21 << 20) is Level.BEST
    assert patience.choose(Level.BEST, 2 << 20) is Level.BALANCED
    assert patience.choose(Level.MAX, 1 << 20) is Level.MAX
    assert patience.choose(Level.MAX, 1) is Level.BALANCED


def test_memory_is_counted_for_what_a_small_chunk_may_hold_up_to_the_share_of_the_slowest() -> None:
    assert estimate_inside(0, Level.BEST) == 0
    assert 10 * estimate_inside(100, Level.BEST) == estimate_inside(1000, Level.BEST)
    most = estimate_inside(1 << 20, Level.BEST)
    assert most == estimate_inside(1 << 30, Level.BEST) > estimate_inside(1 << 20, Level.BALANCED)
    assert most >= 40 * (20 << 20)  # a picture of 20 million samples took 43 bytes for each, with all tables
