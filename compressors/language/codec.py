"""Tokens to streams and back: the model, the mixture and the coder put together.

Encoding runs the model over many known positions at once, decoding over one at a time; both then do the same
steps, on the same integers.
"""

from collections.abc import Callable, Sequence

import torch

from panini_daemon.compressors.exact.model import Model
from panini_daemon.compressors.exact.replay import Recorder, Replayer
from panini_daemon.compressors.language.coder import Decoder
from panini_daemon.compressors.language.decoding import DecodeStep
from panini_daemon.compressors.language.encoding import EncodeStep
from panini_daemon.compressors.language.lanes import Layout
from panini_daemon.compressors.language.steps import Settings, Steps

_TOGETHER = 64
"""Steps that are handed to a GPU at once, before `watch` hears of the next."""
Watch = Callable[[int, int], None]
"""Is told how many steps of how many are done; it may raise to stop the work."""


def count_memory_bits(tokens: int) -> int:
    """Return the size of the memory for a text of so many tokens, as a power of two from 10 to 20."""
    return min(20, max(10, tokens.bit_length() + 1))


@torch.inference_mode()
def encode(
    texts: Sequence[Sequence[int]],
    lanes: Sequence[int],
    model: Model,
    settings: Settings,
    watch: Watch,
    *,
    record: Recorder | None = None,
) -> list[bytes]:
    """Encode texts of tokens, each in so many lanes. A text's stream does not depend on the others.

    Where there is a way to `record` steps, they are recorded and replayed.
    """
    layout = Layout.of([len(text) for text in texts], lanes)
    steps, rows = Steps(model, layout, settings), layout.arrange(texts).to(model.device)
    step = EncodeStep(steps, rows)
    run = Replayer(lambda _first, _keys: step.run(), record)
    for at, frequencies in enumerate(steps.known_frequencies(rows)):
        _wait(at, model.device)
        watch(at, layout.steps)
        step.feed(frequencies)
        run(0, 0)
    return step.streams(lanes)


@torch.inference_mode()
def decode(
    streams: Sequence[bytes],
    counts: Sequence[int],
    lanes: Sequence[int],
    model: Model,
    settings: Settings,
    watch: Watch,
    *,
    record: Recorder | None = None,
) -> list[list[int] | None]:
    """Decode streams to texts of so many tokens; None stands for one that does not end as it should.

    Where there is a way to `record` steps, they are recorded and replayed.
    Raises PayloadDamaged for a stream of no possible length.
    """
    layout = Layout.of(counts, lanes)
    decoder = Decoder(streams, lanes, model.device)
    step = DecodeStep(Steps(model, layout, settings), decoder, layout.steps)
    run = Replayer(step.run, record)
    for at in range(layout.steps - 1):
        _wait(at, model.device)
        watch(at, layout.steps)
        run(*step.make_room(at))
    if layout.steps:
        watch(layout.steps - 1, layout.steps)
        step.find()  # nothing is to be predicted after the last token
    ended = decoder.finish().cpu()
    found: list[list[int] | None] = []
    first = 0
    for text, count in zip(layout.collect(step.rows.cpu()), lanes, strict=True):
        found.append(text if ended[first : first + count].all() else None)
        first += count
    return found


def _wait(at: int, device: torch.device) -> None:
    """Wait now and then for what a GPU was given to do."""
    if device.type == "cuda" and at % _TOGETHER == 0:
        torch.cuda.synchronize(device)
