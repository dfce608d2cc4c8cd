"""Coding bytes under contexts of their own choice: both directions are one loop, so that they cannot differ."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from panini_daemon.compressors.contextmix.coding import decode_bit, encode_bit, is_exhausted
from panini_daemon.compressors.contextmix.contexts import (
    KINDS,
    NOTES,
    byte_at,
    column_of,
    hash_contexts,
    note_follower,
    take_note,
)
from panini_daemon.compressors.contextmix.counters import LONGEST, make_counted, make_rates
from panini_daemon.compressors.contextmix.ensemble import BIAS, Ensemble, combine, learn, make_ensemble
from panini_daemon.compressors.contextmix.histories import make_chances, make_histories
from panini_daemon.compressors.contextmix.inputs import (
    PER_CONTEXT,
    count_known,
    fill_contexts,
    learn_byte,
    learn_contexts,
)
from panini_daemon.compressors.contextmix.logistic import make_stretch
from panini_daemon.compressors.contextmix.matching import (
    PER_MATCH,
    fill_match,
    find_match,
    learn_match,
    length_class,
)
from panini_daemon.compressors.contextmix.matching import CHANCES as MATCH_CHANCES
from panini_daemon.compressors.contextmix.slots import find_slot, hash_pair, make_slots
from panini_daemon.compressors.kernels import unchecked_kernel

SHORT, LONG = 5, 12
"""Bytes that a match of each of the two kinds has at least."""
_SLOWEST = 40
_RATE, _MORE, _HALF = 90, 300, 20000
"""The mixers' rate in the long run, what it is more at first, and bytes until that has halved."""


class Memory(NamedTuple):
    """All that is learned beside the ensemble, and the tables it is learned by."""

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
        short_match=np.zeros(2, np.int64),
        long_match=np.zeros(2, np.int64),
    )


def make_model(kinds: tuple[int, ...], slots_log: int, match_log: int) -> tuple[Memory, Ensemble]:
    """Make the memory and the ensemble for contexts `kinds`."""
    inputs = PER_CONTEXT * len(kinds) + 2 * PER_MATCH + 1
    return make_memory(np.array(kinds, np.int64), slots_log, match_log), make_ensemble(inputs)


@unchecked_kernel
def code_bytes(
    memory: Memory,
    ensemble: Ensemble,
    data: NDArray[np.uint8],
    stream: NDArray[np.uint8],
    coder: NDArray[np.int64],
    start: int,
    end: int,
    stride: int,
    decoding: bool,  # noqa: FBT001  a kernel's arguments have no names
) -> int:
    """Encode `data` from `start` to `end` to `stream`, or decode it from there; return where it ended.

    What comes before `start` was done with the same memory. `stride` is the length of a record, 1 or more. Decoding ends early where the stream has ended before. Raises
    IndexError where the stream to write is full.
    """
    slots = memory.slots
    contexts = memory.kinds.size
    keys, notes = np.zeros(KINDS, np.int64), memory.notes
    mine, firsts, halves = np.zeros(contexts, np.int64), np.zeros(contexts, np.int64), np.zeros(contexts, np.int64)
    run_places, sets = np.zeros(contexts, np.int64), np.zeros(6, np.int64)
    short, long = memory.short_match, memory.long_match
    short_learns, long_learns = np.zeros(2, np.int64), np.zeros(2, np.int64)
    base = PER_CONTEXT * contexts
    inputs = np.zeros(base + 7, np.int32)
    inputs[base + 6] = BIAS
    for at in range(start, end):
        byte = byte_at(data, at)
        if at > 0:
            take_note(notes, data, at)
            find_match(short, memory.short_places, data, at, SHORT)
            find_match(long, memory.long_places, data, at, LONG)
        short_kind, long_kind = length_class(int(short[1])), length_class(int(long[1]))
        short_byte = byte_at(data, int(short[0])) if short_kind > 0 else 0
        long_byte = byte_at(data, int(long[0])) if long_kind > 0 else 0
        expected = short_byte + 1 | short_kind << 9 if short_kind > 0 else 0
        hash_contexts(keys, notes, data, at, stride, expected, memory.followers)
        for which in range(contexts):
            kind = int(memory.kinds[which])
            mine[which] = hash_pair(int(keys[kind]), kind + 1)
            firsts[which] = find_slot(slots, int(mine[which]))
            halves[which] = firsts[which]
        last, before = byte_at(data, at - 1), byte_at(data, at - 2)
        known = count_known(slots, firsts)
        sets[2] = 384 + last
        sets[4] = 768 + ((at % stride if stride > 1 else column_of(notes, at)) & 255)
        sets[5] = 1024 + (int(notes[5]) & 511)
        rate = _RATE + _MORE * _HALF // (_HALF + at)
        partial = 1
        node = 1
        for number in range(8):
            if number == 4:
                node = 1
                for which in range(contexts):
                    halves[which] = find_slot(slots, hash_pair(int(mine[which]), partial + 1000))
            fill_contexts(
                inputs, slots, halves, firsts, memory.histories, memory.runs, run_places, memory.unanimous,
                memory.stretch, partial, number, node,
            )  # fmt: skip
            short_agrees = fill_match(
                inputs, base, memory.short, short_learns, short_byte, short_kind, partial, number, memory.stretch
            )
            long_agrees = fill_match(
                inputs, base + 3, memory.long, long_learns, long_byte, long_kind, partial, number, memory.stretch
            )
            sets[0] = (short_kind << 3 if short_agrees else 0) | number
            sets[1] = 128 + partial
            sets[3] = 640 + (known << 4 | (long_kind if long_agrees else 0))
            chance = combine(ensemble, inputs, sets, partial, last, before)
            if decoding:
                bit = decode_bit(coder, stream, chance)
            else:
                bit = byte >> (7 - number) & 1
                encode_bit(coder, stream, bit, chance)
            learn(ensemble, inputs, bit, rate)
            learn_contexts(
                slots, halves, memory.histories, memory.runs, run_places, memory.follow, memory.speeds, memory.rates,
                node, bit,
            )  # fmt: skip
            if short_agrees:
                learn_match(memory.short, short_learns, bit, memory.rates)
            if long_agrees:
                learn_match(memory.long, long_learns, bit, memory.rates)
            partial = partial << 1 | bit
            node = node << 1 | bit
        byte = partial & 255
        data[at] = byte
        note_follower(memory.followers, data, at)
        learn_byte(slots, firsts, halves, byte)
        if decoding and is_exhausted(coder, stream):
            return at
    return end


def _lean_chances() -> NDArray[np.int64]:
    """Return first guesses by length and expected bit: 16000 / (length + 1) of 65536 that it fails."""
    fails = 16000 // (np.arange(16, dtype=np.int64) + 1)
    return np.stack([fails, 65536 - fails], axis=1).reshape(-1)


def _match_chances() -> NDArray[np.int64]:
    """Return those, then first guesses by expected byte and bit number: 5536 of 65536 that it fails."""
    bits = np.arange(256)[:, None] >> (7 - np.arange(8)) & 1
    made = np.concatenate([_lean_chances(), np.where(bits, 60000, 5536).reshape(-1)])
    if made.size != MATCH_CHANCES or LONGEST < 255:
        raise AssertionError("a match's chances are not as matching.py lays them out")
    return made
