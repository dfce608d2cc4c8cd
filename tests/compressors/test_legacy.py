"""What recipe 1.0 wrote stays readable."""

import gzip
import io

import pytest

from panini_daemon.compressors import Context, Device, Json, Level, PayloadDamaged, Registry
from panini_daemon.compressors.generic_gzip import GenericGzip

PIXELS = bytes(range(4 * 5 * 3))
SHAPE: dict[str, Json] = {"shape": [4, 5, 3], "dtype": "uint8", "format": "PNG"}


def decode(method: str, payload: bytes, parameters: dict[str, Json], size: int) -> bytes:
    return Registry().get(method).decompress(payload, parameters, size, Device())


@pytest.mark.parametrize("method", ["generic_gzip_v1", "semantic_text_v1"])
@pytest.mark.parametrize("extra", [{}, {"encoding": "utf-8"}, SHAPE, {"shape": "junk", "dtype": None}])
def test_gzip_decodes_whatever_stands_beside_it(method: str, extra: dict[str, Json]) -> None:
    assert decode(method, gzip.compress(b"words"), extra, 5) == b"words"


def test_gzip_of_several_members_decodes() -> None:
    assert decode("generic_gzip_v1", gzip.compress(b"one ") + gzip.compress(b"two") + bytes(3), {}, 7) == b"one two"


def test_gzip_written_here_is_read_by_the_standard_library_and_bears_no_time() -> None:
    payload = GenericGzip().compress(b"words" * 9, Context(Level.BEST)).payload
    assert gzip.decompress(payload) == b"words" * 9
    assert payload[:10] == bytes.fromhex("1f8b08000000000002ff")


@pytest.mark.parametrize("name", ["PNG", "bmp", "jpg", "TIFF"])
def test_pixels_come_back_as_a_file_of_the_format_named(name: str) -> None:
    from PIL import Image

    file = decode("semantic_image_v1", gzip.compress(PIXELS), {**SHAPE, "format": name}, 123)
    with Image.open(io.BytesIO(file)) as image:
        assert image.size == (5, 4)
        assert name == "jpg" or image.convert("RGB").tobytes() == PIXELS


def test_without_a_shape_the_gzipped_file_comes_back() -> None:
    assert decode("semantic_image_v1", gzip.compress(b"file"), {"format": "PNG"}, 4) == b"file"


@pytest.mark.parametrize(
    "wrong",
    [
        {"dtype": "object"},
        {"dtype": "O8"},
        {"dtype": 3},
        {"shape": [4, 5, 2]},
        {"shape": [1 << 19, 1 << 19]},
        {"shape": [4, -5, 3]},
        {"shape": "4x5"},
        {"shape": [True, 60]},
        {"format": "EPS"},
        {"format": None},
        {"dtype": "float32", "shape": [3, 5], "format": "PNG"},
    ],
)
def test_parameters_that_make_no_image_are_refused(wrong: dict[str, Json]) -> None:
    with pytest.raises(PayloadDamaged):
        decode("semantic_image_v1", gzip.compress(PIXELS), {**SHAPE, **wrong}, 60)
