"""What each context says of the next bit: four inputs of the mixer, and how they learn.

A context's slot has, for each node of a tree of four bits, a chance and a history. Its inputs are what bits came
after like histories; the chance; the first once more where only ones or only zeros were seen, so that such
certainty has a weight of its own; and what came after like runs of the same byte.
"""

import numpy as np
from numpy.typing import NDArray

from panini_daemon.compressors.contextmix.counters import counted_learn
from panini_daemon.compressors.contextmix.logistic import stretch
from panini_daemon.compressors.kernels import unchecked_kernel

PER_CONTEXT = 4
CHANCES, HISTORIES = 1, 16
"""Where a slot's words of node 1 are, less one: 15 chances (with the highest bit turned), 15 histories."""
RUN = 1
"""A slot's word: the last byte above; then how often the slot was used and how long the run is, 0 to 15 each."""


@unchecked_kernel
def fill_contexts(
    inputs: NDArray[np.int32],
    slots: NDArray[np.uint16],
    halves: NDArray[np.int64],
    firsts: NDArray[np.int64],
    histories: NDArray[np.int32],
    runs: NDArray[np.int32],
    run_places: NDArray[np.int64],
    unanimous: NDArray[np.uint8],
    table: NDArray[np.int16],
    partial: int,
    number: int,
    node: int,
) -> None:
    """Fill in the inputs of all contexts for bit `number` of a byte.

    `halves` are the slots of this half of the byte, `firsts` those of its first; `partial` is a one and the bits
    so far, `node` a one and those of this half. `run_places` takes what learns of runs.
    """
    for at in range(halves.size):
        slot = int(halves[at])
        known = int(np.int64(slots[slot + 16 + node]))
        first = PER_CONTEXT * at
        if known == 0:
            inputs[first] = 0
            inputs[first + 1] = 0
            inputs[first + 2] = 0
        else:
            odds = stretch(table, int(histories[at << 8 | known]) >> 15)
            inputs[first] = odds
            inputs[first + 1] = stretch(table, int(np.int64(slots[slot + 1 + node])) ^ 0x8000)
            inputs[first + 2] = odds if unanimous[known] else 0
        run = int(np.int64(slots[int(firsts[at]) + RUN]))
        last = run >> 8
        if run & 15 > 0 and (last | 256) >> (8 - number) == partial:
            place = at << 5 | (run & 15) << 1 | last >> (7 - number) & 1
            run_places[at] = place
            inputs[first + 3] = stretch(table, int(runs[place]) >> 15)
        else:
            run_places[at] = -1
            inputs[first + 3] = 0


@unchecked_kernel
def learn_contexts(
    slots: NDArray[np.uint16],
    halves: NDArray[np.int64],
    histories: NDArray[np.int32],
    runs: NDArray[np.int32],
    run_places: NDArray[np.int64],
    follow: NDArray[np.uint8],
    speeds: NDArray[np.int32],
    rates: NDArray[np.int32],
    node: int,
    bit: int,
) -> None:
    """Tell all contexts which bit came."""
    for at in range(halves.size):
        slot = int(halves[at])
        known = int(np.int64(slots[slot + 16 + node]))
        counted_learn(histories, at << 8 | known, bit, 400, rates)
        chance = int(np.int64(slots[slot + 1 + node])) ^ 0x8000
        speed = int(speeds[known])
        if bit:
            chance += (65536 - chance) * speed >> 16
        else:
            chance -= chance * speed >> 16
        slots[slot + 1 + node] = chance ^ 0x8000
        slots[slot + 16 + node] = follow[2 * known + bit]
        if run_places[at] >= 0:
            counted_learn(runs, int(run_places[at]), bit, 255, rates)


@unchecked_kernel
def learn_byte(slots: NDArray[np.uint16], firsts: NDArray[np.int64], halves: NDArray[np.int64], byte: int) -> None:
    """Tell all contexts which byte came: the runs of the first half's slots, and the uses of both."""
    for at in range(firsts.size):
        slot = int(firsts[at])
        run = int(np.int64(slots[slot + RUN]))
        uses = min((run >> 4 & 15) + 1, 15)
        length = min((run & 15) + 1, 15) if run & 15 > 0 and run >> 8 == byte else 1
        slots[slot + RUN] = byte << 8 | uses << 4 | length
        slot = int(halves[at])
        slots[slot + RUN] = min(int(np.int64(slots[slot + RUN])) + 16, 240)


@unchecked_kernel
def count_known(slots: NDArray[np.uint16], firsts: NDArray[np.int64]) -> int:
    """Return how many of the contexts were seen before, in eighths, 0 to 7."""
    known = 0
    for at in range(firsts.size):
        if int(np.int64(slots[int(firsts[at]) + RUN])) & 15 > 0:
            known += 1
    return min(known * 8 // firsts.size, 7)
