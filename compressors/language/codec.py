"""Tokens to streams and back: the model, the mixture and the coder put together.

Encoding runs the model over many known positions at once, decoding over one at a time; both then do the same
steps, on the same integers.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from panini_daemon.compressors.exact import tables
from panini_daemon.compressors.exact.frequencies import (
    Interval,
    find_token,
    interval_bits,
    interval_of,
    make_frequencies,
    spread,
)
from panini_daemon.compressors.exact.model import Model
from panini_daemon.compressors.language.coder import Decoder, encode_intervals
from panini_daemon.compressors.language.lanes import Layout, Reader
from panini_daemon.compressors.language.mixture import CANDIDATES, TOTAL_BITS, Mixture, Prediction

PIECE, PIECE_ON_GPU = 256, 4096
"""Positions of all lanes together that go through the model at once; no number depends on it."""
Watch = Callable[[int, int], None]
"""Is told how many steps of how many are done; it may raise to stop the work."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a stream depends on besides the model: its `window`, its `start` token, 2**`memory_bits` contexts."""

    window: int
    start: int
    memory_bits: int


def count_memory_bits(tokens: int) -> int:
    """Return the size of the memory for a text of so many tokens, as a power of two from 10 to 20."""
    return min(20, max(10, tokens.bit_length() + 1))


class _Steps:
    """The steps of a set of texts: what encoding and decoding have in common."""

    def __init__(self, model: Model, layout: Layout, settings: Settings) -> None:
        self.model, self.device = model, model.device
        self.lengths = torch.tensor(layout.lengths, device=self.device)
        piece = PIECE_ON_GPU if self.device.type == "cuda" else PIECE
        self.reader = Reader(model, len(layout.lengths), settings.start, settings.window, piece)
        groups, count, vocabulary = layout.groups(self.device), len(layout.lanes), model.shape.vocabulary
        self.mixture = Mixture(groups, count, settings.memory_bits, vocabulary, self.device)
        self.vocabulary = vocabulary
        self._exponentials = tables.exponentials().to(self.device)

    def frequencies(self, hidden: Tensor) -> Iterator[Tensor]:
        """Yield the model's frequencies (rows, vocabulary) for each position of hidden rows (rows, some, width)."""
        logits = self.model.score(hidden.reshape(-1, hidden.shape[-1]))
        found = make_frequencies(logits, self._exponentials).view(*hidden.shape[:2], -1)
        yield from found.unbind(dim=1)

    def needs(self, escaped: Tensor) -> bool:
        """Tell whether to look for tokens that are no candidates; on a GPU always, for asking it would wait for it."""
        return escaped.is_cuda or bool(escaped.any())

    def everything(self, bits: int) -> Interval:
        """Return the interval that costs nothing, for every row."""
        return Interval(torch.zeros_like(self.lengths), torch.full_like(self.lengths, 1 << bits), bits)


@torch.inference_mode()
def encode(
    texts: Sequence[Sequence[int]], lanes: Sequence[int], model: Model, settings: Settings, watch: Watch
) -> list[bytes]:
    """Encode texts of tokens, each in so many lanes. A text's stream does not depend on the others."""
    layout = Layout.of([len(text) for text in texts], lanes)
    steps = _Steps(model, layout, settings)
    rows = layout.arrange(texts).to(model.device)
    intervals: list[Interval] = []
    for at, frequencies in enumerate(_known(steps, rows)):
        watch(at, layout.steps)
        prediction = steps.mixture.predict(frequencies)
        active = steps.lengths > at
        tokens = rows[:, at]
        candidate, escape = _place(steps, prediction, frequencies, tokens, active)
        intervals.append(candidate)
        if escape is not None:
            intervals.append(escape)
        steps.mixture.learn(prediction, tokens, active)
    streams: list[bytes] = []
    first = 0
    for count in lanes:
        streams.append(encode_intervals(intervals, slice(first, first + count)))
        first += count
    return streams


