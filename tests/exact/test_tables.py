import math

import pytest
import torch

from panini_daemon.compressors.errors import ModelDamaged
from panini_daemon.compressors.exact import tables


def test_exponentials_are_floors_of_the_true_values() -> None:
    table = tables.exponentials().tolist()
    assert table[0] == 1 << 20
    assert table[-1] == 0
    for index in range(1, tables.ENTRIES - 1, 97):
        assert abs(table[index] - math.exp(-index / tables.STEP) * 2**20) <= 1 + 1e-6


def test_sigmoids_are_near_the_true_values_and_symmetric() -> None:
    table = tables.sigmoids().double()
    places = (torch.arange(len(table)) - len(table) // 2) / tables.SIGMOID_STEP
    assert (table - torch.sigmoid(places.double())).abs().max() < 2.0**-22
    middle = len(table) // 2
    assert torch.equal(table[middle + 1 :] + table[1:middle].flip(0), torch.ones(middle - 1, dtype=torch.float64))


def test_rotations_are_near_the_true_values() -> None:
    cosines, sines = tables.make_rotations(300, 16, 10000)
    angles = torch.arange(300, dtype=torch.float64)[:, None] * 10000 ** (-torch.arange(0, 16, 2) / 16).double()
    assert (cosines - angles.cos()).abs().max() < 1e-6
    assert (sines - angles.sin()).abs().max() < 1e-6


def test_rotations_are_the_pinned_numbers() -> None:
    table = torch.stack(tables.make_rotations(64, 16, 10000))
    assert tables.digest(table) == "cc09c61bab6bcefe1c6cee133011f9fa19b6885b5d1b1cd7df5574d53eb14f0e"


def test_a_table_that_is_not_as_pinned_is_refused() -> None:
    with pytest.raises(ModelDamaged, match="whole numbers"):
        tables.require(torch.tensor([1, 2]), "0" * 64, "exponentials")
