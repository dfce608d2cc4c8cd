"""What a sample of the bytes tells before a codec is run on all of them.

Only codecs that see no structure are judged by it (`Compressor.by_sample`), and only against a payload that is there
already. Sizes decide, never times, so every machine comes to the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from panini_daemon.compressors.protocol import Compressor, Context, Level

PIECES, PIECE = 4, 1 << 14
WORTH = 1 << 19
"""Bytes of a chunk from which a sample is much cheaper than a trial."""
MARGINS: Mapping[Level, float] = {Level.BALANCED: 1.1, Level.BEST: 1.25}
"""By how much larger than the best a codec must look to be left out. `fast` tries one codec, `max` tries all."""


@dataclass(slots=True)
class Sample:
    """A sample of one chunk's bytes, and what each codec made of it."""

    data: bytes
    context: Context
    total: int
    _sizes: dict[str, int | None] = field(default_factory=dict)

    def is_ruled_out(self, plugin: Compressor, winner: Compressor, best: int) -> bool:
        """Tell whether a codec is clearly no match for `winner`, whose payload has `best` bytes.

        Two codecs without an eye for structure are compared on the sample, since both may find more in the whole
        than a sample shows; against any other, what the sample promises is compared with the payload.
        """
        mine = self._measure(plugin)
        other = self._measure(winner)
        if mine is None:
            return False
        if other is None:
            mine, other = mine * self.total // len(self.data), best
        return mine > other * MARGINS[self.context.level]

    def _measure(self, plugin: Compressor) -> int | None:
        """Return how many bytes a codec makes of the sample, None where that tells nothing of it."""
        if not plugin.by_sample:
            return None
        if plugin.method not in self._sizes:
            try:
                self._sizes[plugin.method] = len(plugin.compress(self.data, self.context).payload)
            except Exception:  # noqa: BLE001  a codec may raise anything; its trial on the whole chunk records it
                self._sizes[plugin.method] = None
        return self._sizes[plugin.method]


def take_sample(data: bytes, context: Context) -> Sample | None:
    """Take pieces spread over the bytes; None where the level rules nothing out or the bytes are few."""
    if context.level not in MARGINS or len(data) < WORTH:
        return None
    step = (len(data) - PIECE) // (PIECES - 1)
    pieces = [data[start : start + PIECE] for start in range(0, step * PIECES, step)]
    return Sample(b"".join(pieces), context, len(data))