@torch.inference_mode()
def decode(
    streams: Sequence[bytes],
    counts: Sequence[int],
    lanes: Sequence[int],
    model: Model,
    settings: Settings,
    watch: Watch,
) -> list[list[int] | None]:
    """Decode streams to texts of so many tokens; None stands for one that does not end as it should.

    Raises PayloadDamaged for a stream of no possible length.
    """
    layout = Layout.of(counts, lanes)
    decoder = Decoder(streams, lanes, model.device)
    steps = _Steps(model, layout, settings)
    rows = torch.zeros((len(layout.lengths), layout.steps), dtype=torch.int64, device=model.device)
    hidden = steps.reader.first()
    for at in range(layout.steps):
        watch(at, layout.steps)
        (frequencies,) = steps.frequencies(hidden)
        prediction = steps.mixture.predict(frequencies)
        active = steps.lengths > at
        tokens = _find(steps, prediction, frequencies, decoder, active)
        rows[:, at] = tokens
        steps.mixture.learn(prediction, tokens, active)
        if at + 1 < layout.steps:
            (hidden,) = steps.reader.read(tokens[:, None])
    ended = decoder.finish().cpu()
    found: list[list[int] | None] = []
    first = 0
    for text, count in zip(layout.collect(rows.cpu()), lanes, strict=True):
        found.append(text if ended[first : first + count].all() else None)
        first += count
    return found


def _known(steps: _Steps, rows: Tensor) -> Iterator[Tensor]:
    """Yield the frequencies before each position of known rows (rows, steps)."""
    total = rows.shape[1]
    if total:
        yield from steps.frequencies(steps.reader.first())
    at = 0
    while at < total - 1:
        count = min(steps.reader.room(), total - 1 - at)
        for hidden in steps.reader.read(rows[:, at : at + count]):
            yield from steps.frequencies(hidden)
        at += count


def _place(
    steps: _Steps, prediction: Prediction, frequencies: Tensor, tokens: Tensor, active: Tensor
) -> tuple[Interval, Interval | None]:
    hit = prediction.tokens == tokens[:, None]
    escaped = active & ~hit.any(dim=1)
    index = torch.where(escaped, CANDIDATES, hit.long().argmax(dim=1))[:, None]
    size = prediction.chances.gather(1, index)[:, 0]
    start = prediction.chances.cumsum(dim=1).gather(1, index)[:, 0] - size
    everything = steps.everything(TOTAL_BITS)
    candidate = _choose(active, Interval(start, size, TOTAL_BITS), everything)
    if not steps.needs(escaped):
        return candidate, None
    ends = spread(frequencies, prediction.tokens)
    bits = interval_bits(steps.vocabulary)
    return candidate, _choose(escaped, interval_of(ends, tokens), steps.everything(bits))


def _find(steps: _Steps, prediction: Prediction, frequencies: Tensor, decoder: Decoder, active: Tensor) -> Tensor:
    ends = prediction.chances.cumsum(dim=1)
    index = find_token(ends, decoder.peek(TOTAL_BITS))[:, None]
    size = prediction.chances.gather(1, index)[:, 0]
    start = ends.gather(1, index)[:, 0] - size
    everything = steps.everything(TOTAL_BITS)
    decoder.take(_choose(active, Interval(start, size, TOTAL_BITS), everything))
    escaped = active & (index[:, 0] == CANDIDATES)
    tokens = prediction.tokens.gather(1, index.clamp(max=CANDIDATES - 1))[:, 0]
    if steps.needs(escaped):
        bits = interval_bits(steps.vocabulary)
        limits = spread(frequencies, prediction.tokens)
        others = find_token(limits, decoder.peek(bits))
        decoder.take(_choose(escaped, interval_of(limits, others), steps.everything(bits)))
        tokens = torch.where(escaped, others, tokens)
    return torch.where(active, tokens, 0)


def _choose(which: Tensor, one: Interval, other: Interval) -> Interval:
    return Interval(torch.where(which, one.start, other.start), torch.where(which, one.size, other.size), one.bits)
