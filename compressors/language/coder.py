"""Interleaved range asymmetric numeral systems (rANS): one 64-bit state a lane, one stream of 32-bit words.

After J. Duda (2013) and F. Giesen's interleaving (2014). A state lies in [2**31, 2**63); before a symbol that would
lift it out, its low word goes to the stream. Decoding reads words in order of lanes; encoding runs backwards.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from panini_daemon.compressors.errors import PayloadDamaged
from panini_daemon.compressors.exact.frequencies import Interval

_LOW = 1 << 31
_WORD = 32
STATE_BYTES = 8


def encode_intervals(starts: NDArray[np.int32], sizes: NDArray[np.int32], intervals: Sequence[int]) -> bytes:
    """Encode intervals of some lanes; decoding finds them in the same order.

    `starts` and `sizes` (intervals, lanes) are out of 2**bits, which `intervals` has for each one.
    The stream: each lane's state, then the words, little-endian.
    """
    states = np.full(starts.shape[1], _LOW, dtype=np.uint64)
    words: list[NDArray[np.uint32]] = []
    places, widths = starts.astype(np.uint64), sizes.astype(np.uint64)
    for at in range(len(intervals) - 1, -1, -1):
        size, bits = widths[at], intervals[at]
        full = states >= size << np.uint64(63 - bits)  # size <= 2**bits, so that this is at most 2**63 and fits
        if full.any():
            words.append(states[full][::-1].astype(np.uint32))
            states = np.where(full, states >> np.uint64(_WORD), states)
        states = ((states // size) << np.uint64(bits)) + states % size + places[at]
    stream = np.concatenate(words)[::-1] if words else np.zeros(0, dtype=np.uint32)
    return states.astype("<u8").tobytes() + stream.astype("<u4").tobytes()


class Decoder:
    """Decodes what `encode_intervals` wrote, on any device, without leaving it."""

    def __init__(self, streams: Sequence[bytes], lanes: Sequence[int], device: torch.device) -> None:
        """Take one stream for each text, with its lanes; lanes of all texts are rows in that order.

        Raises PayloadDamaged where a stream is too short or no whole number of words.
        """
        states: list[NDArray[np.uint64]] = []
        words: list[NDArray[np.uint32]] = []
        first: list[int] = []
        at = 0
        for stream, count in zip(streams, lanes, strict=True):
            head = STATE_BYTES * count
            if len(stream) < head or len(stream) % 4:
                raise PayloadDamaged(
                    f"the stream has {len(stream)} bytes; expected {head} and a whole number of 4-byte words; "
                    "restore compressed.bin from a copy"
                )
            states.append(np.frombuffer(stream[:head], "<u8"))
            words.append(np.frombuffer(stream[head:], "<u4"))
            first.append(at)
            at += len(words[-1]) + 1
            words.append(np.zeros(1, dtype="<u4"))
        found = np.concatenate(states)
        if (found < _LOW).any() or (found >> np.uint64(63)).any():
            raise PayloadDamaged("a state of the stream is none that is written; restore compressed.bin from a copy")
        self._states = torch.from_numpy(found.astype(np.int64)).to(device)
        self._words = torch.from_numpy(np.concatenate(words).astype(np.int64)).to(device)
        groups = torch.repeat_interleave(torch.arange(len(lanes)), torch.tensor(lanes)).to(device)
        self._same = (groups[:, None] == groups[None, :]).tril(-1)
        self._members = groups[:, None] == groups[None, :]
        self._next = torch.tensor(first, device=device)[groups]
        ends = [start + len(words[2 * number]) for number, start in enumerate(first)]
        self._end = torch.tensor(ends, device=device)[groups]

    def peek(self, bits: int) -> Tensor:
        """Return the point (rows) of 2**bits that each lane's next symbol covers."""
        return self._states & ((1 << bits) - 1)

    def take(self, interval: Interval) -> None:
        """Remove the symbols of these intervals from the states."""
        states = interval.size * (self._states >> interval.bits) + self.peek(interval.bits) - interval.start
        short = states < _LOW
        before = (self._same & short).sum(dim=1)
        place = torch.minimum(self._next + before, self._end)
        self._states.copy_(torch.where(short, (states << _WORD) | self._words[place], states))
        self._next.copy_(torch.minimum(self._next + (self._members & short).sum(dim=1), self._end))

    def finish(self) -> Tensor:
        """Tell for each lane whether everything was read and nothing is left (rows)."""
        return (self._states == _LOW) & (self._next == self._end)
