"""Kernels that decode the Huffman codes of a scan (ITU-T T.81, F.2 and G.2).

All take the scan's data without stuffing, the `ends` of its restart intervals in them, the blocks in the order of
`traversal`, and tables of `tables.build_decoders`. `coefficients` has shape (blocks, 64), in zigzag order. They stop
at the first thing that `writing` would not write so.
"""

import numpy as np
from numpy.typing import NDArray

from panini_daemon.compressors.jpeg.tables import SLOTS
from panini_daemon.compressors.kernels import kernel

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int32]
Coefficients = NDArray[np.int16]


@kernel
def peek(data: Bytes, bit: int, end: int) -> int:
    """Return the 16 bits at `bit`, with zeros behind the end."""
    at = bit >> 3
    value = 0
    for ahead in range(3):
        value = value << 8
        if at + ahead < end:
            value |= int(data[at + ahead])
    return (value >> (8 - (bit & 7))) & 0xFFFF


@kernel
def extend(bits: int, size: int) -> int:
    """Return the value that `size` bits stand for: those that begin with 0 are negative."""
    return bits if size == 0 or bits >> (size - 1) else bits - (1 << size) + 1


@kernel
def read_sequential(
    data: Bytes,
    ends: Ints,
    order: Ints,
    slots: Ints,
    tables: Ints,
    interval: int,
    coefficients: Coefficients,
    pads: Ints,
) -> tuple[int, int, int]:
    """Decode a scan of all coefficients.

    Returns how many MCUs are whole, the bit at which the next would begin, and how many intervals are whole.
    `pads` takes the padding of each of these: the number of its bits << 8 | bits.
    """
    done, bit = 0, 0
    previous = np.zeros(4, np.int64)
    for part in range(ends.shape[0]):
        end = int(ends[part])
        last = order.shape[0]
        if interval and done + interval < last:
            last = done + interval
        previous[:] = 0
        while done < last:
            start, good = bit, True
            for place in range(order.shape[1]):
                slot = slots[place]
                row = coefficients[order[done, place]]
                entry = int(tables[slot, peek(data, bit, end)])
                size = entry & 255
                bit += entry >> 8
                if entry == 0 or size > 15:
                    good = False
                    break
                value = previous[slot] + extend(peek(data, bit, end) >> (16 - size), size)
                bit += size
                if value < -32768 or value > 32767:
                    good = False
                    break
                previous[slot] = value
                row[0] = value
                bit = read_block(data, bit, end, tables[SLOTS // 2 + slot], row)
                if bit < 0:
                    good = False
                    break
            if not good or bit > end * 8:
                for place in range(order.shape[1]):
                    coefficients[order[done, place]] = 0
                return done, start, part
            done += 1
        left = end * 8 - bit
        if left > 7:
            return done, bit, part
        pads[part] = left << 8 | peek(data, bit, end) >> (16 - left)
        bit = end * 8
    return done, bit, ends.shape[0]


@kernel
def read_block(data: Bytes, bit: int, end: int, table: Ints, row: NDArray[np.int16]) -> int:
    """Decode the 63 coefficients behind a block's first; return the next bit, or -1."""
    k, zeros = 1, False
    while k < 64:
        entry = int(table[peek(data, bit, end)])
        bit += entry >> 8
        run, size = (entry >> 4) & 15, entry & 15
        if entry == 0 or size == 15:
            return -1
        if size == 0 and run == 0:
            return -1 if zeros else bit
        k += run
        if k > 63 or (size == 0 and run != 15):
            return -1
        zeros = size == 0
        if size:
            row[k] = extend(peek(data, bit, end) >> (16 - size), size)
            bit += size
        k += 1
    return -1 if zeros else bit


@kernel
def read_dc(
    data: Bytes,
    ends: Ints,
    order: Ints,
    slots: Ints,
    tables: Ints,
    interval: int,
    low: int,
    refining: bool,
    coefficients: Coefficients,
    pads: Ints,
) -> bool:
    """Decode a progressive scan of first coefficients from bit `low` up, or that bit; tell whether it is whole."""
    done, bit = 0, 0
    previous = np.zeros(4, np.int64)
    for part in range(ends.shape[0]):
        end = int(ends[part])
        last = order.shape[0]
        if interval and done + interval < last:
            last = done + interval
        previous[:] = 0
        while done < last:
            for place in range(order.shape[1]):
                block, slot = order[done, place], slots[place]
                if refining:
                    coefficients[block, 0] |= (peek(data, bit, end) >> 15) << low
                    bit += 1
                    continue
                entry = int(tables[slot, peek(data, bit, end)])
                size = entry & 255
                bit += entry >> 8
                if entry == 0 or size > 15:
                    return False
                value = previous[slot] + extend(peek(data, bit, end) >> (16 - size), size)
                bit += size
                if value << low < -32768 or value << low > 32767:
                    return False
                previous[slot] = value
                coefficients[block, 0] = value << low
            if bit > end * 8:
                return False
            done += 1
        left = end * 8 - bit
        if left > 7 or left < 0:
            return False
        pads[part] = left << 8 | peek(data, bit, end) >> (16 - left)
        bit = end * 8
    return bool(done == order.shape[0])


@kernel
def read_ac(
    data: Bytes,
    ends: Ints,
    order: Ints,
    table: Ints,
    interval: int,
    band: tuple[int, int, int],
    refining: bool,
    coefficients: Coefficients,
    pads: Ints,
    runs: Ints,
) -> int:
    """Decode a progressive scan of coefficients `band[0]` to `band[1]` from bit `band[2]` up, or that bit alone.

    Returns how many runs of ended blocks were written to `runs`, which has room for all blocks; -1 where the scan is
    not whole.
    """
    first, final, low = band
    done, bit, count = 0, 0, 0
    for part in range(ends.shape[0]):
        end = int(ends[part])
        last = order.shape[0]
        if interval and done + interval < last:
            last = done + interval
        ended = 0
        while done < last:
            row = coefficients[order[done, 0]]
            k = first
            while k <= final and ended == 0:
                entry = int(table[peek(data, bit, end)])
                bit += entry >> 8
                run, size = (entry >> 4) & 15, entry & 15
                if entry == 0 or bit > end * 8:
                    return -1
                if size == 0 and run < 15:
                    ended = (1 << run) + (peek(data, bit, end) >> (16 - run))
                    bit += run
                    runs[count] = ended
                    count += 1
                    break
                value = 0
                if size:
                    if refining and size != 1:
                        return -1
                    value = extend(peek(data, bit, end) >> (16 - size), size) << low
                    bit += size
                    if value < -32767 or value > 32767:
                        return -1
                if refining:
                    k, bit = refine(data, bit, end, row, k, final, low, run)
                else:
                    k += run
                if k > final:
                    return -1
                if value:
                    row[k] = value
                k += 1
            if ended:
                if refining:
                    k, bit = refine(data, bit, end, row, k, final, low, 64)
                ended -= 1
            if bit > end * 8:
                return -1
            done += 1
        left = end * 8 - bit
        if ended or left > 7:
            return -1
        pads[part] = left << 8 | peek(data, bit, end) >> (16 - left)
        bit = end * 8
    return count if done == order.shape[0] else -1


@kernel
def refine(
    data: Bytes, bit: int, end: int, row: NDArray[np.int16], k: int, final: int, low: int, zeros: int
) -> tuple[int, int]:
    """Read a bit for each coefficient that is not zero, up to the zero behind `zeros` others; return it and the bit."""
    while k <= final:
        value = int(row[k])
        if value == 0:
            if zeros == 0:
                break
            zeros -= 1
        else:
            if peek(data, bit, end) >> 15:
                value = value + (1 << low) if value > 0 else value - (1 << low)
                row[k] = min(max(value, -32767), 32767)
            bit += 1
        k += 1
    return k, bit
