"""Image codecs: the exact file comes back, whatever surrounds the pixels."""

import io
import struct
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from panini_daemon.compressors import Context, Device, Encoded, Kind, Level, NotApplicable, PayloadDamaged, jxl
from panini_daemon.compressors.image_jxl import ImageJxl
from panini_daemon.compressors.image_pixels import ImagePixels
from panini_daemon.compressors.rasters import find_raster

ROW, COLUMN = np.mgrid[0:23, 0:37]
COLOUR = np.stack([ROW * 7, COLUMN * 5, (ROW * COLUMN) // 3], axis=-1).astype(np.uint8)


def save(array: np.ndarray, name: str, **options: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(array).save(out, name, **options)
    return out.getvalue()


def with_alpha() -> bytes:
    alpha = (ROW * COLUMN % 256).astype(np.uint8)
    return save(np.dstack([COLOUR, alpha]), "BMP")


FILES: dict[str, Callable[[], bytes]] = {
    "bmp": lambda: save(COLOUR, "BMP"),
    "bmp 32": with_alpha,
    "bmp 8": lambda: save(COLOUR[..., 0], "BMP"),
    "bmp and trailer": lambda: save(COLOUR, "BMP") + b"trailer" * 9,
    "bmp with odd padding": lambda: bytes(b | 1 if at % 114 > 110 else b for at, b in enumerate(save(COLOUR, "BMP"))),
    "ppm": lambda: save(COLOUR, "PPM"),
    "pgm": lambda: save(COLOUR[..., 1], "PPM"),
    "pgm with remarks": lambda: b"P5 # made by hand\n# twice\n37\t23 255\n" + COLOUR[..., 0].tobytes(),
    "pgm 16": lambda: b"P5\n37 23\n65535\n" + (ROW * 2000 + COLUMN).astype(">u2").tobytes(),
    "ppm of one row": lambda: b"P6\n5 1\n255\n" + bytes(range(15)),
    "tiff": lambda: save(COLOUR, "TIFF"),
    "tiff grey 16": lambda: save((ROW * 2000 + COLUMN).astype(np.uint16), "TIFF"),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("level", [Level.FAST, Level.BEST])
def test_an_uncompressed_image_comes_back_exactly(name: str, level: Level) -> None:
    data = FILES[name]()
    encoded = ImagePixels().compress(data, Context(level, Kind.IMAGE))
    assert ImagePixels().decompress(encoded.payload, encoded.parameters, len(data), Device()) == data


def test_a_pattern_goes_through_webp_where_that_is_smaller_and_comes_back() -> None:
    tile = np.random.default_rng(1).integers(0, 256, (32, 32, 3), np.uint8)
    drawing = np.tile(tile, (2, 8, 1))
    data = save(drawing, "PPM")
    encoded = ImagePixels().compress(data, Context(Level.MAX, Kind.IMAGE))
    assert encoded.parameters["coder"] == "webp"
    assert ImagePixels().decompress(encoded.payload, encoded.parameters, len(data), Device()) == data
    with pytest.raises(PayloadDamaged):
        ImagePixels().decompress(
            encoded.payload, {**encoded.parameters, "width": 128, "stride": 384}, len(data), Device()
        )


def test_smooth_pixels_take_under_a_fifth() -> None:
    data = save(COLOUR, "BMP")
    assert len(ImagePixels().compress(data, Context(Level.BEST, Kind.IMAGE)).payload) * 5 < len(data)


@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"quality": 95, "subsampling": 0}, {"optimize": True}], ids=str
)
@pytest.mark.parametrize("tail", [b"", b"bytes behind the end"])
def test_a_jpeg_comes_back_exactly_and_smaller(options: dict[str, object], tail: bytes) -> None:
    data = save(np.tile(COLOUR, (8, 8, 1)), "JPEG", **options) + tail
    encoded = ImageJxl().compress(data, Context(Level.BEST, Kind.IMAGE))
    assert ImageJxl().decompress(encoded.payload, encoded.parameters, len(data), Device()) == data
    assert len(encoded.payload) < len(data)


def test_a_jpeg_cut_short_is_turned_down() -> None:
    data = save(np.tile(COLOUR, (8, 8, 1)), "JPEG", progressive=True)
    with pytest.raises(NotApplicable):
        ImageJxl().compress(data[: len(data) // 2], Context(Level.BEST, Kind.IMAGE))


def test_a_png_is_turned_down() -> None:
    for codec in (ImageJxl(), ImagePixels()):
        with pytest.raises(NotApplicable):
            codec.compress(save(COLOUR, "PNG"), Context(Level.BEST, Kind.IMAGE))


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (256, 256), (37, 23), (300, 200), (3000, 2)])
def test_dimensions_are_read_from_a_codestream_and_a_container(size: tuple[int, int]) -> None:
    import imagecodecs

    pixels = np.zeros((size[1], size[0]), np.uint8)
    for container in (False, True):
        stream = imagecodecs.jpegxl_encode(pixels, lossless=True, effort=1, usecontainer=container)
        assert jxl.read_dimensions(bytes(stream)) == size


def test_an_image_that_claims_more_than_the_file_holds_is_refused_before_decoding() -> None:
    data = save(COLOUR, "BMP")
    encoded = ImagePixels().compress(data, Context(Level.FAST, Kind.IMAGE))
    for name, value in (
        ("width", 10**6),
        ("height", 24),
        ("channels", 2),
        ("bits", 7),
        ("stride", 1),
        ("offset", 1 << 40),
    ):
        with pytest.raises(PayloadDamaged):
            ImagePixels().decompress(encoded.payload, {**encoded.parameters, name: value}, len(data), Device())


@given(at=st.integers(0, 10**6), bit=st.integers(0, 7), cut=st.booleans())
@settings(max_examples=40, deadline=None)
def test_damage_is_refused_or_gives_the_size_asked(at: int, bit: int, cut: bool) -> None:
    for codec, data, encoded in WRITTEN:
        payload = bytearray(encoded.payload)
        payload[at % len(payload)] ^= 1 << bit
        damaged = bytes(payload[: at % len(payload)] if cut else payload)
        try:
            back = codec.decompress(damaged, encoded.parameters, len(data), Device())
        except PayloadDamaged:
            continue
        assert len(back) == len(data)


@given(start=st.sampled_from([b"BM", b"P5 ", b"P6\n", b"II*\0", b"MM\0*"]), rest=st.binary(max_size=120))
@settings(max_examples=60, deadline=None)
def test_any_header_is_a_raster_inside_the_file_or_none(start: bytes, rest: bytes) -> None:
    raster = find_raster(start + rest)
    assert raster is None or raster.fits(len(start + rest))


def test_a_tiff_that_claims_huge_counts_is_no_raster() -> None:
    entry = struct.pack("<HHII", 273, 4, 0xFFFFFFFF, 8)
    assert find_raster(b"II*\0" + struct.pack("<IH", 8, 1) + entry) is None


def _write(codec: ImageJxl | ImagePixels, data: bytes) -> tuple[ImageJxl | ImagePixels, bytes, Encoded]:
    return codec, data, codec.compress(data, Context(Level.FAST, Kind.IMAGE))


WRITTEN = [_write(ImagePixels(), save(COLOUR, "BMP")), _write(ImageJxl(), save(COLOUR, "JPEG"))]
