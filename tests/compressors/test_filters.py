"""Filters and the PPMd coder's guards."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panini_daemon.compressors import PayloadDamaged, ppmd
from panini_daemon.compressors.filters import ALL, apply_filter, choose_filter, read_filter, take_sample, undo_filter


@pytest.mark.parametrize("name", ALL)
@given(data=st.binary(max_size=200))
@settings(max_examples=15, deadline=None)
def test_a_filter_keeps_the_length_and_comes_undone(name: str, data: bytes) -> None:
    filtered = apply_filter(name, data)
    assert len(filtered) == len(data)
    assert undo_filter(name, filtered) == data


def test_a_delta_filter_takes_differences() -> None:
    assert apply_filter("delta2", bytes([10, 20, 11, 22, 12, 24])) == bytes([10, 20, 1, 2, 1, 2])


def test_the_filter_that_helps_is_chosen_and_none_where_none_does() -> None:
    ramp = b"".join((at * 3).to_bytes(2, "little") for at in range(2000))
    assert choose_filter(ramp, ALL, lambda data: len(set(data))) == "delta2"
    assert choose_filter(b"words " * 50, ALL, lambda data: len(set(data))) == "none"


@pytest.mark.parametrize("value", ["delta0", "delta257", "delta٣", "arm", 3, None])
def test_an_unknown_filter_is_refused(value: object) -> None:
    with pytest.raises(PayloadDamaged):
        read_filter({"filter": value})  # type: ignore[dict-item]


def test_a_sample_is_at_most_a_quarter_mebibyte() -> None:
    assert len(take_sample(bytes(1_000_001))) == 1 << 18
    assert take_sample(b"abc") == b"abc"


@pytest.mark.parametrize("order", [2, 8, 64])
def test_more_than_32_kib_of_incompressible_bytes_come_back(order: int) -> None:
    data = random.Random(order).randbytes(100_000)
    assert ppmd.decode(ppmd.encode(data, order, 22), order, 22, len(data)) == data


@given(junk=st.binary(min_size=1, max_size=60), size=st.integers(1, 5000), order=st.integers(2, 64))
@settings(max_examples=60, deadline=None)
def test_junk_never_brings_the_decoder_down(junk: bytes, size: int, order: int) -> None:
    try:
        data = ppmd.decode(junk, order, 20, size)
    except PayloadDamaged:
        return
    assert len(data) == size


def test_the_order_search_walks_to_the_smaller_side() -> None:
    data = b"".join(b"%d,%d\n" % (at, at * at) for at in range(900))
    orders = (2, 3, 4, 6, 8)
    sizes = {order: len(ppmd.encode(data, order, 22)) for order in orders}
    payload, order = ppmd.search_order(data, orders, 4, 22)
    assert len(payload) == sizes[order]
    assert sizes[order] <= sizes[4]
