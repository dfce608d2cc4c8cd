"""Coding bytes under contexts of their own choice: both directions are one loop, so that they cannot differ."""

import numpy as np
from numpy.typing import NDArray

from panini_daemon.compressors.contextmix.coding import decode_bit, encode_bit, is_exhausted
from panini_daemon.compressors.contextmix.contexts import CODE_KINDS, KINDS, hash_contexts
from panini_daemon.compressors.contextmix.ensemble import BIAS, LANES, MIXERS, Ensemble, combine, learn, make_ensemble
from panini_daemon.compressors.contextmix.inputs import (
    PER_CONTEXT,
    count_known,
    fill_contexts,
    learn_byte,
    learn_contexts,
)
from panini_daemon.compressors.contextmix.instructions import (
    hash_instructions,
    place_in_instruction,
    read_instruction,
)
from panini_daemon.compressors.contextmix.matching import (
    PER_MATCH,
    fill_match,
    find_match,
    learn_match,
    length_class,
)
from panini_daemon.compressors.contextmix.memory import Memory, make_memory
from panini_daemon.compressors.contextmix.notes import SHAPE, byte_at, column_of, note_follower, take_note
from panini_daemon.compressors.contextmix.slots import find_slot, hash_pair
from panini_daemon.compressors.kernels import unchecked_kernel

SHORT, LONG = 5, 12
"""Bytes that a match of each of the two kinds has at least."""
_RATE, _MORE, _HALF = 60, 300, 20000
"""The mixers' rate in the long run, what it is more at first, and bytes until that has halved."""


def make_model(kinds: tuple[int, ...], slots_log: int, match_log: int) -> tuple[Memory, Ensemble]:
    """Make the memory and the ensemble for contexts `kinds`."""
    memory = make_memory(np.array(kinds, np.int64), slots_log, match_log)
    return memory, make_ensemble(len(kinds), 2 * PER_MATCH + 1)


@unchecked_kernel
def code_bytes(  # noqa: C901, PLR0912, PLR0915  one loop, for both directions
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

    What comes before `start` was done with the same memory. `stride` is the length of a record, 1 or more.
    Decoding ends early where the stream has ended before. Raises IndexError where the stream to write is full.

    No index needs a check: slots, contexts and weights are masked, matches and contexts look back only.
    """
    # each look into a tuple of arrays counts references; from here on there are none
    slots, kinds, histories, runs = memory.slots, memory.kinds, memory.histories, memory.runs
    short_chances, long_chances = memory.short, memory.long
    short_places, long_places, followers = memory.short_places, memory.long_places, memory.followers
    follow, unanimous, speeds = memory.follow, memory.unanimous, memory.speeds
    stretch, rates = memory.stretch, memory.rates
    opcodes, instruction = memory.opcodes, memory.instruction
    weights, final, refinements, table = ensemble.weights, ensemble.final, ensemble.refinements, ensemble.squash
    odds, chances, chosen = ensemble.odds, ensemble.chances, ensemble.chosen
    contexts = kinds.size
    code = False
    for which in range(contexts):
        code = code or int(kinds[which]) >= CODE_KINDS
    keys, notes = np.zeros(KINDS, np.int64), memory.notes
    mine, firsts, halves = np.zeros(contexts, np.int64), np.zeros(contexts, np.int64), np.zeros(contexts, np.int64)
    run_places, sets = np.zeros(contexts, np.int64), np.zeros(MIXERS, np.int64)
    short, long = memory.short_match, memory.long_match
    short_learns, long_learns = np.zeros(2, np.int64), np.zeros(2, np.int64)
    base = PER_CONTEXT * contexts
    inputs = np.zeros((base + 6) // LANES * LANES + LANES, np.int32)
    inputs[base + 6] = BIAS
    for at in range(start, end):
        byte = byte_at(data, at)
        if at > 0:
            take_note(notes, data, at)
            if code:
                read_instruction(instruction, opcodes, byte_at(data, at - 1))
            find_match(short, short_places, data, at, SHORT)
            find_match(long, long_places, data, at, LONG)
        short_kind, long_kind = length_class(int(short[1])), length_class(int(long[1]))
        short_byte = byte_at(data, int(short[0])) if short_kind > 0 else 0
        long_byte = byte_at(data, int(long[0])) if long_kind > 0 else 0
        expected = short_byte + 1 | short_kind << 9 if short_kind > 0 else 0
        hash_contexts(keys, notes, data, at, stride, expected, followers)
        place = at % stride if stride > 1 else column_of(notes, at)
        if code:
            hash_instructions(keys, instruction, data, at)
            place = place_in_instruction(instruction)
        for which in range(contexts):
            kind = int(kinds[which])
            mine[which] = hash_pair(int(keys[kind]), kind + 1)
            firsts[which] = find_slot(slots, int(mine[which]))
            halves[which] = firsts[which]
        last, before = byte_at(data, at - 1), byte_at(data, at - 2)
        known = count_known(slots, firsts)
        sets[2] = 384 + last
        sets[4] = 768 + (place & 255)
        sets[5] = 1024 + (int(notes[SHAPE]) & 511)
        sets[6] = 1536 + before
        sets[7] = 1792 + (int(notes[SHAPE]) >> 9 & 511)
        sets[8] = 2304 + byte_at(data, at - 3)
        rate = _RATE + _MORE * _HALF // (_HALF + at)
        partial = 1
        node = 1
        for number in range(8):
            if number == 4:
                node = 1
                for which in range(contexts):
                    halves[which] = find_slot(slots, hash_pair(int(mine[which]), partial + 1000))
            fill_contexts(
                inputs, slots, halves, firsts, histories, runs, run_places, unanimous, stretch, partial, number, node
            )
            short_agrees = fill_match(
                inputs, base, short_chances, short_learns, short_byte, short_kind, partial, number, stretch
            )
            long_agrees = fill_match(
                inputs, base + 3, long_chances, long_learns, long_byte, long_kind, partial, number, stretch
            )
            sets[0] = (short_kind << 3 if short_agrees else 0) | number
            sets[1] = 128 + partial
            sets[3] = 640 + (known << 4 | (long_kind if long_agrees else 0))
            chance = combine(
                weights, final, refinements, table, odds, chances, chosen, inputs, sets, partial, last, before
            )
            if decoding:
                bit = decode_bit(coder, stream, chance)
            else:
                bit = byte >> (7 - number) & 1
                encode_bit(coder, stream, bit, chance)
            learn(weights, final, refinements, odds, chances, chosen, inputs, bit, rate)
            learn_contexts(slots, halves, histories, runs, run_places, follow, speeds, rates, node, bit)
            if short_agrees:
                learn_match(short_chances, short_learns, bit, rates)
            if long_agrees:
                learn_match(long_chances, long_learns, bit, rates)
            partial = partial << 1 | bit
            node = node << 1 | bit
        byte = partial & 255
        data[at] = byte
        note_follower(followers, data, at)
        learn_byte(slots, firsts, halves, byte)
        if decoding and is_exhausted(coder, stream):
            return at
    return end
