"""Coding a dynamic block's table as far as it differs from the one that zlib would make of the block's tokens."""

import numpy as np

from panini_daemon.compressors.deflate.choices import code_bit, code_symbol
from panini_daemon.compressors.deflate.tables import (
    DISTANCES,
    H_COUNT,
    H_DISTANCES,
    H_LENGTHS,
    H_LITERALS,
    H_MOST,
    H_SENT,
    H_STEPS,
    LITERALS,
    SENT_BASE,
    Bytes,
    Ints,
    Longs,
)
from panini_daemon.compressors.deflate.trees import count_sent, list_steps, make_sent_lengths
from panini_daemon.compressors.kernels import kernel

_SAME, _STEPS_SAME, _SENT_SAME, _COUNT_SAME, _SINGLE = range(5)
_LITERALS = 8
_DISTANCES = _LITERALS + 512
_COUNTS = _DISTANCES + 32
_LENGTHS = _COUNTS + 32
_RUNS = _LENGTHS + 2 * 16 * 16
_REPEATS = _RUNS + 4
_SENT = _REPEATS + 3 * 128
CHANCES = _SENT + 8 * 8
"""Chances that coding a table takes."""


@kernel
def code_header(
    coder: Longs, data: Bytes, chances: Longs, place: int, told: Ints, told_lengths: Ints, header: Ints, lengths: Ints,
    writing: bool,
) -> bool:  # fmt: skip
    """Code `header` and the lengths of its codes, where zlib would have made `told` and `told_lengths`.

    In reading both are filled. False where what was read is no table.
    """
    if writing:
        read_lengths(header, lengths)
    same = 1 if writing and _are_same(told, header) else 0
    if code_bit(coder, data, chances, place + _SAME, same, writing):
        if not writing:
            header[:] = told
            lengths[:] = told_lengths
        return True
    literals = code_symbol(coder, data, chances, place + _LITERALS, int(header[H_LITERALS]) - 257, 5, writing) + 257
    distances = code_symbol(coder, data, chances, place + _DISTANCES, int(header[H_DISTANCES]) - 1, 5, writing) + 1
    if literals > LITERALS or distances > DISTANCES:
        return False
    header[H_LITERALS], header[H_DISTANCES] = literals, distances
    for at in range(literals + distances):
        second = 1 if at >= literals else 0
        symbol = at - literals if second else at
        near = 0
        if second and symbol < int(told[H_DISTANCES]):
            near = int(told_lengths[int(told[H_LITERALS]) + symbol])
        elif not second and symbol < int(told[H_LITERALS]):
            near = int(told_lengths[symbol])
        context = place + _LENGTHS + 16 * (16 * second + near)
        lengths[at] = code_symbol(coder, data, chances, context, int(lengths[at]), 4, writing)
    return _code_steps(coder, data, chances, place, header, lengths, writing)


@kernel
def _code_steps(
    coder: Longs,
    data: Bytes,
    chances: Longs,
    place: int,
    header: Ints,
    lengths: Ints,
    writing: bool,
) -> bool:
    """Code how the lengths are sent, and the code for that."""
    literals, distances = int(header[H_LITERALS]), int(header[H_DISTANCES])
    usual = np.zeros(H_MOST, np.int32)
    count = list_steps(lengths[:literals], literals, usual[H_STEPS:], 0)
    count = list_steps(lengths[literals : literals + distances], distances, usual[H_STEPS:], count)
    same = 1
    if writing:
        same = 1 if int(header[H_COUNT]) == count else 0
        for at in range(count if same else 0):
            if header[H_STEPS + at] != usual[H_STEPS + at]:
                same = 0
    if code_bit(coder, data, chances, place + _STEPS_SAME, same, writing):
        header[H_COUNT] = count
        header[H_STEPS : H_STEPS + count] = usual[H_STEPS : H_STEPS + count]
    elif not _code_each_step(coder, data, chances, place, header, lengths, writing):
        return False
    make_sent_lengths(header[H_STEPS:], int(header[H_COUNT]), usual[H_LENGTHS:H_COUNT])
    same = 1
    for at in range(H_LENGTHS, H_COUNT):
        if writing and header[at] != usual[at]:
            same = 0
    if code_bit(coder, data, chances, place + _SENT_SAME, same, writing):
        header[H_LENGTHS:H_COUNT] = usual[H_LENGTHS:H_COUNT]
    else:
        for at in range(H_LENGTHS, H_COUNT):
            context = place + _SENT + 8 * int(usual[at])
            header[at] = code_symbol(coder, data, chances, context, int(header[at]), 3, writing)
    sent = count_sent(header[H_LENGTHS:H_COUNT])
    same = 1 if int(header[H_SENT]) == sent else 0
    if code_bit(coder, data, chances, place + _COUNT_SAME, same, writing):
        header[H_SENT] = sent
    else:
        header[H_SENT] = code_symbol(coder, data, chances, place + _COUNTS, int(header[H_SENT]) - 4, 4, writing) + 4
    return bool(header[H_SENT] <= 19)


@kernel
def _code_each_step(
    coder: Longs,
    data: Bytes,
    chances: Longs,
    place: int,
    header: Ints,
    lengths: Ints,
    writing: bool,
) -> bool:
    """Code the steps one by one; each must agree with the lengths."""
    total = int(header[H_LITERALS]) + int(header[H_DISTANCES])
    done, count = 0, 0
    while done < total:
        step = int(header[H_STEPS + count])
        symbol = step & 31
        kind = max(symbol - 15, 0)
        kind = code_symbol(coder, data, chances, place + _RUNS, kind, 2, writing)
        if kind:
            repeat = code_symbol(coder, data, chances, place + _REPEATS + 128 * (kind - 1), step >> 5, 7, writing)
            if (kind == 1 and (repeat > 3 or not done)) or (kind == 2 and repeat > 7):
                return False
            run = int(SENT_BASE[15 + kind]) + repeat
            if done + run > total:
                return False
            value = int(lengths[done - 1]) if kind == 1 else 0
            for at in range(done, done + run):
                if lengths[at] != value:
                    return False
            header[H_STEPS + count] = 15 + kind | repeat << 5
            done += run
        else:
            header[H_STEPS + count] = lengths[done]
            done += 1
        count += 1
    header[H_COUNT] = count
    return True


@kernel
def read_lengths(header: Ints, lengths: Ints) -> None:
    """Fill the code lengths that a table's steps send."""
    done = 0
    for at in range(int(header[H_COUNT])):
        step = int(header[H_STEPS + at])
        symbol = step & 31
        run = int(SENT_BASE[symbol]) + (step >> 5)
        value = symbol
        if symbol == 16:
            value = int(lengths[done - 1])
        elif symbol > 16:
            value = 0
        lengths[done : done + run] = value
        done += run


@kernel
def _are_same(one: Ints, other: Ints) -> bool:
    for at in range(H_STEPS + int(one[H_COUNT])):
        if one[at] != other[at]:
            return False
    return True
