import pytest
import torch

from panini_daemon.compressors.exact import attention, tables
from panini_daemon.compressors.exact.attention import Cache, Place, attend, key_limit, sum_blocks, value_limit
from panini_daemon.compressors.exact.products import FLOAT32_EXACT

CPU = torch.device("cpu")
SCALES = torch.full((2, 1, 1), 1 / 64)


def table() -> torch.Tensor:
    return tables.as_floats(tables.exponentials(attention.EXPONENTIAL_BITS))


def numbers(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def filled(count: int, window: int = 128) -> Cache:
    cache = Cache.empty(3, 2, window, 16, CPU)
    keys, values = numbers(3, 2, 100, 16), numbers(3, 2, 100, 16, seed=2)
    cache.append(keys[:, :, :count], values[:, :, :count], SCALES, torch.arange(count))
    return cache


def test_bounds_keep_every_sum_within_float32() -> None:
    for width in (16, 32, 64, 80, 128, 256):
        assert width * key_limit(width) ** 2 <= FLOAT32_EXACT
        assert key_limit(width) >= 127
    for window in (128, 1024, 2048, 8192):
        assert ((1 << 15) + window / 2) * value_limit(window) <= FLOAT32_EXACT
    assert attention.BLOCK << attention.EXPONENTIAL_BITS <= FLOAT32_EXACT


def test_the_largest_block_sums_are_exact() -> None:
    weights = torch.full((2, 512), float(1 << attention.EXPONENTIAL_BITS))
    weights[1, 0] -= 1
    assert sum_blocks(weights)[:, 0].tolist() == [512 << 18, (512 << 18) - 1]


def test_attention_is_near_the_float_one() -> None:
    queries = numbers(3, 2, 2, 100, 16, seed=3)
    found = attend(queries, filled(100), SCALES, table(), Place.of(0, 100, CPU))
    keys, values = numbers(3, 2, 100, 16), numbers(3, 2, 100, 16, seed=2)
    scores = queries @ keys[:, :, None].transpose(3, 4) / 4
    scores.masked_fill_(torch.ones(100, 100, dtype=torch.bool).triu(1), float("-inf"))
    assert torch.allclose(found, scores.softmax(-1) @ values[:, :, None], atol=0.03)


def test_a_query_sees_the_same_however_calls_are_cut() -> None:
    queries = numbers(3, 2, 2, 100, 16, seed=3)
    together = attend(queries, filled(100), SCALES, table(), Place.of(0, 100, CPU))
    for at in (0, 1, 63, 64, 99):
        alone = attend(queries[:, :, :, at : at + 1], filled(at + 1), SCALES, table(), Place.of(at, 1, CPU))
        assert torch.equal(alone[:, :, :, 0], together[:, :, :, at])


def test_tiles_do_not_change_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    queries = numbers(3, 2, 2, 100, 16, seed=3)
    whole = attend(queries, filled(100), SCALES, table(), Place.of(0, 100, CPU))
    for tile in (1, 2000, 20000):
        monkeypatch.setattr(attention, "_TILE", tile)
        assert torch.equal(attend(queries, filled(100), SCALES, table(), Place.of(0, 100, CPU)), whole)


def test_what_lies_beyond_the_present_is_not_seen() -> None:
    queries = numbers(3, 2, 2, 1, 16, seed=3)
    cache = filled(40)
    before = attend(queries, cache, SCALES, table(), Place.of(39, 1, CPU))
    cache.keys[:, :, 40:] = 300
    cache.key_scales[..., 40:] = 2
    cache.values[:, :, 40:] = 300
    assert torch.equal(attend(queries, cache, SCALES, table(), Place.of(39, 1, CPU)), before)


@pytest.mark.parametrize(("first", "keys"), [(0, 64), (0, 128), (39, 64), (12, 128)])
def test_looser_bounds_do_not_change_a_number(first: int, keys: int) -> None:
    queries, cache = numbers(3, 2, 2, 1, 16, seed=3), filled(40)
    tight = attend(queries, cache, SCALES, table(), Place.of(39, 1, CPU))
    cache.keys[:, :, 40:] = 300
    cache.key_scales[..., 40:] = 2
    loose = Place(torch.tensor([39]), first, keys)
    assert torch.equal(attend(queries, cache, SCALES, table(), loose), tight)


def test_values_beyond_the_scale_are_clamped() -> None:
    cache = Cache.empty(1, 2, 64, 16, CPU)
    cache.append(numbers(1, 2, 1, 16), torch.full((1, 2, 1, 16), 1e9), SCALES, torch.tensor([0]))
    assert cache.values.max() == value_limit(64)


def test_the_limit_of_values_is_that_of_the_window_however_much_room_there_is() -> None:
    assert Cache.empty(1, 1, 8192, 16, CPU, 64).limit == value_limit(8192) < value_limit(64)


def test_a_window_that_is_no_multiple_of_a_block_is_refused() -> None:
    with pytest.raises(ValueError, match="multiple"):
        Cache.empty(1, 1, 100, 16, CPU)
