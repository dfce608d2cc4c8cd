import torch

from panini_daemon.compressors.exact.normalisation import inverse_rms
from panini_daemon.compressors.exact.products import LIMIT, Kernel, Matrix
from panini_daemon.compressors.exact.quantisation import TWO_LIMBS, apply_linear, quantise, split_limbs


def rows(seed: int = 3, count: int = 50, width: int = 96) -> torch.Tensor:
    return torch.randn((count, width), generator=torch.Generator().manual_seed(seed)) * 7


def test_quantised_rows_stay_within_the_limit_and_near_the_row() -> None:
    given = rows()
    for limit in (LIMIT, TWO_LIMBS):
        numbers, scales = quantise(given, limit)
        assert numbers.abs().amax(dim=1).tolist() == [limit] * len(given)
        assert torch.equal(numbers, numbers.round())
        assert ((numbers * scales - given).abs() <= scales * 0.51).all()


def test_a_row_of_zeros_stays_zero() -> None:
    numbers, scales = quantise(torch.zeros((2, 8)), LIMIT)
    assert not numbers.any()
    assert not scales.any()


def test_small_and_huge_rows_stay_within_the_limit_and_next_to_nothing_counts_as_zero() -> None:
    for size, largest in ((2.0**-90, TWO_LIMBS), (2.0**100, TWO_LIMBS), (2.0**-130, 0)):
        numbers, _ = quantise(rows() * size, TWO_LIMBS)
        assert numbers.abs().max() == largest


def test_limbs_are_int8_and_rebuild_every_number() -> None:
    numbers = torch.arange(-TWO_LIMBS, TWO_LIMBS + 1).float()
    high, low = split_limbs(numbers)
    assert high.abs().max() <= LIMIT
    assert low.abs().max() <= LIMIT
    assert torch.equal(high * 128 + low, numbers)


def test_two_limbs_are_nearer_to_the_float_layer_than_one() -> None:
    values = torch.randint(-127, 128, (40, 96), generator=torch.Generator().manual_seed(4)).to(torch.int8)
    matrix = Matrix.of(values, torch.full((40,), 1 / 256), Kernel.FLOAT32)
    exact = rows().double() @ (values.double() / 256).t()
    errors = [(apply_linear(rows(), matrix, limbs).double() - exact).abs().max() for limbs in (1, 2)]
    assert errors[1] < errors[0] / 50


def test_a_row_comes_out_the_same_whatever_stands_beside_it() -> None:
    values = torch.randint(-127, 128, (40, 96), generator=torch.Generator().manual_seed(4)).to(torch.int8)
    matrix = Matrix.of(values, torch.full((40,), 1 / 256), Kernel.FLOAT32)
    together = apply_linear(rows(), matrix, 2)
    for at in range(0, 50, 7):
        assert torch.equal(apply_linear(rows()[at : at + 1], matrix, 2)[0], together[at])


def test_the_inverse_rms_is_near_the_float_one_and_ignores_order() -> None:
    given = rows()
    found = inverse_rms(given, 1e-5)
    expected = 1 / torch.sqrt((given.double() ** 2).mean(dim=1, keepdim=True) + 1e-5)
    assert torch.allclose(found.double(), expected, rtol=1e-4)
    shuffled = given[:, torch.randperm(96, generator=torch.Generator().manual_seed(5))]
    assert torch.equal(inverse_rms(shuffled, 1e-5), found)
