"""Kernels that write the Huffman codes of a scan, as libjpeg chooses them (ITU-T T.81, F.1.2 and G.1.2).

All take the blocks in the order of `traversal`, tables of `tables.build_encoders`, the coefficients of `reading`, the
padding bits of each restart interval, and how many intervals are whole. Data without stuffing go to `out`, where each
whole interval ends to `ends`; they return where the last byte that is full ends. An IndexError says that `out` is
full, a ValueError that a table has no code for what is to be written.
"""

import numpy as np
from numpy.typing import NDArray

from panini_daemon.compressors.jpeg.reading import Bytes, Coefficients, Ints
from panini_daemon.compressors.jpeg.tables import SLOTS
from panini_daemon.compressors.kernels import kernel

State = NDArray[np.int64]
"""Bits not yet written; how many; where the next byte goes."""
_LONGEST_RUN, _MOST_CORRECTIONS = 0x7FFF, 937


@kernel
def put(out: Bytes, state: State, bits: int, size: int) -> None:
    """Write the lower `size` bits, 16 at most."""
    held = state[0] << size | (bits & ((1 << size) - 1))
    count, at = state[1] + size, state[2]
    while count >= 8:
        count -= 8
        out[at] = (held >> count) & 255
        at += 1
        held &= (1 << count) - 1
    state[0], state[1], state[2] = held, count, at


@kernel
def put_code(out: Bytes, state: State, table: Ints, symbol: int) -> None:
    """Write a symbol. Raises ValueError."""
    entry = int(table[symbol])
    if entry == 0:
        raise ValueError("no code for a symbol")
    put(out, state, entry & 0xFFFF, entry >> 16)


@kernel
def pad(out: Bytes, state: State, bits: int) -> None:
    """Fill the last byte."""
    if state[1]:
        put(out, state, bits, 8 - state[1])


@kernel
def measure(value: int) -> int:
    """Return how many bits the magnitude takes."""
    value, size = abs(value), 0
    while value:
        value >>= 1
        size += 1
    return size


@kernel
def put_value(out: Bytes, state: State, value: int, size: int) -> None:
    """Write a value of `size` bits: of a negative one, its bits less one."""
    put(out, state, value if value >= 0 else value - 1, size)


