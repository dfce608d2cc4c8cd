"""One step of encoding, over buffers that stay where they are: the same code eagerly and as a recorded graph."""

from collections.abc import Sequence

import torch
from torch import Tensor

from panini_daemon.compressors.exact.frequencies import Interval, interval_bits, interval_of, spread
from panini_daemon.compressors.language.coder import encode_intervals
from panini_daemon.compressors.language.mixture import CANDIDATES, TOTAL_BITS, Prediction
from panini_daemon.compressors.language.steps import Steps, choose


class EncodeStep:
    """All lanes' next tokens: placed by the mixture among the candidates, or else among all tokens, and learned."""

    def __init__(self, steps: Steps, rows: Tensor) -> None:
        """Begin before the first token of `rows` (rows, steps)."""
        count, total = rows.shape
        self._steps, self._rows = steps, rows
        self._bits = (TOTAL_BITS, interval_bits(steps.vocabulary))
        self._at = torch.zeros(1, dtype=torch.int64, device=steps.device)
        self._frequencies = torch.zeros((count, steps.vocabulary), dtype=torch.int32, device=steps.device)
        # Two intervals for each step, of which the second costs nothing where the token is a candidate. 2**28 at most.
        self._starts = torch.zeros((total, 2, count), dtype=torch.int32, device=steps.device)
        self._sizes = torch.empty_like(self._starts)
        for which, bits in enumerate(self._bits):
            self._sizes[:, which] = 1 << bits

    def feed(self, frequencies: Tensor) -> None:
        """Take the model's frequencies (rows, vocabulary) before the next token."""
        self._frequencies.copy_(frequencies)

    def run(self) -> None:
        """Place the next tokens and learn them."""
        steps = self._steps
        prediction = steps.mixture.predict(self._frequencies)
        active = steps.lengths > self._at
        tokens = self._rows.index_select(1, self._at)[:, 0]
        self._place(prediction, tokens, active)
        steps.mixture.learn(prediction, tokens, active)
        self._at.add_(1)

    def streams(self, lanes: Sequence[int]) -> list[bytes]:
        """Return the streams of texts of so many lanes each."""
        starts, sizes = (part.flatten(0, 1).cpu().numpy() for part in (self._starts, self._sizes))
        bits = self._bits * len(self._starts)
        ends = torch.tensor(lanes).cumsum(0).tolist()
        parts = [slice(end - count, end) for end, count in zip(ends, lanes, strict=True)]
        return [encode_intervals(starts[:, part], sizes[:, part], bits) for part in parts]

    def _place(self, prediction: Prediction, tokens: Tensor, active: Tensor) -> None:
        steps = self._steps
        hit = prediction.tokens == tokens[:, None]
        escaped = active & ~hit.any(dim=1)
        index = torch.where(escaped, CANDIDATES, hit.long().argmax(dim=1))[:, None]
        size = prediction.chances.gather(1, index)[:, 0]
        start = prediction.chances.cumsum(dim=1).gather(1, index)[:, 0] - size
        self._write(0, choose(active, Interval(start, size, TOTAL_BITS), steps.everything(TOTAL_BITS)))
        if steps.needs(escaped):
            everyone = interval_of(spread(self._frequencies, prediction.tokens), tokens)
            self._write(1, choose(escaped, everyone, steps.everything(everyone.bits)))

    def _write(self, which: int, interval: Interval) -> None:
        self._starts[:, which].index_copy_(0, self._at, interval.start[None].int())
        self._sizes[:, which].index_copy_(0, self._at, interval.size[None].int())
