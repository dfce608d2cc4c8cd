"""What contexts, each found by a hash, know of the next bit: a chance with a count, and a history.

They have both for each node of a tree of four bits. A chance's word is 16 times a chance of 4096 plus the bits seen,
at most 15.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from panini_daemon.compressors.contextmix.counters import counted_chance, counted_learn, make_counted, make_rates
from panini_daemon.compressors.contextmix.histories import make_chances, make_histories
from panini_daemon.compressors.contextmix.logistic import make_stretch, stretch
from panini_daemon.compressors.contextmix.slots import find_slot, hash_pair, make_slots
from panini_daemon.compressors.kernels import unchecked_kernel

_HISTORY_LIMIT = 255


class ContextMemory(NamedTuple):
    """Slots that all contexts share, and for each context what came of its histories."""

    slots: NDArray[np.uint16]
    histories: NDArray[np.int32]
    follow: NDArray[np.uint8]
    stretch: NDArray[np.int16]
    rates: NDArray[np.int32]
    steps: NDArray[np.int64]


def make_context_memory(contexts: int, log: int) -> ContextMemory:
    """Make a memory of so many contexts that has seen nothing, with 2**log slots."""
    machine = make_histories()
    return ContextMemory(
        slots=make_slots(log),
        histories=make_counted(np.tile(make_chances(machine), contexts)),
        follow=machine.follow,
        stretch=make_stretch(),
        rates=make_rates(),
        steps=np.array([65536 * 2 // (2 * seen + 3) for seen in range(16)], np.int64),
    )


@unchecked_kernel
def find_contexts(memory: ContextMemory, keys: NDArray[np.int64], tree: int, places: NDArray[np.int64]) -> None:
    """Write each context's slot into `places`, by its key and, where `tree` is not 1, the bits so far."""
    slots = memory.slots
    for number in range(keys.size):
        key = int(keys[number])
        home = find_slot(slots, key if tree == 1 else hash_pair(key, tree))
        places[number] = home
        worth = int(slots[home + 1])
        if worth < 255:
            slots[home + 1] = worth + 1


@unchecked_kernel
def ask_contexts(memory: ContextMemory, places: NDArray[np.int64], node: int, inputs: NDArray[np.int32]) -> None:
    """Write two inputs for each context, of its history and of its chance; `node` is 1 to 15 in the slots' tree."""
    slots = memory.slots
    for number in range(places.size):
        place = int(places[number]) + 2 * node
        word, state = _read(slots, place), _read(slots, place + 1)
        seen = word & 15
        sure = stretch(memory.stretch, word & 0xFFF0) if seen else 0
        if state:
            inputs[2 * number] = stretch(memory.stretch, counted_chance(memory.histories, number << 8 | state))
        else:
            inputs[2 * number] = 0
        inputs[2 * number + 1] = sure * min(seen + 1, 8) >> 3


@unchecked_kernel
def teach_contexts(memory: ContextMemory, places: NDArray[np.int64], node: int, bit: int) -> None:
    """Teach each context what came."""
    slots = memory.slots
    for number in range(places.size):
        place = int(places[number]) + 2 * node
        word, state = _read(slots, place), _read(slots, place + 1)
        if state:
            counted_learn(memory.histories, number << 8 | state, bit, _HISTORY_LIMIT, memory.rates)
        slots[place + 1] = int(memory.follow[2 * state + bit])
        seen = word & 15
        chance = word >> 4 if seen else 2048
        if bit:
            chance += (4095 - chance) * int(memory.steps[seen]) >> 16
        else:
            chance -= chance * int(memory.steps[seen]) >> 16
        slots[place] = chance << 4 | min(seen + 1, 15)


@unchecked_kernel
def _read(words: NDArray[np.uint16], place: int) -> int:
    """Read a word as a signed number, which the compiler would not take it for."""
    return int(np.int64(words[place]))
