"""From logits to whole-number frequencies, and from those to coding intervals."""

from dataclasses import dataclass

import torch
from torch import Tensor

from panini_daemon.compressors.exact.tables import ENTRIES, STEP

FREQUENCY_BITS = 20
"""The likeliest token's frequency is 2**20; what is 14 nats or more below it has 0."""
_MOST_BITS = 26


@dataclass(frozen=True, slots=True, eq=False)
class Interval:
    """Where symbols (rows) lie: `start` and `size` out of 2**bits. An interval of all costs nothing."""

    start: Tensor
    size: Tensor
    bits: int


def make_frequencies(logits: Tensor, exponentials: Tensor) -> Tensor:
    """Turn logits (rows, vocabulary) into frequencies, int32: 2**20 * exp(logit - largest), by table."""
    top = logits.amax(dim=-1, keepdim=True)
    steps = torch.sub(top, logits).mul_(STEP).clamp_(max=ENTRIES - 1).to(torch.int32)
    return torch.index_select(exponentials, 0, steps.view(-1)).view(logits.shape)


def interval_bits(vocabulary: int) -> int:
    """Return the bits of intervals: sums of frequencies times 2**bits stay below 2**62."""
    return min(_MOST_BITS, 62 - FREQUENCY_BITS - vocabulary.bit_length())


def spread(frequencies: Tensor, without: Tensor) -> Tensor:
    """Return where each token's interval ends (rows, vocabulary), tokens in order of their numbers.

    Tokens in `without` (rows, some) count as frequency 0. Every token has at least 1 of 2**interval_bits.
    """
    rows, vocabulary = frequencies.shape
    ends = frequencies.scatter(1, without, 0).long().cumsum(dim=1)
    total = ends[:, -1:].clamp(min=1)
    room = (1 << interval_bits(vocabulary)) - vocabulary
    ends = ends * room // total + torch.arange(1, vocabulary + 1, device=ends.device)
    ends[:, -1] = 1 << interval_bits(vocabulary)
    return ends.view(rows, vocabulary)


def interval_of(ends: Tensor, tokens: Tensor) -> Interval:
    """Return the intervals of `tokens` (rows)."""
    stop = ends.gather(1, tokens[:, None])[:, 0]
    start = ends.gather(1, (tokens[:, None] - 1).clamp(min=0))[:, 0]
    start = torch.where(tokens > 0, start, 0)
    return Interval(start, stop - start, interval_bits(ends.shape[1]))


def find_token(ends: Tensor, points: Tensor) -> Tensor:
    """Return the tokens (rows) in whose intervals the `points` (rows) lie."""
    return torch.searchsorted(ends, points[:, None], right=True)[:, 0].clamp_(max=ends.shape[1] - 1)
