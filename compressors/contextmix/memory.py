"""What a model of bytes learns beside the mixers' weights, and the tables it learns by."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from panini_daemon.compressors.contextmix.counters import make_counted, make_rates
from panini_daemon.compressors.contextmix.histories import make_chances, make_histories
from panini_daemon.compressors.contextmix.instructions import INSTRUCTION_NOTES, make_opcodes
from panini_daemon.compressors.contextmix.logistic import make_stretch
from panini_daemon.compressors.contextmix.notes import NOTES
from panini_daemon.compressors.contextmix.slots import make_slots

_SLOWEST = 40
"""A slot's chance moves by at least 1 / 40 of the way."""


class Memory(NamedTuple):
    """Arrays that `code_bytes` changes as it goes, and constant tables.

    `kinds` are the contexts; `histories` and `runs` have 256 and 32 counted chances for each; `short` and `long`
    what matches of both kinds are worth, `_places` where bytes stood last, `_match` where a match is and its length.
    """

    kinds: NDArray[np.int64]
    slots: NDArray[np.uint16]
    histories: NDArray[np.int32]
    runs: NDArray[np.int32]
    short: NDArray[np.int32]
    long: NDArray[np.int32]
    short_places: NDArray[np.int32]
    long_places: NDArray[np.int32]
    followers: NDArray[np.int64]
    follow: NDArray[np.uint8]
    unanimous: NDArray[np.uint8]
    speeds: NDArray[np.int32]
    stretch: NDArray[np.int16]
    rates: NDArray[np.int32]
    notes: NDArray[np.int64]
    opcodes: NDArray[np.int64]
    instruction: NDArray[np.int64]
    short_match: NDArray[np.int64]
    long_match: NDArray[np.int64]


def make_memory(kinds: NDArray[np.int64], slots_log: int, match_log: int) -> Memory:
    """Make the memory of contexts `kinds`, with 2**slots_log slots and 2**match_log places in each match's table."""
    made = make_histories()
    zeros, ones = made.zeros.astype(np.int64), made.ones.astype(np.int64)
    speeds = np.maximum(131072 // (2 * (zeros + ones) + 3), 65536 // _SLOWEST)
    speeds[0] = 32768
    return Memory(
        kinds=kinds,
        slots=make_slots(slots_log),
        histories=np.tile(make_counted(make_chances(made)), kinds.size),
        runs=np.tile(make_counted(_lean_chances()), kinds.size),
        short=make_counted(_match_chances()),
        long=make_counted(_match_chances()),
        short_places=np.zeros(1 << match_log, np.int32),
        long_places=np.zeros(1 << match_log, np.int32),
        followers=np.zeros(256 + (1 << 16), np.int64),
        follow=made.follow,
        unanimous=((zeros == 0) | (ones == 0)).astype(np.uint8),
        speeds=speeds.astype(np.int32),
        stretch=make_stretch(),
        rates=make_rates(),
        notes=np.zeros(NOTES, np.int64),
        opcodes=make_opcodes(),
        instruction=np.zeros(INSTRUCTION_NOTES, np.int64),
        short_match=np.zeros(2, np.int64),
        long_match=np.zeros(2, np.int64),
    )


def _lean_chances() -> NDArray[np.int64]:
    """Return first guesses by length and expected bit: 16000 / (length + 1) of 65536 that it fails."""
    fails = 16000 // (np.arange(16, dtype=np.int64) + 1)
    return np.stack([fails, 65536 - fails], axis=1).reshape(-1)


def _match_chances() -> NDArray[np.int64]:
    """Return those, then first guesses by expected byte and bit number: 5536 of 65536 that it fails."""
    bits = np.arange(256)[:, None] >> (7 - np.arange(8)) & 1
    return np.concatenate([_lean_chances(), np.where(bits, 60000, 5536).reshape(-1)])
