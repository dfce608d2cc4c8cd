"""Making exact weights from float weights: int8 rows with a scale each, and value ranges measured on a text."""

from collections.abc import Callable

import torch
from torch import Tensor

from panini_daemon.compressors.exact.attention import Place
from panini_daemon.compressors.exact.model import Model
from panini_daemon.compressors.exact.products import LIMIT
from panini_daemon.compressors.exact.quantisation import quantise

HEADROOM = 1.25
"""How far beyond the largest value of the calibration text the values of attention may reach unclamped."""


def quantise_matrix(name: str, floats: Tensor) -> dict[str, Tensor]:
    """Turn float weights (outputs, inputs) into int8 rows and a float32 scale for each, by elementwise steps."""
    numbers, scales = quantise(floats.float(), LIMIT)
    return {name: numbers.to(torch.int8), name + ".scales": scales[:, 0].contiguous()}


@torch.inference_mode()
def measure_value_scales(
    model: Model, tokens: Tensor, tell: Callable[[int], None] = lambda _: None
) -> dict[str, Tensor]:
    """Run a text (1, count) through the model layer by layer and set every layer's value scales from it.

    Changes the model's own scales on the way, for each layer sees what the ones before make of the text.
    Whole numbers all the way: every machine finds the same scales. `tell` hears each finished layer's number.
    """
    shape = model.shape
    count = tokens.shape[1]
    hidden = model.embed(tokens.reshape(-1))
    found: dict[str, Tensor] = {}
    state, place = model.start(1, count), Place.of(0, count, model.device)
    limit = state.caches[0].limit
    for number, (layer, cache) in enumerate(zip(model.layers, state.caches, strict=True)):
        values = model.project(hidden, layer)[:, -shape.key_heads * shape.head_width :]
        largest = values.view(count, shape.key_heads, -1).abs().amax(dim=(0, 2)).clamp(min=2.0**-20)
        scales = largest * HEADROOM / torch.full_like(largest, limit)
        layer.value_scales.copy_(scales[:, None, None])
        found[f"layers.{number}.value_scales"] = layer.value_scales.cpu().clone()
        hidden = model.run_layer(hidden, layer, cache, 1, place)
        tell(number)
    return found
