"""What the slowest coders may have of what a chunk holds."""

from panini_daemon.compressors import Level
from panini_daemon.compressors.patience import Patience


def test_it_grows_with_the_chunk_and_has_an_end() -> None:
    patience = Patience(1 << 20)
    assert patience.choose(Level.FAST, 1 << 30) is Level.FAST
    assert patience.choose(Level.BEST, 21 << 20) is Level.BEST
    assert patience.choose(Level.BEST, 2 << 20) is Level.BALANCED
    assert patience.choose(Level.MAX, 1 << 20) is Level.MAX
    assert patience.choose(Level.MAX, 1) is Level.BALANCED
