"""Exponentials, sigmoids, sines and cosines, tabulated with whole numbers alone and pinned by SHA-256."""

import hashlib
from decimal import Decimal, localcontext
from functools import cache

import numpy as np
import torch
from torch import Tensor

from panini_daemon.compressors.errors import ModelDamaged

STEP = 512
"""Steps of the exponential table per unit."""
RANGE = 14
"""Units that it spans; beyond, the exponential counts as zero."""
ENTRIES = STEP * RANGE
"""Entries of the exponential table; the last is 0."""
SIGMOID_STEP = 1024
SIGMOID_RANGE = 16
_BITS = 160
"""Bits of the fixed-point numbers that the tables are made with."""
_ONE = 1 << _BITS

_EXPONENTIALS = "91be8437731a36828430e33c27bfc52d28bfe355ac53a67fd2e2c1cf18d77552"
_SIGMOIDS = "21dd9573e42cf3bffc0bdbd077e6db02505e958a7eecf540cc5944b630319231"


def make_exponentials(bits: int) -> Tensor:
    """Return floor(2**bits * exp(-index / STEP)) for each index below ENTRIES, the last 0, as int32."""
    powers = _powers(ENTRIES)
    values = [power >> (_BITS - bits) for power in powers]
    values[-1] = 0
    return torch.tensor(values, dtype=torch.int32)


def make_sigmoids() -> Tensor:
    """Return the sigmoid of (index / SIGMOID_STEP - SIGMOID_RANGE) as float32, to 24 bits after the point."""
    half = SIGMOID_STEP * SIGMOID_RANGE
    powers = _powers(half + 1, SIGMOID_STEP)
    above = [(_ONE << 24) // (_ONE + power) for power in powers]
    values = [(1 << 24) - above[-index] if index < 0 else above[index] for index in range(-half, half)]
    return (torch.tensor(values, dtype=torch.float64) * 2.0**-24).float()


def make_rotations(positions: int, width: int, base: int) -> tuple[Tensor, Tensor]:
    """Return cosines and sines (positions, width / 2) of rotary embedding: position * base ** (-2 i / width)."""
    columns = [_rotate(positions, _angle(index, width, base)) for index in range(width // 2)]
    turned = torch.tensor(columns, dtype=torch.float64).permute(2, 1, 0) * 2.0**-30
    return turned[0].float().contiguous(), turned[1].float().contiguous()


def digest(table: Tensor) -> str:
    """Return the SHA-256 of a table's values, little-endian."""
    values = table.cpu().numpy()
    return hashlib.sha256(values.astype(values.dtype.newbyteorder("<")).tobytes()).hexdigest()


def require(table: Tensor, expected: str, name: str) -> Tensor:
    """Return the table if its digest is as expected. Raises ModelDamaged."""
    found = digest(table)
    if found != expected:
        raise ModelDamaged(
            f"the table of {name} has SHA-256 {found}; expected {expected}; this machine does not compute with "
            "whole numbers as others do, so nothing may be encoded or decoded with a model here"
        )
    return table


@cache
def exponentials(bits: int = 20) -> Tensor:
    """Return the exponential table to 1 to 20 bits, checked to 20. Raises ModelDamaged."""
    return require(make_exponentials(20), _EXPONENTIALS, "exponentials") >> (20 - bits)


@cache
def sigmoids() -> Tensor:
    """Return the sigmoid table, checked. Raises ModelDamaged."""
    return require(make_sigmoids(), _SIGMOIDS, "sigmoids")


def _powers(count: int, step: int = STEP) -> list[int]:
    """List exp(-index / step) in fixed point, each the one before times exp(-1 / step), rounded down."""
    factor, term, order = _ONE, _ONE, 1
    while term:
        term //= step * order
        factor += -term if order % 2 else term
        order += 1
    powers = [_ONE]
    for _ in range(count - 1):
        powers.append(powers[-1] * factor >> _BITS)
    return powers


def _angle(index: int, width: int, base: int) -> int:
    """Return base ** (-2 index / width) in fixed point; decimal's exp and ln are correctly rounded by rule."""
    with localcontext(prec=60):
        return int((-(Decimal(2 * index) / Decimal(width)) * Decimal(base).ln()).exp() * _ONE)


def _rotate(count: int, angle: int) -> list[tuple[int, int]]:
    """List (cos, sin) of 0, 1, 2, ... times the angle, to 30 bits, each by turning the one before."""
    cosine, sine = _ONE, 0
    term, order = _ONE, 0
    turn = [0, 0]
    while term:
        turn[order % 2] += -term if order % 4 > 1 else term
        order += 1
        term = (term * angle >> _BITS) // order
    found: list[tuple[int, int]] = []
    half = 1 << (_BITS - 31)
    for _ in range(count):
        found.append(((cosine + half) >> (_BITS - 30), (sine + half) >> (_BITS - 30)))
        cosine, sine = (cosine * turn[0] - sine * turn[1]) >> _BITS, (cosine * turn[1] + sine * turn[0]) >> _BITS
    return found


def as_floats(table: Tensor) -> Tensor:
    """Return whole numbers below 2**24 as float32, unchanged."""
    return torch.from_numpy(table.numpy().astype(np.float32))
