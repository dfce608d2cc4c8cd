import math

import torch

from panini_daemon.compressors.language.logistic import LARGEST, ONE, UNIT, make_logistic

TABLES = make_logistic(torch.device("cpu"))


def test_logarithms_are_near_the_true_ones() -> None:
    numbers = torch.tensor([1, 2, 3, 1000, 12345, (1 << 20) + 1, 1 << 52])
    expected = torch.tensor([math.log(number) * UNIT for number in numbers.tolist()])
    assert (TABLES.log(numbers) - expected).abs().max() <= 2


def test_squash_undoes_stretch() -> None:
    parts = torch.tensor([1, 30, 5000, ONE // 2, ONE - 5000, ONE - 30])
    back = TABLES.squash(TABLES.stretch(parts, torch.full_like(parts, ONE)))
    assert ((back - parts).abs() <= 1 + (torch.minimum(parts, ONE - parts) >> 8)).sum() == 5  # the first is clamped


def test_chances_rise_and_are_never_certain() -> None:
    assert (torch.diff(TABLES.chances) >= 0).all()
    assert TABLES.chances[0] >= 1
    assert TABLES.chances[-1] < ONE
    assert TABLES.chances[LARGEST] == ONE // 2
