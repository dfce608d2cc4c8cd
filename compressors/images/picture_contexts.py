"""What a picture's next sample is likely to depend on: exact pixels around it, its neighbours, predictions of it."""

import numpy as np
from numpy.typing import NDArray

from panini_daemon.compressors.contextmix.slots import hash_pair
from panini_daemon.compressors.images.graphics_contexts import expect
from panini_daemon.compressors.images.picture_surroundings import MEAN, NEAR, QUICK, WIDE, Predictions
from panini_daemon.compressors.kernels import unchecked_kernel

WHOLE = 10
"""How many contexts, the first, are of whole pixels."""
CONTEXTS = 25


@unchecked_kernel
def gather_pixels(pixels: NDArray[np.int64], at: int, stride: int, whole: NDArray[np.int64]) -> int:
    """Write into `whole` hashes of ever more pixels around pixel `at`, and of some pairs; return one of many."""
    west, north = int(pixels[at - 1]), int(pixels[at - stride])
    corner, east = int(pixels[at - stride - 1]), int(pixels[at - stride + 1])
    far, high = int(pixels[at - 2]), int(pixels[at - 2 * stride])
    whole[0] = 0
    whole[1] = west
    whole[2] = north
    whole[3] = hash_pair(west, north)
    whole[4] = hash_pair(int(whole[3]), corner)
    whole[5] = hash_pair(int(whole[4]), east)
    whole[6] = hash_pair(hash_pair(int(whole[5]), far), high)
    whole[7] = hash_pair(west, far)
    whole[8] = hash_pair(north, high)
    whole[9] = hash_pair(west, east)
    return hash_pair(int(whole[6]), hash_pair(int(pixels[at - 3]), int(pixels[at - 4])))


@unchecked_kernel
def fill_keys(
    keys: NDArray[np.int64],
    whole: NDArray[np.int64],
    found: Predictions,
    line: NDArray[np.int16],
    place: int,
    stride: int,
    step: int,
    shift: int,
    turn: int,
    before: int,
) -> int:
    """Write a key for each context of the sample at `place`, and return a number for the last refinement.

    `shift` leads to the channel coded before, or is 0; `before` is the pixel so far.
    """
    west, north = int(line[place - step]), int(line[place - stride])
    last, last_west, last_north, last_expected = 0, 0, 0, 0
    if shift:
        there = place + shift
        last = int(line[there])
        last_west, last_north = int(line[there - step]), int(line[there - stride])
        last_expected = expect(last_west, last_north, int(line[there - stride - step]))
    own = hash_pair(before, turn + 1)
    for number in range(WHOLE):
        keys[number] = hash_pair(int(whole[number]) + (number << 20), own)
    slope = expect(west, north, int(line[place - stride - step]))
    surprise = last - last_expected + 256
    near, wide = int(found.centres[NEAR]), int(found.centres[WIDE])
    quick, mean = int(found.centres[QUICK]), int(found.centres[MEAN])
    keys[10] = west << 8 | north
    keys[11] = slope << 10 | surprise
    keys[12] = (west + last - last_west + 512) << 8 | north >> 3
    keys[13] = (north + last - last_north + 512) << 8 | west >> 3
    keys[14] = (2 * west - int(line[place - 2 * step]) + 256) << 10 | surprise
    keys[15] = (2 * north - int(line[place - 2 * stride]) + 256) << 10 | surprise
    keys[16] = near >> 2
    keys[17] = (near >> 3) << 8 | west
    keys[18] = (near >> 3) << 10 | surprise
    keys[19] = wide >> 2
    keys[20] = (wide >> 3) << 8 | north
    keys[21] = (wide >> 3) << 8 | near >> 3
    keys[22] = quick >> 2
    keys[23] = mean >> 1
    keys[24] = (mean >> 2) << 4 | int(found.classes[MEAN])
    for number in range(WHOLE, CONTEXTS):
        keys[number] = hash_pair(number << 20 | turn, int(keys[number]))
    return hash_pair(slope << 3 | turn, surprise >> 3)
