"""How long records are: the distance at which bytes are alike most often."""

import numpy as np

LONGEST = 4096
_SAMPLE = 96 << 10
_NEAR = 16
"""Bytes this far apart are not alike at all."""
_SMALL = 16
"""Multiples of lengths up to this one may well be lengths of their own."""


def find_strides(data: bytes, most: int) -> list[int]:
    """Return up to `most` likely lengths of records, 2 to LONGEST, the likeliest first.

    What counts is how near a byte that differs from the one before it is to that one length earlier.
    """
    here = np.frombuffer(data[:_SAMPLE], np.uint8).astype(np.int16)
    longest = min(LONGEST, here.size // 4)
    if longest < 2:
        return []
    tail = here[longest:]
    changed = tail != here[longest - 1 : -1]
    scores = np.zeros(longest + 1, np.int64)
    for stride in range(2, longest + 1):
        apart = np.abs(tail - here[longest - stride : here.size - stride])
        scores[stride] = np.maximum(_NEAR - apart, 0)[changed].sum()
    found: list[int] = []
    for stride in np.argsort(-scores, kind="stable"):
        if len(found) == most or not scores[stride]:
            break
        if stride >= 2 and not any(
            abs(int(stride) - one) <= 2 or (one > _SMALL and stride % one == 0) for one in found
        ):
            found.append(int(stride))
    return found
