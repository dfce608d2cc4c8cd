"""GIF's LZW, undone to indices and redone to the very codes (CompuServe, GIF89a, appendix F).

An encoder is free in when it clears its table. Everything else follows: each code is the longest that the table has
for what comes next. Where a stream is made otherwise, it is not undone.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from panini_daemon.compressors.errors import PayloadDamaged
from panini_daemon.compressors.kernels import kernel

_FULL = 4096


@dataclass(frozen=True, slots=True)
class Unpacked:
    """Indices, one byte each, and the counts of codes between clear codes, the last being that of what is left."""

    indices: bytes
    runs: tuple[int, ...]


def undo_lzw(codes: bytes, bits: int, count: int) -> Unpacked | None:
    """Undo codes that begin `bits` + 1 wide, 1 to 8, to `count` indices; None where that cannot be redone."""
    out = np.zeros(count, np.uint8)
    runs = np.zeros(min(count, 8 * len(codes)) + 2, np.int64)
    data = np.frombuffer(codes, np.uint8).copy()
    try:
        used = _undo(data, bits, out, runs)
    except IndexError:
        return None
    if used < 0:
        return None
    found = Unpacked(out.tobytes(), tuple(int(run) for run in runs[:used]))
    try:
        return found if redo_lzw(found, bits, len(codes)) == codes else None
    except PayloadDamaged:  # codes that were not the longest ones
        return None


def redo_lzw(found: Unpacked, bits: int, limit: int) -> bytes:
    """Make the codes again, at most `limit` bytes. Raises PayloadDamaged."""
    indices = np.frombuffer(found.indices, np.uint8).copy()
    out = np.zeros(limit, np.uint8)
    try:
        size = _redo(indices, bits, np.array(found.runs, np.int64), out, np.zeros((_FULL, 1 << bits), np.int64))
    except IndexError as error:
        raise PayloadDamaged("the picture's codes do not fit where they were; restore compressed.bin") from error
    return out[:size].tobytes()


@kernel
def _width_of(bits: int, number: int) -> int:
    """Return how wide the code is that comes `number`-th, from 0, after a clear code."""
    free = (1 << bits) + 2 + max(number - 1, 0)
    width = bits + 1
    while width < 12 and free >> width:
        width += 1
    return width


@kernel
def _undo(data: NDArray[np.uint8], bits: int, out: NDArray[np.uint8], runs: NDArray[np.int64]) -> int:
    """Fill `out` and `runs`; return how many runs there are, -1 where the codes make no sense."""
    clear, end = 1 << bits, (1 << bits) + 1
    starts, lengths = np.zeros(_FULL, np.int64), np.zeros(_FULL, np.int64)
    free, number, used, made, last, at, have, window = end + 1, 0, 0, 0, -1, 0, 0, 0
    while True:
        width = _width_of(bits, number)
        while have < width:
            if at >= data.size:
                return -1
            window |= int(np.int64(data[at])) << have
            have += 8
            at += 1
        code = window & (1 << width) - 1
        window >>= width
        have -= width
        if clear <= code <= end:
            runs[used] = number
            used += 1
            number, free, last = 0, end + 1, -1
            if code == end:
                return used if made == out.size else -1
            continue
        start = made
        if code < clear:
            out[made] = code
            made += 1
        else:
            if code > free or last < 0 or (code == free and free == _FULL):
                return -1
            fresh = code == free
            source = last if fresh else int(starts[code])
            length = start - last + 1 if fresh else int(lengths[code])
            for step in range(length):
                out[made] = out[source + step]
                made += 1
        if last >= 0 and free < _FULL:
            starts[free] = last
            lengths[free] = start - last + 1
            free += 1
        last = start
        number += 1


@kernel
def _redo(
    indices: NDArray[np.uint8], bits: int, runs: NDArray[np.int64], out: NDArray[np.uint8], table: NDArray[np.int64]
) -> int:
    """Fill `out` and return how many bytes it took."""
    clear, end = 1 << bits, (1 << bits) + 1
    at, taken, have, window = 0, 0, 0, 0
    for run in range(runs.size):
        stamp = run + 1 << 12
        free, wanted = end + 1, int(runs[run])
        for number in range(wanted + 1):
            if number < wanted:
                code = int(np.int64(indices[taken]))
                taken += 1
                while taken < indices.size:
                    found = int(table[code, int(np.int64(indices[taken]))])
                    if found < stamp:
                        break
                    code = found - stamp
                    taken += 1
                if taken < indices.size and free < _FULL:
                    table[code, int(np.int64(indices[taken]))] = stamp + free
                    free += 1
            else:
                code = end if run == runs.size - 1 else clear
            window |= code << have
            have += _width_of(bits, number)
            while have >= 8:
                out[at] = window & 255
                window >>= 8
                have -= 8
                at += 1
    if have:
        out[at] = window & 255
        at += 1
    return at
