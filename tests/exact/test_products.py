import pytest
import torch

from panini_daemon.compressors.exact.products import FLOAT32_TERMS, INT32_TERMS, Kernel, Matrix, choose_kernel, multiply

CPU = torch.device("cpu")


def extreme(rows: int, width: int, value: int) -> torch.Tensor:
    return torch.full((rows, width), value, dtype=torch.int8)


def both_ways(rows: torch.Tensor, values: torch.Tensor) -> list[torch.Tensor]:
    scales = torch.ones(values.shape[0])
    kernels = {Kernel.FLOAT32, choose_kernel(CPU)}
    return [multiply(rows.float(), Matrix.of(values, scales, kernel)) for kernel in kernels]


@pytest.mark.parametrize("width", [8, FLOAT32_TERMS, FLOAT32_TERMS + 8, 1536, 4096])
@pytest.mark.parametrize("sign", [1, -1])
def test_the_largest_sums_are_exact_on_every_path(width: int, sign: int) -> None:
    expected = torch.full((3, 5), float(sign * 127 * 127 * width))
    for found in both_ways(extreme(3, width, 127), extreme(5, width, sign * 127)):
        assert torch.equal(found, expected)


def test_odd_sums_beyond_float32_are_rounded_once() -> None:
    rows, values = extreme(1, 2400, 127), extreme(1, 2400, 127)
    values[0, 0] = 126
    exact = 127 * 127 * 2400 - 127
    assert exact > 1 << 24
    for found in both_ways(rows, values):
        assert found.item() == torch.tensor(exact, dtype=torch.int64).float().item()


@pytest.mark.parametrize("threads", [1, 2])
def test_random_products_agree_with_64_bit_integers(threads: int) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        rows = torch.randint(-127, 128, (37, 1536), generator=torch.Generator().manual_seed(1)).to(torch.int8)
        values = torch.randint(-127, 128, (48, 1536), generator=torch.Generator().manual_seed(2)).to(torch.int8)
        for found in both_ways(rows, values):
            assert torch.equal(found, (rows.long() @ values.long().t()).float())
    finally:
        torch.set_num_threads(before)


@pytest.mark.gpu
@pytest.mark.parametrize("rows", [1, 16, 17, 33, 70])
@pytest.mark.parametrize(("outputs", "inputs"), [(5, 8), (16, 1536), (12, 2401)])
def test_products_of_every_shape_on_a_gpu_agree_with_64_bit_integers(rows: int, outputs: int, inputs: int) -> None:
    if not torch.cuda.is_available():
        pytest.skip("this torch sees no CUDA device")
    device = torch.device("cuda:0")
    left = torch.randint(-127, 128, (rows, inputs), generator=torch.Generator().manual_seed(1)).to(torch.int8)
    right = torch.randint(-127, 128, (outputs, inputs), generator=torch.Generator().manual_seed(2)).to(torch.int8)
    expected = (left.long() @ right.long().t()).float()
    for kernel in {Kernel.FLOAT32, choose_kernel(device)}:
        matrix = Matrix.of(right.to(device), torch.ones(outputs, device=device), kernel)
        assert torch.equal(multiply(left.float().to(device), matrix).cpu(), expected)


def test_a_layer_too_wide_for_int32_is_refused() -> None:
    with pytest.raises(ValueError, match="expected at most"):
        Matrix.of(torch.zeros((1, INT32_TERMS + 1), dtype=torch.int8), torch.ones(1), Kernel.INT8)


def test_a_device_whose_int8_product_saturates_is_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    def saturating(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        return (left.float() @ right.float()).clamp(-32768 * 512, 32767 * 512).int()

    monkeypatch.setattr(torch, "_int_mm", saturating)
    assert choose_kernel(CPU) is Kernel.FLOAT32


def test_a_device_without_an_int8_product_takes_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError

    monkeypatch.setattr(torch, "_int_mm", absent)
    assert choose_kernel(CPU) is Kernel.FLOAT32
