"""What encoding and decoding have in common: a set of texts in step, before the model and the mixture."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from panini_daemon.compressors.exact import tables
from panini_daemon.compressors.exact.frequencies import Interval, make_frequencies
from panini_daemon.compressors.exact.model import Model
from panini_daemon.compressors.language.lanes import Layout, Reader
from panini_daemon.compressors.language.mixture import Mixture

PIECE, PIECE_ON_GPU = 256, 4096
"""Positions of all lanes together that go through the model at once; no number depends on it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a stream depends on besides the model: its `window`, its `start` token, 2**`memory_bits` contexts."""

    window: int
    start: int
    memory_bits: int


class Steps:
    """The steps of a set of texts."""

    def __init__(self, model: Model, layout: Layout, settings: Settings) -> None:
        """Begin with nothing read and nothing learned."""
        self.model, self.device = model, model.device
        self.lengths = torch.tensor(layout.lengths, device=self.device)
        piece = PIECE_ON_GPU if self.device.type == "cuda" else PIECE
        self.reader = Reader(model, len(layout.lengths), settings.start, settings.window, piece, layout.steps)
        groups, count, vocabulary = layout.groups(self.device), len(layout.lanes), model.shape.vocabulary
        self.mixture = Mixture(groups, count, settings.memory_bits, vocabulary, self.device)
        self.vocabulary = vocabulary
        self._exponentials = tables.exponentials().to(self.device)

    def frequencies(self, hidden: Tensor) -> Iterator[Tensor]:
        """Yield the model's frequencies (rows, vocabulary) for each position of hidden rows (rows, some, width)."""
        logits = self.model.score(hidden.reshape(-1, hidden.shape[-1]))
        found = make_frequencies(logits, self._exponentials).view(*hidden.shape[:2], -1)
        yield from found.unbind(dim=1)

    def known_frequencies(self, rows: Tensor) -> Iterator[Tensor]:
        """Yield the model's frequencies before each position of known tokens (rows, steps), many read at once."""
        total = rows.shape[1]
        if total:
            yield from self.frequencies(self.reader.first())
        at = 0
        while at < total - 1:
            count = min(self.reader.room(), total - 1 - at)
            for hidden in self.reader.read(rows[:, at : at + count]):
                yield from self.frequencies(hidden)
            at += count

    def needs(self, escaped: Tensor) -> bool:
        """Tell whether to look for tokens that are no candidates; on a GPU always, for asking it would wait for it."""
        return escaped.is_cuda or bool(escaped.any())

    def everything(self, bits: int) -> Interval:
        """Return the interval that costs nothing, for every row."""
        return Interval(torch.zeros_like(self.lengths), torch.full_like(self.lengths, 1 << bits), bits)


def choose(which: Tensor, one: Interval, other: Interval) -> Interval:
    """Take `one` in the rows that `which` names, the other elsewhere."""
    return Interval(torch.where(which, one.start, other.start), torch.where(which, one.size, other.size), one.bits)
