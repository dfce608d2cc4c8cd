"""image_pixels_v2: every plain image file and GIF comes back to the byte, and damage is refused."""

import random

import numpy as np
import pytest
from fakes.pictures import FILES, SHAPES, TALL, drawing, save, tga
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from panini_daemon.compressors import Context, Device, Encoded, Kind, Level, NotApplicable, PayloadDamaged
from panini_daemon.compressors.image_pixels_v2 import ImagePixelsV2
from panini_daemon.compressors.images.gifs import find_frames
from panini_daemon.compressors.images.lzw import Unpacked, redo_lzw, undo_lzw
from panini_daemon.compressors.images.open_rasters import find_open_raster

STARTS = [b"BM", b"P4 ", b"P5 ", b"P6\n", b"P7\nWIDTH 3\n", b"II*\0", b"MM\0*", b"\0\0\2", b"\0\1\1", b"GIF89a"]


def encode(data: bytes, level: Level = Level.FAST) -> Encoded:
    return ImagePixelsV2().compress(data, Context(level, Kind.IMAGE))


def decode(payload: bytes, size: int) -> bytes:
    return ImagePixelsV2().decompress(payload, {}, size, Device())


@pytest.mark.parametrize("name", FILES)
def test_a_file_comes_back_exactly(name: str) -> None:
    data = FILES[name]()
    assert decode(encode(data).payload, len(data)) == data


@pytest.mark.slow
@pytest.mark.parametrize("level", [Level.BALANCED, Level.BEST, Level.MAX])
def test_a_file_comes_back_exactly_at_every_level(level: Level) -> None:
    for name in FILES:
        data = FILES[name]()
        assert decode(encode(data, level).payload, len(data)) == data


@pytest.mark.parametrize("name", [name for name in FILES if not name.startswith("gif")])
def test_pixels_are_found_where_they_lie(name: str) -> None:
    raster = find_open_raster(FILES[name]())
    assert raster is not None
    assert raster.layout.height == (39 if name == "tiff-planes" else 13)
    assert raster.layout.width == 18


def test_red_comes_first_and_the_high_byte_too() -> None:
    from panini_daemon.compressors.images.open_rasters import take_rows

    picture = Image.new("RGB", (3, 1), (1, 2, 3))
    for name in ("BMP", "PPM", "TGA"):
        data = save(picture, name)
        raster = find_open_raster(data)
        assert raster is not None
        assert take_rows(data, raster) == b"\1\2\3" * 3
    data = FILES["tiff-16"]()
    raster = find_open_raster(data)
    assert raster is not None
    assert take_rows(data, raster)[:4] == bytes([data[111], data[110], data[113], data[112]])


@pytest.mark.parametrize("name", ["gif", "gif-interlaced-tall", "gif-animation"])
def test_frames_of_a_gif_are_undone_to_rows_from_the_top(name: str) -> None:
    frames = find_frames(FILES[name](), 1 << 20)
    assert len(frames) == (3 if name == "gif-animation" else 1)
    if name != "gif-animation":
        assert frames[0].interlaced == (name == "gif-interlaced-tall")
        assert frames[0].rows == (TALL if frames[0].interlaced else SHAPES).tobytes()


def test_frames_beyond_the_pixels_allowed_stay_as_they_are() -> None:
    assert find_frames(FILES["gif"](), 18 * 13 - 1) == []


@pytest.mark.parametrize(
    "data", [b"BM", b"\0\0\2" + bytes(40), tga(24, 2)[:100], save(drawing(), "PNG"), b"GIF89a" * 9]
)
def test_what_is_no_such_file_is_turned_down(data: bytes) -> None:
    with pytest.raises(NotApplicable):
        encode(data)


def test_a_gif_cut_short_is_turned_down_or_comes_back() -> None:
    data = FILES["gif-animation"]()
    for size in range(0, len(data), 97):
        try:
            encoded = encode(data[:size])
        except NotApplicable:
            continue
        assert decode(encoded.payload, size) == data[:size]


@given(bits=st.integers(1, 8), count=st.integers(1, 3000), seed=st.integers(0, 999), data=st.data())
@settings(max_examples=60, deadline=None)
def test_codes_come_back_wherever_an_encoder_clears_its_table(
    bits: int, count: int, seed: int, data: st.DataObject
) -> None:
    chance = random.Random(seed)
    letters = data.draw(st.integers(1, 1 << bits))
    indices = bytes(chance.randrange(letters) for _ in range(count))
    counts = [0, *(chance.randrange(count + 1) for _ in range(data.draw(st.integers(0, 4))))]
    codes, runs = _encode_with(indices, bits, counts)
    found = undo_lzw(codes, bits, count)
    assert found == Unpacked(indices, runs)
    assert redo_lzw(found, bits, len(codes)) == codes


