"""Root mean squares over whole numbers."""

import torch
from torch import Tensor

from panini_daemon.compressors.exact.quantisation import quantise

_LIMIT = 32767


def inverse_rms(rows: Tensor, epsilon: float) -> Tensor:
    """Return 1 / sqrt(mean(row**2) + epsilon) for each row of (count, width), as (count, 1) float32.

    The row is quantised to 16 bits; squares are below 2**30 and their sum below 2**53 for widths to 2**23, so
    float64 adds them exactly. What follows is elementwise.
    """
    numbers, scales = quantise(rows, _LIMIT)
    wide = numbers.double()
    total = (wide * wide).sum(dim=-1, keepdim=True)
    scale = scales.double()
    mean = total * scale * scale / torch.full_like(total, rows.shape[-1])
    root = torch.sqrt(mean + torch.full_like(mean, epsilon))
    return (torch.ones_like(root) / root).float()