@kernel
def write_sequential(
    order: Ints,
    slots: Ints,
    tables: Ints,
    interval: int,
    coefficients: Coefficients,
    pads: Bytes,
    whole: int,
    out: Bytes,
    ends: Ints,
) -> int:
    """Write a scan of all coefficients."""
    state = np.zeros(3, np.int64)
    previous = np.zeros(4, np.int64)
    done = 0
    for part in range(whole + 1):
        last = order.shape[0]
        if interval and done + interval < last:
            last = done + interval
        previous[:] = 0
        while done < last:
            for place in range(order.shape[1]):
                slot = slots[place]
                row = coefficients[order[done, place]]
                change = row[0] - previous[slot]
                previous[slot] = row[0]
                size = measure(change)
                put_code(out, state, tables[slot], size)
                put_value(out, state, change, size)
                write_block(out, state, tables[SLOTS // 2 + slot], row)
            done += 1
        if part < whole:
            pad(out, state, pads[part])
            ends[part] = state[2]
    return int(state[2])


@kernel
def write_block(out: Bytes, state: State, table: Ints, row: NDArray[np.int16]) -> None:
    """Write the 63 coefficients behind a block's first."""
    zeros = 0
    for k in range(1, 64):
        value = int(row[k])
        if value == 0:
            zeros += 1
            continue
        while zeros > 15:
            put_code(out, state, table, 0xF0)
            zeros -= 16
        size = measure(value)
        put_code(out, state, table, (zeros << 4 | size) & 255)
        put_value(out, state, value, size)
        zeros = 0
    if zeros:
        put_code(out, state, table, 0)


@kernel
def write_dc(
    order: Ints,
    slots: Ints,
    tables: Ints,
    interval: int,
    low: int,
    refining: bool,
    coefficients: Coefficients,
    pads: Bytes,
    whole: int,
    out: Bytes,
    ends: Ints,
) -> int:
    """Write a progressive scan of first coefficients from bit `low` up, or that bit alone."""
    state = np.zeros(3, np.int64)
    previous = np.zeros(4, np.int64)
    done = 0
    for part in range(whole):
        last = order.shape[0]
        if interval and done + interval < last:
            last = done + interval
        previous[:] = 0
        while done < last:
            for place in range(order.shape[1]):
                slot = slots[place]
                value = int(coefficients[order[done, place], 0]) >> low
                if refining:
                    put(out, state, value, 1)
                    continue
                change = value - previous[slot]
                previous[slot] = value
                size = measure(change)
                put_code(out, state, tables[slot], size)
                put_value(out, state, change, size)
            done += 1
        pad(out, state, pads[part])
        ends[part] = state[2]
    return int(state[2])


@kernel
def write_ac(
    order: Ints,
    table: Ints,
    interval: int,
    band: tuple[int, int, int],
    refining: bool,
    coefficients: Coefficients,
    pads: Bytes,
    whole: int,
    exceptions: Ints,
    actual: Ints,
    out: Bytes,
    ends: Ints,
) -> int:
    """Write a progressive scan of coefficients `band[0]` to `band[1]` from bit `band[2]` up, or that bit alone.

    `exceptions`, shape (count, 2), are the runs of ended blocks, by number, that end elsewhere than libjpeg would end
    them, and their lengths. Where `actual` holds the lengths of all runs, these are followed, `exceptions` is filled
    with what it must say, and its last row takes their count.
    """
    first, final, low = band
    state = np.zeros(3, np.int64)
    bits = np.empty(_LONGEST_RUN * 64, np.uint8)  # corrections that wait for the end of the run
    run = np.zeros(4, np.int64)  # its length, its corrections, its number, the exceptions so far
    done = 0
    for part in range(whole):
        last = order.shape[0]
        if interval and done + interval < last:
            last = done + interval
        while done < last:
            row = coefficients[order[done, 0]]
            latest = 0
            if refining:
                for k in range(first, final + 1):
                    if abs(int(row[k])) >> low == 1:
                        latest = k
            zeros, held = 0, run[1]
            for k in range(first, final + 1):
                value = int(row[k])
                size = abs(value) >> low
                if size == 0:
                    zeros += 1
                    continue
                if not refining or k <= latest:
                    while zeros > 15:
                        held = end_run(out, state, table, bits, run, held)
                        put_code(out, state, table, 0xF0)
                        held = put_corrections(out, state, bits, held)
                        zeros -= 16
                if refining and size > 1:
                    bits[held] = size & 1
                    held += 1
                    continue
                held = end_run(out, state, table, bits, run, held)
                length = 1 if refining else measure(size)
                put_code(out, state, table, (zeros << 4 | length) & 255)
                put_value(out, state, size if value > 0 else -size, length)
                held = put_corrections(out, state, bits, held)
                zeros = 0
            if zeros or held > run[1]:
                if is_full(run, exceptions, actual):
                    held = end_run(out, state, table, bits, run, held)
                run[0] += 1
                run[1] = held
            done += 1
        end_run(out, state, table, bits, run, run[1])
        pad(out, state, pads[part])
        ends[part] = state[2]
    return int(state[2])


@kernel
def is_full(run: State, exceptions: Ints, actual: Ints) -> bool:
    """Tell whether a run ends before a block that it could take in."""
    full = bool(run[0] >= _LONGEST_RUN or run[1] > _MOST_CORRECTIONS)
    if actual.shape[0]:
        ended = bool(run[0] == actual[run[2]]) and run[0] > 0
        at = run[3]
        if ended != full and (at == 0 or exceptions[at - 1, 0] != run[2]):
            exceptions[at, 0], exceptions[at, 1] = run[2], actual[run[2]]
            run[3] += 1
            exceptions[exceptions.shape[0] - 1, 0] = run[3]
        return ended
    if run[3] < exceptions.shape[0] and exceptions[run[3], 0] < run[2]:
        run[3] += 1
    if run[3] < exceptions.shape[0] and exceptions[run[3], 0] == run[2]:
        return bool(run[0] >= min(exceptions[run[3], 1], _LONGEST_RUN))
    return full


@kernel
def end_run(out: Bytes, state: State, table: Ints, bits: Bytes, run: State, held: int) -> int:
    """Write the run of ended blocks and its corrections, if there is one; return how many corrections still wait.

    `held` corrections wait, `run[1]` of them belong to the run.
    """
    if run[0] == 0:
        return held
    size = measure(run[0]) - 1
    put_code(out, state, table, size << 4)
    put(out, state, run[0], size)
    mine = run[1]
    for at in range(mine):
        put(out, state, int(bits[at]), 1)
    for at in range(mine, held):
        bits[at - mine] = bits[at]
    run[0], run[1] = 0, 0
    run[2] += 1
    return int(held - mine)


@kernel
def put_corrections(out: Bytes, state: State, bits: Bytes, held: int) -> int:
    """Write the corrections of a coefficient's block that stand before it; return that none wait."""
    for at in range(held):
        put(out, state, int(bits[at]), 1)
    return 0