def _encode_with(indices: bytes, bits: int, counts: list[int]) -> tuple[bytes, tuple[int, ...]]:
    """An encoder written from the format's description: greedy, cleared after so many codes."""
    table: dict[bytes, int] = {}
    codes: list[tuple[int, int]] = []
    runs, number, at, free = [], 0, 0, (1 << bits) + 2

    def put(code: int) -> None:
        reader = (1 << bits) + 2 + max(number - 1, 0)
        codes.append((code, min(12, max(bits + 1, reader.bit_length()))))

    while at < len(indices):
        if counts and number == counts[0]:
            put(1 << bits)
            runs.append(number)
            counts.pop(0)
            table, number, free = {}, 0, (1 << bits) + 2
            continue
        length = 1
        while at + length < len(indices) and indices[at : at + length + 1] in table:
            length += 1
        here = indices[at : at + length]
        put(table[here] if length > 1 else here[0])
        number += 1
        if at + length < len(indices) and free < 4096:
            table[indices[at : at + length + 1]] = free
            free += 1
        at += length
    put((1 << bits) + 1)
    runs.append(number)
    value, place = 0, 0
    for code, width in codes:
        value |= code << place
        place += width
    return value.to_bytes((place + 7) // 8, "little"), tuple(runs)


@given(codes=st.binary(max_size=200), bits=st.integers(1, 8), count=st.integers(1, 400))
@settings(max_examples=80, deadline=None)
def test_any_codes_are_undone_to_what_makes_them_again_or_not_at_all(codes: bytes, bits: int, count: int) -> None:
    found = undo_lzw(codes, bits, count)
    assert found is None or redo_lzw(found, bits, len(codes)) == codes


@pytest.mark.parametrize("runs", [(1 << 40,), (0, 0, 1), (1, 5)])
def test_runs_that_the_indices_do_not_make_are_refused_or_give_other_codes(runs: tuple[int, ...]) -> None:
    try:
        codes = redo_lzw(Unpacked(b"\1\2\3", runs), 2, 50)
    except PayloadDamaged:
        return
    assert undo_lzw(codes, 2, 3) != Unpacked(b"\1\2\3", runs)


@given(start=st.sampled_from(STARTS), rest=st.binary(max_size=120))
@settings(max_examples=100, deadline=None)
def test_any_header_gives_pixels_inside_the_file_or_none(start: bytes, rest: bytes) -> None:
    data = start + rest
    raster = find_open_raster(data)
    assert raster is None or raster.fits(len(data))
    try:
        assert decode(encode(data).payload, len(data)) == data
    except NotApplicable:
        assert raster is None


@given(name=st.sampled_from(["bmp", "gif-animation", "tiff-16"]), at=st.integers(0, 10**6), bit=st.integers(0, 7))
@settings(max_examples=60, deadline=None)
def test_damage_is_refused_or_gives_the_size_asked(name: str, at: int, bit: int) -> None:
    size, payload = WRITTEN[name]
    for damaged in (payload[: at % len(payload)], _flip(payload, at % len(payload), bit)):
        try:
            assert len(decode(damaged, size)) == size
        except PayloadDamaged:
            continue


@pytest.mark.parametrize("payload", [b"", b"\2", b"\0", b"\1\0", b"\0\5\0\5" + bytes(5), b"\1\3\0\3\1\0\1"])
def test_what_is_no_payload_is_refused(payload: bytes) -> None:
    with pytest.raises(PayloadDamaged):
        decode(payload, 100)


def test_offers_come_for_images_and_with_time_for_what_has_no_signature() -> None:
    for level in Level:
        assert ImagePixelsV2().offer(Context(level, Kind.IMAGE)) is not None
        assert (ImagePixelsV2().offer(Context(level, Kind.BINARY)) is not None) == (level in (Level.BEST, Level.MAX))
        assert ImagePixelsV2().offer(Context(level, Kind.TEXT)) is None


def _flip(payload: bytes, at: int, bit: int) -> bytes:
    return payload[:at] + bytes([payload[at] ^ 1 << bit]) + payload[at + 1 :]


def _write(name: str) -> tuple[int, bytes]:
    data = FILES[name]()
    return len(data), encode(data).payload


WRITTEN = {name: _write(name) for name in ("bmp", "gif-animation", "tiff-16")}


def test_noise_grows_by_a_few_bytes_only() -> None:
    data = b"P6 64 64 255 " + np.random.default_rng(1).bytes(64 * 64 * 3)
    assert len(encode(data, Level.BALANCED).payload) < len(data) + 64
