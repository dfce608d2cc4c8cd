"""The numbers of RFC 1951: what the symbols of lengths and distances stand for, and how a block's tables are sent."""

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Bytes = NDArray[np.uint8]

MIN_MATCH, MAX_MATCH = 3, 258
END = 256
"""The symbol that ends a block."""
LITERALS, DISTANCES, MAX_BITS, MAX_SENT_BITS = 286, 30, 15, 7
STORED, FIXED, DYNAMIC = 0, 1, 2

LENGTH_EXTRA = np.array([0] * 8 + [bits for bits in range(1, 6) for _ in range(4)] + [0], dtype=np.int32)
"""Extra bits of the symbols 257 to 285."""
LENGTH_BASE = np.array([3 + sum(1 << int(bits) for bits in LENGTH_EXTRA[:at]) for at in range(28)] + [258], np.int32)
"""First length of the symbols 257 to 285; symbol 284 reaches 258 too, with its extra bits all ones."""
DISTANCE_EXTRA = np.array([max(at // 2 - 1, 0) for at in range(30)], dtype=np.int32)
DISTANCE_BASE = np.array([1 + sum(1 << int(bits) for bits in DISTANCE_EXTRA[:at]) for at in range(30)], np.int32)

SENT_ORDER = np.array([16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15], dtype=np.int32)
"""In which order the lengths of the code for code lengths are sent."""
SENT_EXTRA = np.array([0] * 16 + [2, 3, 7], dtype=np.int32)
SENT_BASE = np.array([1] * 16 + [3, 3, 11], dtype=np.int32)
"""How many code lengths the symbols 0 to 18 stand for at least."""

FIXED_LITERALS = np.array([8] * 144 + [9] * 112 + [7] * 24 + [8] * 8, dtype=np.int32)
FIXED_DISTANCES = np.array([5] * 32, dtype=np.int32)

_LENGTHS = np.arange(MAX_MATCH + 1)
LENGTH_SYMBOL = (np.searchsorted(LENGTH_BASE, _LENGTHS, side="right") + 256).astype(np.int32)
"""The symbol of each length from 3 to 258."""

LONG = 1 << 25
"""Mark of a token of 258 bytes that is written as symbol 284 with extra bits 31."""
# A token is 0 for a literal, else length << 16 | distance, with the mark LONG where it applies.

# Columns of the table of blocks.
KIND, LAST, TOKENS, SIZE, HEADER, PAD = 0, 1, 2, 3, 4, 5
"""Kind, whether last, count of tokens, bytes of content, place of the table in `headers`, padding bits if stored."""
COLUMNS = 6
# A header: count of literal codes, of distance codes, of lengths sent; 19 lengths; count of steps; the steps, each
# symbol | extra << 5.
H_LITERALS, H_DISTANCES, H_SENT, H_LENGTHS, H_COUNT, H_STEPS = 0, 1, 2, 3, 22, 23
H_MOST = H_STEPS + LITERALS + 2 + DISTANCES + 2
"""Room for the longest header."""
