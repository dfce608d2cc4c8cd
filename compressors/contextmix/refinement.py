"""Refining a chance by what came of like chances in a context (APM, or secondary symbol estimation).

Each context has 49 chances, for log-odds -3072, -2944, ... 3072; between them the result is interpolated. After
PAQ6 and lpaq (M. Mahoney) and S. Osnach's SSE.
"""

import numpy as np
from numpy.typing import NDArray

from panini_daemon.compressors.contextmix.logistic import make_squash
from panini_daemon.compressors.kernels import unchecked_kernel

STEPS = 49
"""Chances for each context."""


def make_refinement(contexts: int) -> NDArray[np.uint16]:
    """Make the chances of so many contexts, which at first leave every chance as it is."""
    odds = np.minimum(np.arange(STEPS) * 128, 6143)
    return np.tile(make_squash()[odds].astype(np.uint16), contexts)


@unchecked_kernel
def refinement_place(context: int, odds: int) -> int:
    """Return where log-odds within +-3071 stand in a context: the lower chance's index times 128, plus the rest."""
    shifted = odds + 3072
    return (context * 49 << 7) + shifted


@unchecked_kernel
def refined(chances: NDArray[np.uint16], place: int) -> int:
    """Return the chance, 1 to 65535, at a place."""
    index, rest = place >> 7, place & 127
    return int(np.int64(chances[index])) * (128 - rest) + int(np.int64(chances[index + 1])) * rest >> 7


@unchecked_kernel
def refine_learn(chances: NDArray[np.uint16], place: int, bit: int, rate: int) -> None:
    """Move the chance that is nearer to a place towards the bit, by 1 / 2**rate."""
    index = place + 64 >> 7
    chance = int(np.int64(chances[index]))
    if bit:
        chances[index] = chance + (65536 - chance >> rate)
    else:
        chances[index] = chance - (chance >> rate)
