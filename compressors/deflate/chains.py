"""Where the same bytes stood before: every place within reach, the nearest first."""

from panini_daemon.compressors.deflate.tables import MIN_MATCH, Bytes, Ints, Longs
from panini_daemon.compressors.kernels import unchecked_kernel

_REACH = 32768
_TRIES = 4096


@unchecked_kernel
def _key(content: Bytes, at: int) -> int:
    return (int(content[at]) << 10 ^ int(content[at + 1]) << 5 ^ int(content[at + 2])) & 32767


@unchecked_kernel
def list_insert(content: Bytes, before: int, heads: Ints, chains: Ints, done: Longs) -> None:
    """Put all positions below `before` into the chains; `done` holds how many are there."""
    stop = min(before, content.size - MIN_MATCH + 1)
    for at in range(int(done[0]), stop):
        key = _key(content, at)
        chains[at & 32767] = heads[key]
        heads[key] = at
    done[0] = max(int(done[0]), stop)


@unchecked_kernel
def look_back(
    content: Bytes, at: int, length: int, distance: int, rank: int, heads: Ints, chains: Ints
) -> tuple[int, int]:
    """Return the rank of a distance among those at which `length` bytes repeat, or the distance of a rank.

    A `rank` of -1 asks for the rank of `distance`. (-1, 0) where there is none among the nearest 4,096 places.
    The content has `length` bytes, 3 or more, at `at`.
    """
    other, seen = int(heads[_key(content, at)]), 0
    for _ in range(_TRIES):
        if other < 0 or at - other > _REACH:
            break
        same = 0
        while same < length and content[other + same] == content[at + same]:
            same += 1
        if same == length:
            if at - other == distance or seen == rank:
                return seen, at - other
            seen += 1
        following = int(chains[other & 32767])
        if following >= other:
            break
        other = following
    return -1, 0
