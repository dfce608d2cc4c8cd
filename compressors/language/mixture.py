"""From a model's frequencies and what the text itself has shown to the chances of a few candidates.

Each step, the likeliest tokens of the model and of every known context are lined up, and for each in turn the
chance that it is the one, given that none before it was, is mixed from all predictors' log-odds (logistic mixing
as in PAQ, here over tokens). What is none of them is coded by the model's own frequencies.
All numbers are integers; each rate below is a shift or a count.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from panini_daemon.compressors.language.logistic import LARGEST, ONE, PROBABILITY_BITS, UNIT, make_logistic
from panini_daemon.compressors.language.memory import DEPTH, ORDERS, Found, Memory

CANDIDATES = 12
TOTAL_BITS = 28
"""The candidates' chances and that of something else add up to 2**TOTAL_BITS."""

_RANKS = 3
_COUNT_BOUNDS = (2, 3, 4, 6, 10, 20, 60)
"""Counts are told apart as 0-1, 2, 3, 4-5, 6-9, 10-19, 20-59, 60 and more."""
_STATES = (DEPTH + 1) * (len(_COUNT_BOUNDS) + 1) * 4
_INPUTS = len(ORDERS) + 2
_WEIGHT_BITS = 16
_MODEL_FIRST = 1 << (_WEIGHT_BITS - 1)
_OTHERS_FIRST = 2000
"""First weights, of which two sets add up: the model counts in full, each order for 6 per cent."""
_WEIGHT_RATE = 24
"""A weight moves by error (22 bits) times input (10 bits) down to 16 bits, times 1/256; less with many lanes."""
_CORRECTION_RATE = 6
_BIAS = UNIT // 4
_LEVELS = 33
_LIMIT = 255
"""Observations after which a state's chance stops moving more slowly."""
NAME_BITS = 18
"""Tokens are numbered below 2**NAME_BITS."""
_NAMES = (1 << NAME_BITS) - 1


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """Candidates (rows, CANDIDATES), chances (rows, CANDIDATES + 1), and what learning needs."""

    tokens: Tensor
    chances: Tensor
    found: Found
    states: Tensor
    known: Tensor
    inputs: Tensor
    sets: Tensor
    mixed: Tensor
    corrections: Tensor
    fraction: Tensor
    levels: Tensor


