"""Pixel coders: every layout comes back exactly, whichever coder wins, and damage is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panini_daemon.compressors import Level, PayloadDamaged
from panini_daemon.compressors.images import Layout, byte_coder, decode_pixels, encode_pixels, library_coders, streams
from panini_daemon.compressors.images.layout import pack_samples, unpack_samples

LAYOUTS = st.builds(Layout, st.integers(1, 20), st.integers(1, 9), st.integers(1, 4), st.sampled_from([1, 2, 4, 8, 16]))


@st.composite
def images(draw: st.DrawFn) -> tuple[bytes, Layout]:
    """Rows of noise, of few values or smooth."""
    layout = draw(LAYOUTS)
    style, seed = draw(st.sampled_from(["noise", "few", "smooth", "flat"])), draw(st.integers(0, 99))
    chance = np.random.default_rng(seed)
    if style == "noise":
        return chance.bytes(layout.size), layout
    if style == "few":
        return chance.choice(np.frombuffer(b"\0\x11\xff", np.uint8), layout.size).tobytes(), layout
    if style == "flat":
        return bytes([seed]) * layout.size, layout
    return (np.arange(layout.size) // 3 % 256).astype(np.uint8).tobytes(), layout


@given(image=images(), level=st.sampled_from([Level.FAST, Level.BALANCED]))
@settings(max_examples=40, deadline=None)
def test_any_rows_come_back_exactly_and_never_grow(image: tuple[bytes, Layout], level: Level) -> None:
    rows, layout = image
    stream = encode_pixels(rows, layout, level)
    assert decode_pixels(stream, layout) == rows
    assert len(stream) <= len(rows) + 1


@given(image=images())
@settings(max_examples=30, deadline=None)
def test_samples_are_unpacked_and_packed_again(image: tuple[bytes, Layout]) -> None:
    rows, layout = image
    samples = unpack_samples(rows, layout)
    assert samples.shape == (layout.height, layout.row_samples)
    assert pack_samples(samples, layout) == rows


def test_samples_of_few_bits_stand_from_the_high_bit_on() -> None:
    assert unpack_samples(b"\xb1", Layout(3, 1, bits=2)).tolist() == [[2, 3, 0, 1]]
    assert unpack_samples(b"\x01\x02", Layout(1, 1, bits=16)).tolist() == [[0x102]]


def test_colours_under_full_transparency_are_kept() -> None:
    layout = Layout(16, 16, 4)
    pixels = np.random.default_rng(2).integers(0, 256, (16, 16, 4), np.uint8)
    pixels[:, :, 3] = 0
    rows = pixels.tobytes()
    for encode, decode in (
        (library_coders.encode_jxl, library_coders.decode_jxl),
        (library_coders.encode_webp, library_coders.decode_webp),
    ):
        stream = encode(rows, layout, 5)
        assert stream is not None
        assert decode(stream, layout) == rows


@pytest.mark.parametrize(
    "layout",
    [Layout(37, 23), Layout(37, 23, 3), Layout(37, 23, 4), Layout(37, 23, 3, 16), Layout(37, 23, 1, 16)],
    ids=str,
)
def test_jpeg_xl_takes_all_that_it_is_said_to(layout: Layout) -> None:
    rows = np.random.default_rng(3).bytes(layout.size)
    stream = library_coders.encode_jxl(rows, layout, 3)
    assert stream is not None
    assert library_coders.decode_jxl(stream, layout) == rows


def test_a_stream_of_other_dimensions_is_refused_before_it_is_decoded() -> None:
    layout, other = Layout(16, 16, 3), Layout(16, 17, 3)
    rows = bytes(layout.size)
    for encode, decode in (
        (library_coders.encode_jxl, library_coders.decode_jxl),
        (library_coders.encode_webp, library_coders.decode_webp),
    ):
        stream = encode(rows, layout, 1)
        assert stream is not None
        with pytest.raises(PayloadDamaged, match="claims 16 x 16"):
            decode(stream, other)
        with pytest.raises(PayloadDamaged):
            decode(stream, Layout(16, 16, 1, 4))


@pytest.mark.parametrize("stream", [b"", b"\xff", b"\0short", b"\1\xff\x0a", b"\2RIFF", b"\3", b"\3\x33", b"\3\2\1"])
def test_what_is_no_stream_is_refused(stream: bytes) -> None:
    with pytest.raises(PayloadDamaged):
        decode_pixels(stream, Layout(5, 5, 3))


@given(coder=st.integers(0, 6), body=st.binary(max_size=80), layout=LAYOUTS)
@settings(max_examples=80, deadline=None)
def test_junk_is_refused_or_gives_the_size_asked(coder: int, body: bytes, layout: Layout) -> None:
    try:
        rows = decode_pixels(bytes([coder]) + body, layout)
    except PayloadDamaged:
        return
    assert len(rows) == layout.size


def test_rows_of_another_length_are_the_callers_mistake() -> None:
    with pytest.raises(ValueError, match="the layout asks for 75"):
        encode_pixels(b"123", Layout(5, 5, 3), Level.FAST)


@pytest.mark.parametrize(
    "sides", [(0, 1, 1, 8), (1, 0, 1, 8), (1, 1, 5, 8), (1, 1, 0, 8), (1, 1, 1, 3), (1 << 30, 4, 1, 8)]
)
def test_no_layout_has_what_no_image_has(sides: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError):
        Layout(*sides)


def test_rows_of_text_are_left_to_a_coder_of_bytes() -> None:
    rows = b"The quick brown fox jumps over the lazy dog, again and again. " * 60
    stream = encode_pixels(rows, Layout(60, 62), Level.BALANCED)
    assert stream[0] == streams.BYTES
    assert byte_coder.decode_bytes(stream[1:], Layout(60, 62)) == rows
