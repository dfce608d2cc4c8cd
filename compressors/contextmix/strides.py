"""How long records are: the distance at which bytes are alike most often."""

import numpy as np

LONGEST = 4096
_SAMPLE = 96 << 10
_LEAST = 64
"""A sample with fewer likenesses than these tells nothing."""


def find_strides(data: bytes, most: int) -> list[int]:
    """Return up to `most` likely lengths of records, 2 to LONGEST, the likeliest first.

    What counts is how often a byte differs from the one before it and is within 1 of that one length earlier.
    """
    here = np.frombuffer(data[:_SAMPLE], np.uint8).astype(np.int16)
    longest = min(LONGEST, here.size // 4)
    if longest < 2:
        return []
    tail = here[longest:]
    changed = tail != here[longest - 1 : -1]
    scores = np.zeros(longest + 1, np.int64)
    for stride in range(2, longest + 1):
        alike = np.abs(tail - here[longest - stride : here.size - stride]) <= 1
        scores[stride] = np.count_nonzero(alike & changed)
    found: list[int] = []
    for stride in np.argsort(-scores, kind="stable"):
        if len(found) == most or scores[stride] < _LEAST:
            break
        if stride >= 2 and not any(abs(int(stride) - one) <= 2 or stride % one == 0 for one in found):
            found.append(int(stride))
    return found