class Mixture:
    """Predictors and weights of `count` independent texts, each cut into rows that share them."""

    def __init__(self, groups: Tensor, count: int, bits: int, vocabulary: int, device: torch.device) -> None:
        """Start with the model trusted and nothing known; `bits` sizes the memory (see Memory)."""
        self.memory = Memory(groups, count, bits, device)
        self._tables = make_logistic(device)
        self._groups, self._vocabulary, self._device = groups, vocabulary, device
        lanes = torch.bincount(groups, minlength=count)
        doublings = (lanes[:, None] >= 1 << torch.arange(3, 20, device=device)).sum(dim=1)
        self._slow = doublings[groups][:, None]
        size = count * len(ORDERS) * _STATES * _RANKS
        self._state_chances = torch.full((size,), ONE // 2, dtype=torch.int64, device=device)
        self._state_counts = torch.zeros(size, dtype=torch.int64, device=device)
        first = torch.full((_INPUTS,), _OTHERS_FIRST, dtype=torch.int64, device=device)
        first[-2], first[-1] = _MODEL_FIRST, 0
        self._sets_a, self._sets_b = (len(ORDERS) + 1) * 4, 12 * 4
        self._weights = first.repeat(count * (self._sets_a + self._sets_b), 1)
        line = (torch.arange(_LEVELS, device=device) - _LEVELS // 2) * (LARGEST + 1) // (_LEVELS // 2)
        self._corrections = self._tables.squash(line).repeat(count * 1024 * 2)
        self._bounds = torch.tensor(_COUNT_BOUNDS, device=device)
        self._orders = torch.arange(len(ORDERS), device=device)
        self._ranks = torch.arange(CANDIDATES, device=device)

    def predict(self, frequencies: Tensor) -> Prediction:
        """Predict from the model's `frequencies` (rows, vocabulary), whole numbers up to 2**20."""
        found = self.memory.find()
        total = frequencies.sum(dim=-1, keepdim=True)
        tokens, part = self._line_up(found, frequencies, total)
        before = part.cumsum(dim=1) - part
        model = self._tables.stretch(part, (total - before).clamp(min=2))
        states, known = self._read_states(found, tokens)
        chances = self._state_chances[states]
        from_states = torch.where(known, self._tables.stretch(chances, torch.full_like(chances, ONE)), 0)
        inputs = torch.cat([from_states, model[..., None], torch.full_like(model, _BIAS)[..., None]], dim=-1)
        sets = self._choose_sets(found, model)
        weights = self._weights[sets].sum(dim=2)
        odds = (weights * inputs).sum(dim=-1) >> _WEIGHT_BITS
        odds = odds.clamp_(-LARGEST, LARGEST)
        mixed = self._tables.squash(odds)
        corrections, fraction = self._place(odds)
        levels = self._corrections[corrections], self._corrections[corrections + 1]
        corrected = (levels[0] * (256 - fraction) + levels[1] * fraction) >> 8
        final = ((mixed + corrected + 1) >> 1).clamp_(1, ONE - 1)
        return Prediction(
            tokens, share_out(final), found, states, known, inputs, sets, mixed, corrections, fraction, final
        )

    def learn(self, prediction: Prediction, tokens: Tensor, active: Tensor) -> None:
        """Learn the `tokens` (rows) that came, in rows that are `active`."""
        hit = prediction.tokens == tokens[:, None]
        asked = (hit.cumsum(dim=1) - hit.long() == 0) & active[:, None]
        target = hit.long() * ONE
        errors = torch.where(asked, target - prediction.mixed, 0)
        steps = (prediction.inputs * errors[..., None]) >> (_WEIGHT_RATE + self._slow[:, :, None])
        both = steps[:, :, None].expand(-1, -1, 2, -1).reshape(-1, _INPUTS)
        self._weights.index_add_(0, prediction.sets.reshape(-1), both)
        used = (asked[..., None] & prediction.known).reshape(-1)
        states = prediction.states.reshape(-1)
        counts = self._state_counts[states]
        gap = target[..., None] - self._state_chances[prediction.states]
        move = torch.where(used, 2 * gap.reshape(-1) // (2 * counts + 3), 0)
        self._state_chances.index_add_(0, states, move)
        self._state_chances.clamp_(64, ONE - 64)
        self._state_counts.index_add_(0, states, used.long())
        self._state_counts.clamp_(max=_LIMIT)
        near = torch.where(prediction.fraction >= 128, prediction.corrections + 1, prediction.corrections)
        drift = torch.where(asked, (target - self._corrections[near]) >> (_CORRECTION_RATE + self._slow // 2), 0)
        self._corrections.index_add_(0, near.reshape(-1), drift.reshape(-1))
        self._corrections.clamp_(16, ONE - 16)
        self.memory.learn(prediction.found, tokens, active)

    def _line_up(self, found: Found, frequencies: Tensor, total: Tensor) -> tuple[Tensor, Tensor]:
        """Choose CANDIDATES different tokens, likeliest first; return them and their frequencies, 1 or more."""
        rows = frequencies.shape[0]
        names = torch.arange(self._vocabulary, device=self._device)
        keys = (frequencies.long() << NAME_BITS) | (_NAMES - names)  # unique: the lower name first among equals
        best = _NAMES - (keys.topk(CANDIDATES, dim=1).values & _NAMES)
        remembered = found.tokens.reshape(rows, -1)
        tokens = torch.cat([best, remembered], dim=1)
        valid = tokens >= 0
        tokens = tokens.clamp(min=0)
        part = frequencies.gather(1, tokens).long()
        places = torch.arange(DEPTH, device=self._device)[None, :, None].expand(rows, -1, len(ORDERS))
        states = self._state_index(
            places, found.counts.transpose(1, 2), found.counts[:, None], torch.zeros_like(places)
        )
        sure = (self._state_chances[states] >> 2).transpose(1, 2).reshape(rows, -1)
        own = torch.cat([torch.zeros_like(best), torch.where(remembered >= 0, sure, 0)], dim=1)
        same = tokens[:, :, None] == tokens[:, None, :]
        score = (same * own[:, None, :]).sum(dim=-1) + (part << 20) // total
        count = tokens.shape[1]
        earlier = torch.ones((count, count), dtype=torch.bool, device=self._device).tril(-1)
        usable = valid & ~(same & earlier & valid[:, None, :]).any(dim=-1)
        order = torch.arange(count, device=self._device)
        keys = torch.where(usable, score + 1, 0) * count + (count - 1 - order)
        chosen = keys.topk(CANDIDATES, dim=1).indices
        return tokens.gather(1, chosen), part.gather(1, chosen).clamp(min=1)

    def _read_states(self, found: Found, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Return each candidate's state in each order (rows, CANDIDATES, orders), and whether there is one."""
        same = found.tokens[:, None] == tokens[:, :, None, None]
        index = torch.arange(DEPTH, device=self._device)
        place = torch.where(same, index, DEPTH).amin(dim=-1)
        counts = found.counts[:, None]
        own = torch.where(same, counts, 0).sum(dim=-1)
        rank = self._ranks.clamp(max=_RANKS - 1)[None, :, None].expand_as(place)
        known = (counts[..., 0] > 0).expand_as(place)
        return self._state_index(place, own, counts, rank), known

    def _state_index(self, place: Tensor, own: Tensor, counts: Tensor, rank: Tensor) -> Tensor:
        """Number what an order says of a token: its place and count there, and how much else is there."""
        total = counts.sum(dim=-1)
        kinds = (counts > 0).sum(dim=-1)
        size = torch.bucketize(torch.where(place < DEPTH, own, total), self._bounds, right=True)
        rest = torch.where(place < DEPTH, total - own, kinds - 1)
        others = (rest > 0).long() + (rest > 1).long() + (rest > 4).long()
        line = self._groups[:, None, None] * len(ORDERS) + self._orders
        return (((line * (DEPTH + 1) + place) * 8 + size) * 4 + others) * _RANKS + rank

    def _choose_sets(self, found: Found, model: Tensor) -> Tensor:
        """Return two weight sets (rows, CANDIDATES, 2): by the longest known context, by the model's certainty."""
        longest = ((found.counts[..., 0] > 0).long() * (self._orders + 1)).amax(dim=-1)[:, None]
        certain = ((model[:, :1] + LARGEST) // (2 * UNIT)).clamp_(0, 11)
        rank = self._ranks.clamp(max=3)
        base = self._groups[:, None] * (self._sets_a + self._sets_b)
        return torch.stack([base + longest * 4 + rank, base + self._sets_a + certain * 4 + rank], dim=-1)

    def _place(self, odds: Tensor) -> tuple[Tensor, Tensor]:
        """Return the place in the corrections' line below each log-odds, and the fraction of 256 beyond it."""
        context = (self.memory.history[:, :1] * 40503 >> 4) & 1023
        later = (self._ranks > 0).long()
        line = ((self._groups[:, None] * 1024 + context) * 2 + later) * _LEVELS
        width = (LARGEST + 1) // (_LEVELS // 2)
        shifted = odds + LARGEST + 1
        place = (shifted // width).clamp_(0, _LEVELS - 2)
        return line + place, ((shifted - place * width) * 256 // width).clamp_(0, 256)


def share_out(chances: Tensor) -> Tensor:
    """Turn chances in turn (rows, count), of ONE, into shares (rows, count + 1) of 2**TOTAL_BITS, each 1 or more."""
    rows, count = chances.shape
    left = torch.full((rows,), 1 << TOTAL_BITS, dtype=torch.int64, device=chances.device)
    shares = []
    for at in range(count):
        share = (left * chances[:, at] >> PROBABILITY_BITS).clamp(min=1)
        share = torch.minimum(share, left - (count - at))
        shares.append(share)
        left = left - share
    return torch.stack([*shares, left], dim=1)
