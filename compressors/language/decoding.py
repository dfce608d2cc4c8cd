"""One step of decoding, over buffers that stay where they are: the same code eagerly and as a recorded graph."""

import torch
from torch import Tensor

from panini_daemon.compressors.exact.attention import BLOCK, Place
from panini_daemon.compressors.exact.frequencies import Interval, find_token, interval_bits, interval_of, spread
from panini_daemon.compressors.language.coder import Decoder
from panini_daemon.compressors.language.mixture import CANDIDATES, TOTAL_BITS, Prediction
from panini_daemon.compressors.language.steps import Steps, choose

_PARTS = 4
"""On a GPU, the keys that are looked at grow by a quarter of the window: four recordings."""


def count_unit(window: int, device: torch.device) -> int:
    """Return by how many keys what is looked at grows, a multiple of BLOCK; no number depends on it."""
    parts = _PARTS if device.type == "cuda" else window
    return -(-max(1, window // parts) // BLOCK) * BLOCK


class DecodeStep:
    """All lanes' next tokens: found by the coder, learned by the mixture, read by the model."""

    def __init__(self, steps: Steps, decoder: Decoder, total: int) -> None:
        """Begin before the first of `total` steps."""
        device, rows = steps.device, len(steps.lengths)
        self._steps, self._decoder = steps, decoder
        self._unit = count_unit(steps.reader.window, device)
        self.rows = torch.zeros((rows, total), dtype=torch.int64, device=device)
        self._at = torch.zeros(1, dtype=torch.int64, device=device)
        self._tokens = torch.zeros((rows, 1), dtype=torch.int64, device=device)
        self._hidden = steps.reader.first().clone()
        self._positions = torch.full((1,), steps.reader.position, dtype=torch.int64, device=device)

    def make_room(self, at: int) -> tuple[int, int]:
        """Before step `at`, start a new window where the old one is full; return the bounds of the place (see Place).

        The first `at` tokens are known.
        """
        reader = self._steps.reader
        if reader.is_full:
            reader.restart(self.rows[:, :at])
            self._positions.fill_(reader.position)
        first = reader.position // self._unit * self._unit
        reader.move_on()
        return first, min(first + self._unit, reader.size)

    def run(self, first: int, keys: int) -> None:
        """Find the next tokens and read them."""
        self.find()
        reader = self._steps.reader
        self._hidden.copy_(reader.step(self._tokens, Place(self._positions, first, keys)))
        self._positions.add_(1)

    def find(self) -> None:
        """Find the next tokens and learn them."""
        steps = self._steps
        (frequencies,) = steps.frequencies(self._hidden)
        prediction = steps.mixture.predict(frequencies)
        active = steps.lengths > self._at
        tokens = self._decode(prediction, frequencies, active)
        steps.mixture.learn(prediction, tokens, active)
        self._tokens.copy_(tokens[:, None])
        self.rows.index_copy_(1, self._at, self._tokens)
        self._at.add_(1)

    def _decode(self, prediction: Prediction, frequencies: Tensor, active: Tensor) -> Tensor:
        steps, decoder = self._steps, self._decoder
        ends = prediction.chances.cumsum(dim=1)
        index = find_token(ends, decoder.peek(TOTAL_BITS))[:, None]
        size = prediction.chances.gather(1, index)[:, 0]
        start = ends.gather(1, index)[:, 0] - size
        everything = steps.everything(TOTAL_BITS)
        decoder.take(choose(active, Interval(start, size, TOTAL_BITS), everything))
        escaped = active & (index[:, 0] == CANDIDATES)
        tokens = prediction.tokens.gather(1, index.clamp(max=CANDIDATES - 1))[:, 0]
        if steps.needs(escaped):
            bits = interval_bits(steps.vocabulary)
            limits = spread(frequencies, prediction.tokens)
            others = find_token(limits, decoder.peek(bits))
            decoder.take(choose(escaped, interval_of(limits, others), steps.everything(bits)))
            tokens = torch.where(escaped, others, tokens)
        return torch.where(active, tokens, 0)
