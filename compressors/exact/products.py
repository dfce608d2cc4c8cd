"""Matrix products of small whole numbers, exact on every device."""

from dataclasses import dataclass
from enum import StrEnum

import torch
from torch import Tensor

LIMIT = 127
"""The largest absolute value of an int8 operand; -128 is never used."""
FLOAT32_EXACT = 1 << 24
"""Whole numbers up to this add up exactly in float32, in any order."""
FLOAT32_TERMS = FLOAT32_EXACT // LIMIT**2
"""How many products of two int8 operands float32 adds exactly: 1040."""
INT32_TERMS = ((1 << 31) - 1) // LIMIT**2
"""How many of them int32 adds exactly: 133,144; no model is that wide."""

_CUDA_ROWS = 32
"""cuBLAS wants more than 16 rows for int8."""
_ALIGNED = 8
"""cuBLAS wants both other sizes in multiples of this."""


class Kernel(StrEnum):
    """Which hardware path does the products; the numbers are the same."""

    INT8 = "int8"
    FLOAT32 = "float32"


@dataclass(frozen=True, slots=True, eq=False)
class Matrix:
    """Weights of one linear layer: int8 `values` (outputs, inputs) and a float32 scale for each output.

    `floats` holds the same whole numbers as float32 where the kernel is FLOAT32.
    """

    values: Tensor
    scales: Tensor
    floats: Tensor | None = None

    @classmethod
    def of(cls, values: Tensor, scales: Tensor, kernel: Kernel) -> "Matrix":
        """Prepare weights for a kernel. Raises ValueError where a product could leave int32."""
        if values.shape[1] > INT32_TERMS:
            raise ValueError(f"a layer has {values.shape[1]} inputs; expected at most {INT32_TERMS}")
        return cls(values, scales, values.float() if kernel is Kernel.FLOAT32 else None)


def multiply(rows: Tensor, matrix: Matrix) -> Tensor:
    """Multiply `rows` (count, inputs), whole numbers within +-127 as float32, with a matrix.

    Returns (count, outputs): exact sums, rounded once to float32. Bound: inputs * 127**2 < 2**31; in float32
    at most 1040 terms are added (< 2**24) and such parts are joined in float64 (< 2**53).
    """
    if matrix.floats is not None:
        return _multiply_floats(rows, matrix.floats)
    return _multiply_int8(rows.to(torch.int8), matrix.values).float()


def choose_kernel(device: torch.device) -> Kernel:
    """Find out whether the device multiplies int8 exactly, extremes included, else take float32.

    Processors without 8-bit dot products may saturate sums at 16 bits; what is wrong here is never used.
    """
    terms = torch.arange(2048, device=device)
    for rows in (1, 33):
        for signs in ((1, 1), (1, -1), (-1, -1)):
            left = torch.full((rows, 2048), signs[0] * LIMIT, dtype=torch.int8, device=device)
            right = torch.full((16, 2048), signs[1] * LIMIT, dtype=torch.int8, device=device)
            right[1::2, ::2] = (terms[::2] % 255 - LIMIT).to(torch.int8)
            try:
                found = _multiply_int8(left, right)
            except (RuntimeError, NotImplementedError, AttributeError):
                return Kernel.FLOAT32
            if not torch.equal(found.double(), left.double() @ right.double().t()):
                return Kernel.FLOAT32
    return Kernel.INT8


def _multiply_int8(rows: Tensor, values: Tensor) -> Tensor:
    if not rows.is_cuda:
        return torch._int_mm(rows, values.t())  # noqa: SLF001  the one int8 product that torch has
    count, outputs = rows.shape[0], values.shape[0]
    short = max(0, _CUDA_ROWS - count)
    narrow, shallow = -outputs % _ALIGNED, -rows.shape[1] % _ALIGNED
    if short or shallow:
        rows = torch.nn.functional.pad(rows, (0, shallow, 0, short))
    if narrow or shallow:
        values = torch.nn.functional.pad(values, (0, shallow, 0, narrow))
    return torch._int_mm(rows, values.t())[:count, :outputs]  # noqa: SLF001


def _multiply_floats(rows: Tensor, floats: Tensor) -> Tensor:
    inputs = rows.shape[1]
    if inputs <= FLOAT32_TERMS:
        return rows @ floats.t()
    parts = -(-inputs // FLOAT32_TERMS)
    step = -(-inputs // parts)
    total = torch.zeros((rows.shape[0], floats.shape[0]), dtype=torch.float64, device=rows.device)
    for start in range(0, inputs, step):
        total += rows[:, start : start + step] @ floats[:, start : start + step].t()
    return total.float()
