"""The bytes beside samples and pixels: back to the byte, and refused where they are damaged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panini_daemon.compressors import PayloadDamaged
from panini_daemon.compressors.rest import deflate_rest, inflate_rest


@given(rest=st.binary(max_size=300))
def test_any_rest_comes_back(rest: bytes) -> None:
    assert inflate_rest(deflate_rest(rest), len(rest)) == rest


def test_a_rest_of_another_size_is_refused() -> None:
    for size in (0, 99, 101, 5000):
        with pytest.raises(PayloadDamaged, match=f"expected {size}"):
            inflate_rest(deflate_rest(bytes(100)), size)


@given(junk=st.binary(max_size=60))
def test_junk_is_refused_or_has_the_size_asked(junk: bytes) -> None:
    try:
        rest = inflate_rest(junk, 5)
    except PayloadDamaged:
        return
    assert len(rest) == 5
