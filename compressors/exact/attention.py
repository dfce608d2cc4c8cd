"""Grouped-query attention with a key-value cache, over whole numbers."""

from dataclasses import dataclass
from math import isqrt, sqrt

import torch
from torch import Tensor

from panini_daemon.compressors.exact.products import FLOAT32_EXACT
from panini_daemon.compressors.exact.quantisation import quantise
from panini_daemon.compressors.exact.tables import ENTRIES, STEP

BLOCK = 64
"""Keys are summed in blocks of this many: BLOCK * 2**18 = 2**24 bounds a block's sum of exponentials in float32."""
EXPONENTIAL_BITS = 18
_SHARES = 1 << 15
"""What the attention weights of one query add up to, about."""
_TILE = 1 << 18
"""Scores computed at once on a CPU, so that they stay in its cache; the result does not depend on it."""


def key_limit(width: int) -> int:
    """Return the limit of queries' and keys' numbers: width * limit**2 <= 2**24; 511 for a head of 64."""
    return min(4095, isqrt(FLOAT32_EXACT // width) - 1)


def value_limit(window: int) -> int:
    """Return the limit of values' numbers: (2**15 + window / 2) * limit <= 2**24."""
    return min(4095, FLOAT32_EXACT // (_SHARES + window // 2))


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """Where the next tokens stand, on the device: `positions` (count), one after the other.

    The host knows two bounds: every token sees all keys before `first`, and none beyond `keys`, a multiple of BLOCK.
    No number depends on how close they are.
    """

    positions: Tensor
    first: int
    keys: int

    @classmethod
    def of(cls, position: int, count: int, device: torch.device) -> "Place":
        """Return the place of `count` tokens from `position` on."""
        end = position + count
        return cls(torch.arange(position, end, device=device), position, -(-end // BLOCK) * BLOCK)


@dataclass(slots=True, eq=False)
class Cache:
    """Keys and values of one layer so far, for `rows` sequences in step.

    `keys` and `values` (rows, heads, window, width) hold whole numbers as float32, `key_scales` (rows, heads,
    1, window) the keys' scales, zero where there is no key yet. The window is a multiple of BLOCK; `limit` is that
    of the values' numbers.
    """

    keys: Tensor
    values: Tensor
    key_scales: Tensor
    limit: int

    @classmethod
    def empty(cls, rows: int, heads: int, window: int, width: int, device: torch.device, room: int = 0) -> "Cache":
        """Make a cache with no keys; `room` for fewer than the window's, where there will be no more.

        Raises ValueError where the window or the room does not divide into blocks.
        """
        room = room or window
        if window % BLOCK or room % BLOCK:
            raise ValueError(f"the window is {window}, with room for {room}; expected multiples of {BLOCK}")
        shape = (rows, heads, room, width)
        return cls(
            torch.zeros(shape, device=device),
            torch.zeros(shape, device=device),
            torch.zeros((rows, heads, 1, room), device=device),
            value_limit(window),
        )

    def append(self, keys: Tensor, values: Tensor, value_scales: Tensor, positions: Tensor) -> None:
        """Quantise and keep keys and values (rows, heads, count, width) at `positions` (count).

        Keys get a scale each; values are clamped to the layer's fixed `value_scales` (heads, 1, 1).
        """
        numbers, scales = quantise(keys, key_limit(keys.shape[3]))
        self.keys.index_copy_(2, positions, numbers)
        self.key_scales.index_copy_(3, positions, scales.transpose(2, 3))
        kept = torch.round(values / value_scales.expand_as(values)).clamp_(-self.limit, self.limit)
        self.values.index_copy_(2, positions, kept)


def attend(queries: Tensor, cache: Cache, value_scales: Tensor, exponentials: Tensor, place: Place) -> Tensor:
    """Attend to the cache, causally.

    `queries` (rows, heads, group, count, width): `group` query heads share a key head; the count stands at `place`.
    `exponentials` is the table to EXPONENTIAL_BITS as float32. Returns the same shape.
    """
    rows, heads, group, count, width = queries.shape
    keys = place.keys
    numbers, scales = quantise(queries, key_limit(width))
    factor = STEP / sqrt(width)
    # A score times STEP; sqrt(width) is rounded to float32 once, here, on every machine alike.
    scales = scales * torch.full_like(scales, factor)
    out = torch.empty_like(queries)
    if queries.is_cuda:
        tile_rows, tile_count = rows, count
    else:
        tile_rows = max(1, min(rows, _TILE // (heads * group * count * keys) or 1))
        tile_count = max(1, min(count, _TILE // (heads * group * keys)))
    for row in range(0, rows, tile_rows):
        which = slice(row, row + tile_rows)
        for start in range(0, count, tile_count):
            part = slice(start, min(start + tile_count, count))
            # A part of several positions is one of a Place.of: the first of them stands at `first`.
            seen = keys if part.stop == count else min(keys, -(-(place.first + part.stop) // BLOCK) * BLOCK)
            out[which, :, :, part] = _attend_tile(
                numbers[which, :, :, part],
                scales[which, :, :, part],
                cache.keys[which, :, :seen],
                cache.key_scales[which, :, :, :seen],
                cache.values[which, :, :seen],
                exponentials,
                place.positions[part],
                place.first + start,
            )
    return out * value_scales[:, None] * (1 / _SHARES)


def _attend_tile(
    queries: Tensor,
    scales: Tensor,
    keys: Tensor,
    key_scales: Tensor,
    values: Tensor,
    table: Tensor,
    positions: Tensor,
    first: int,
) -> Tensor:
    rows, heads, group, count, width = queries.shape
    flat = queries.reshape(rows, heads, group * count, width)
    scores = flat @ keys.transpose(2, 3)  # whole numbers, |sum| <= width * key_limit**2 <= 2**24
    scores = scores.mul_(key_scales).view(rows, heads, group, count, -1).mul_(scales)
    later = torch.arange(first, scores.shape[-1], device=scores.device) > positions[:, None]
    scores[..., first:].masked_fill_(later, float("-inf"))
    top = scores.amax(dim=-1, keepdim=True)
    steps = torch.sub(top, scores, out=scores).clamp_(max=ENTRIES - 1).to(torch.int32)
    weights = torch.index_select(table, 0, steps.view(-1)).view(rows, heads, group * count, -1)
    total = sum_blocks(weights)  # each below 2**24 in float32, joined in float64
    shares = torch.full_like(total, _SHARES) / total
    weights = weights.mul_(shares.float()).round_()
    # The weights of a query add up to at most 2**15 + keys / 2, so that times value_limit is within 2**24.
    return (weights @ values).view(rows, heads, group, count, width)


def sum_blocks(weights: Tensor) -> Tensor:
    """Add up (..., keys) whole numbers of at most 2**18, blockwise in float32, then in float64: (..., 1)."""
    blocks = weights.view(*weights.shape[:-1], -1, BLOCK).sum(dim=-1)
    return blocks.double().sum(dim=-1, keepdim=True)
