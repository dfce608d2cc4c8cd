"""The coders that mix contexts: exact for every layout, the same without a compiler, bounded on damage."""

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panini_daemon.compressors import Level, PayloadDamaged
from panini_daemon.compressors.images import Layout, decode_pixels, encode_pixels
from panini_daemon.compressors.images.mixers import (
    DRAWING,
    EVERY_DRAWING,
    EVERY_PICTURE,
    MIXERS,
    PICTURE,
    choose_drawing,
    choose_mixers,
    decode_mixed,
    encode_mixed,
)

pytestmark = pytest.mark.slow  # the kernels take seconds to compile

LAYOUTS = st.builds(Layout, st.integers(1, 12), st.integers(1, 9), st.integers(1, 4), st.sampled_from([1, 2, 4, 8, 16]))


@st.composite
def images(draw: st.DrawFn) -> tuple[bytes, Layout]:
    layout, seed = draw(LAYOUTS), draw(st.integers(0, 99))
    chance = np.random.default_rng(seed)
    style = draw(st.sampled_from(["noise", "few", "steps", "flat", "ends"]))
    if style == "noise":
        return chance.bytes(layout.size), layout
    if style == "flat":
        return bytes([seed]) * layout.size, layout
    if style == "steps":
        return (np.arange(layout.size) // 3 % 256).astype(np.uint8).tobytes(), layout
    values = np.frombuffer(b"\0\xff" if style == "ends" else b"\0\x11\xfe", np.uint8)
    return chance.choice(values, layout.size).tobytes(), layout


@given(image=images(), coder=st.sampled_from(MIXERS))
@settings(max_examples=80, deadline=None)
def test_any_rows_come_back_exactly(image: tuple[bytes, Layout], coder: int) -> None:
    rows, layout = image
    if coder not in (DRAWING, EVERY_DRAWING) and layout.bits != 8:
        return
    stream = encode_mixed(rows, layout, coder)
    assert stream is None or decode_mixed(stream, layout, coder) == rows


@given(body=st.binary(max_size=60), layout=LAYOUTS, coder=st.sampled_from(MIXERS))
@settings(max_examples=80, deadline=None)
def test_junk_is_refused_or_gives_the_size_asked(body: bytes, layout: Layout, coder: int) -> None:
    try:
        rows = decode_pixels(bytes([coder]) + body, layout)
    except PayloadDamaged:
        return
    assert len(rows) == layout.size


def test_a_stream_cut_short_is_refused() -> None:
    layout = Layout(64, 64)
    rows = np.random.default_rng(1).integers(0, 128, layout.size, np.uint8).tobytes()
    for coder in (DRAWING, PICTURE):
        stream = encode_mixed(rows, layout, coder)
        assert stream is not None
        with pytest.raises(PayloadDamaged, match="ends before"):
            decode_mixed(stream[: len(stream) // 2], layout, coder)


def test_each_coder_is_better_at_what_it_is_for() -> None:
    row, column = np.mgrid[0:96, 0:96]
    noise = np.random.default_rng(1).normal(0, 3, (96, 96, 3))
    photo = (128 + 60 * np.sin(row / 15 + column / 22)[..., None] + noise).clip(0, 255).astype(np.uint8)
    tile = np.random.default_rng(2).choice(np.array([3, 90, 200], np.uint8), (12, 12, 3))
    drawing = np.tile(tile, (8, 8, 1))
    layout = Layout(96, 96, 3)
    sizes = {
        (name, coder): len(encode_mixed(rows.tobytes(), layout, coder) or rows.tobytes())
        for name, rows in (("photo", photo), ("drawing", drawing))
        for coder in (DRAWING, PICTURE)
    }
    assert sizes["photo", PICTURE] < sizes["photo", DRAWING]
    assert sizes["drawing", PICTURE] < 1.05 * sizes["drawing", DRAWING]


def test_at_best_the_smallest_stream_is_kept_where_rows_are_alike() -> None:
    layout = Layout(200, 90, 3)
    rows = (np.arange(layout.size) // 3 % 7 // 3).astype(np.uint8).tobytes()
    stream = encode_pixels(rows, layout, Level.BEST)
    mixed = [encode_mixed(rows, layout, coder) or rows for coder in MIXERS]
    assert len(stream) <= 1 + min(map(len, mixed))
    assert decode_pixels(stream, layout) == rows


def test_the_smallest_stream_is_kept() -> None:
    layout = Layout(96, 40)
    rows = (np.arange(layout.size) * 7 % 31 % 11).astype(np.uint8).tobytes()
    stream = encode_pixels(rows, layout, Level.MAX)
    mixed = [encode_mixed(rows, layout, coder) or rows for coder in MIXERS]
    assert len(stream) <= 1 + min(map(len, mixed))
    assert decode_pixels(stream, layout) == rows


def paint(kind: str) -> tuple[bytes, Layout]:
    """Draw a frame and a few dots: on a plain ground, or on columns or rows of many colours."""
    row, column = np.mgrid[0:120, 0:160]
    ground = {"plain": 0 * row, "columns": column * 37 % 251, "rows": row * 91 % 253}[kind]
    picture = np.repeat(ground[..., None], 3, axis=-1).astype(np.uint8)
    picture[20:100, 30:32] = picture[20:22, 30:130] = 200
    picture[50, 70:90:3] = (255, 0, 90)
    return picture.tobytes(), Layout(160, 120, 3)


@pytest.mark.parametrize("kind", ["plain", "columns", "rows"])
@pytest.mark.parametrize(("coder", "every"), [(DRAWING, EVERY_DRAWING), (PICTURE, EVERY_PICTURE)])
def test_one_bit_for_pixels_in_flat_surroundings_makes_the_stream_smaller(kind: str, coder: int, every: int) -> None:
    rows, layout = paint(kind)
    stream, mixed = encode_mixed(rows, layout, coder), encode_mixed(rows, layout, every)
    assert stream is not None
    assert mixed is not None
    assert len(stream) < len(mixed) * (0.5 if kind == "plain" else 1)
    assert decode_mixed(stream, layout, coder) == rows == decode_mixed(mixed, layout, every)


def test_who_codes_a_picture_is_told_by_its_size_and_surroundings() -> None:
    drawn, layout = paint("plain")
    noise = np.random.default_rng(5).bytes(layout.size)
    assert choose_mixers(drawn, layout, Level.BEST) == (PICTURE,)
    assert choose_mixers(noise, layout, Level.BEST) == (EVERY_PICTURE,)
    dotted = bytearray(drawn)
    dotted[::601] = b"\xff" * len(dotted[::601])
    assert choose_mixers(bytes(dotted), layout, Level.BEST) == (EVERY_PICTURE,)
    assert choose_drawing(drawn, layout) == DRAWING
    assert choose_drawing(bytes(dotted), layout) == EVERY_DRAWING
    assert choose_mixers(drawn, layout, Level.MAX) == (DRAWING, PICTURE)
    assert choose_mixers(bytes(24 * 24 * 4), Layout(24, 24, 4), Level.BEST) == MIXERS
    for bits in (1, 2, 4, 16):
        plain = Layout(512, 300, bits=bits)
        assert choose_mixers(bytes(plain.size), plain, Level.MAX) == (DRAWING,)
    assert choose_mixers(bytes(60), Layout(20, 24, bits=1), Level.BEST) == (EVERY_DRAWING, DRAWING)


_PLAIN = """
import hashlib
from panini_daemon.compressors.images.layout import Layout
from panini_daemon.compressors.images.mixers import DRAWING, EVERY_DRAWING, MIXERS, decode_mixed, encode_mixed
layouts = [Layout(4, 3, 3), Layout(5, 3, 1), Layout(3, 2, 4), Layout(11, 6, 1, 1), Layout(3, 3, 1, 16), Layout(9, 8, 1)]
for layout in layouts:
    rows = bytes(at * at // 40 % 5 * 9 * (at < 50) for at in range(layout.size))
    for coder in MIXERS if layout.bits == 8 else (EVERY_DRAWING, DRAWING):
        stream = encode_mixed(rows, layout, coder)
        assert stream is None or decode_mixed(stream, layout, coder) == rows
        print(stream and stream.hex())
"""


def test_kernels_give_the_same_streams_without_a_compiler() -> None:
    plain, compiled = (
        subprocess.run(
            [sys.executable, "-W", "error", "-c", _PLAIN],
            env={**os.environ, "NUMBA_DISABLE_JIT": disabled},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for disabled in ("1", "0")
    )
    assert plain == compiled
    assert "None" not in plain
