"""What followed each context of a few lengths: three tokens with counts, in one hashed table for all lanes."""

from dataclasses import dataclass

import torch
from torch import Tensor

ORDERS = (1, 2, 3, 4, 5, 6, 8, 12, 18, 28)
"""How many tokens each context has."""
DEPTH = 3
"""Tokens kept for a context."""
MOST = 255
"""The largest count."""
_SCRAMBLE = 0x5851F42D
_MULTIPLIERS_SEED = 0x2545F491
_MASK = (1 << 31) - 1


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What the contexts of each row hold: up to DEPTH tokens each.

    `places` in the table and `checks` are (rows, orders); `tokens` (-1: none) and `counts` have DEPTH besides.
    """

    places: Tensor
    checks: Tensor
    tokens: Tensor
    counts: Tensor


class Memory:
    """Contexts of `groups` independent texts. Rows of one group share what they learn."""

    def __init__(self, groups: Tensor, count: int, bits: int, device: torch.device) -> None:
        """Make room for 2**bits contexts of each order in each of `count` groups; `groups` (rows) names each row's."""
        self._bits, self._device = bits, device
        size = count * len(ORDERS) << bits
        self._checks = torch.zeros(size + 1, dtype=torch.int64, device=device)
        self._tokens = torch.full((size + 1, DEPTH), -1, dtype=torch.int64, device=device)
        self._counts = torch.zeros((size + 1, DEPTH), dtype=torch.int64, device=device)
        self._owners = torch.zeros(size + 1, dtype=torch.int64, device=device)
        self._dummy = size
        orders = torch.arange(len(ORDERS), device=device)
        self._offsets = (groups[:, None] * len(ORDERS) + orders) << bits
        self._rows = torch.arange(len(groups), device=device)[:, None].expand(-1, len(ORDERS))
        self.history = torch.zeros((len(groups), max(ORDERS)), dtype=torch.int64, device=device)
        multiplier, multipliers = _MULTIPLIERS_SEED, []
        for _ in range(max(ORDERS)):
            multiplier = multiplier * _SCRAMBLE + 1 & _MASK
            multipliers.append(multiplier | 1)
        self._multipliers = torch.tensor(multipliers, device=device)
        self._last = torch.tensor(ORDERS, device=device) - 1

    def find(self) -> Found:
        """Look up every row's contexts."""
        # Tokens are below 2**18 and multipliers below 2**31: sums of 28 products stay below 2**54.
        sums = ((self.history + 1) * self._multipliers).cumsum(dim=1)[:, self._last]
        mixed = ((sums ^ (sums >> 29)) & _MASK) * _SCRAMBLE
        mixed = ((mixed ^ (mixed >> 31)) & _MASK) * _SCRAMBLE
        places = ((mixed >> 30) & ((1 << self._bits) - 1)) + self._offsets
        checks = (mixed & 0x3FFFFFFF) + 1
        known = (self._checks[places] == checks)[..., None]
        tokens = torch.where(known, self._tokens[places], -1)
        return Found(places, checks, tokens, torch.where(known, self._counts[places], 0))

    def learn(self, found: Found, tokens: Tensor, active: Tensor) -> None:
        """Note the `tokens` (rows) that followed, in rows that are `active`.

        Of several rows with the same context in one step, the first one's token is noted.
        """
        places = torch.where(active[:, None], found.places, self._dummy)
        rows = self._rows
        self._owners[places] = len(rows)
        self._owners.scatter_reduce_(0, places.reshape(-1), rows.reshape(-1), "amin")
        places = torch.where(self._owners[places] == rows, places, self._dummy)
        self._checks[places] = found.checks
        new_tokens, new_counts = count_token(found.tokens, found.counts, tokens[:, None])
        self._tokens[places] = new_tokens
        self._counts[places] = new_counts
        shifted = torch.cat([tokens[:, None], self.history[:, :-1]], dim=1)
        self.history.copy_(torch.where(active[:, None], shifted, self.history))


def count_token(tokens: Tensor, counts: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
    """Count `seen` (...) among `tokens` (..., DEPTH) and keep them sorted by count, the newer first among equals.

    The seen token gains one; the others lose a quarter of what exceeds 2. A new token takes the last place.
    """
    hit = tokens == seen[..., None]
    absent = ~hit.any(dim=-1)
    hit[..., -1] |= absent
    gained = torch.where(absent[..., None], 1, counts + 1).clamp_(max=MOST)
    faded = counts - ((counts - 1).clamp_(min=0) >> 2)
    new_tokens = torch.where(hit, seen[..., None], tokens)
    new_counts = torch.where(hit, gained, faded)
    # The order by count, then the seen one, then the old place: unique keys, so that ties cannot matter.
    places = torch.arange(DEPTH, device=tokens.device)
    keys = new_counts * (4 * DEPTH) + hit.long() * (2 * DEPTH) + (DEPTH - 1 - places)
    order = keys.argsort(dim=-1, descending=True)
    return new_tokens.gather(-1, order), new_counts.gather(-1, order)
