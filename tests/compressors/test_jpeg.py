"""How many pixels a JPEG file claims, which the coder of JPEG files is not asked about where they are too many."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from panini_daemon.compressors import Context, Kind, Level, NotApplicable
from panini_daemon.compressors.image_jxl import ImageJxl
from panini_daemon.compressors.jpeg.dimensions import count_pixels

OPTIONS = ({}, {"progressive": True}, {"exif": b"Exif\0\0" + b"x" * 300}, {"comment": b"\xff\xc0"})


def photo(**options: object) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (123, 45), "red").save(out, "JPEG", **options)
    return out.getvalue()


@pytest.mark.parametrize("options", OPTIONS)
def test_a_photograph_has_as_many_pixels_as_it_has(options: dict[str, object]) -> None:
    assert count_pixels(photo(**options)) == 123 * 45


def test_fill_bytes_before_a_marker_are_passed_over() -> None:
    data = photo()
    at = data.index(b"\xff\xc0")
    assert count_pixels(data[:at] + b"\xff\xff" + data[at:]) == 123 * 45


@given(st.binary(max_size=60))
def test_whatever_follows_is_no_error(data: bytes) -> None:
    assert (count_pixels(b"\xff\xd8" + data) or 0) >= 0


def test_a_file_that_claims_more_than_it_can_hold_is_turned_down() -> None:
    data = photo()
    at = data.index(b"\xff\xc0")
    claim = data[: at + 5] + b"\xff\xff\xff\xff" + data[at + 9 :]
    assert count_pixels(claim) == 0xFFFF**2
    with pytest.raises(NotApplicable, match="claims 4294836225 pixels"):
        ImageJxl().compress(claim, Context(Level.BEST, Kind.IMAGE))


def test_a_file_without_a_frame_is_turned_down() -> None:
    with pytest.raises(NotApplicable, match="claims no pixels"):
        ImageJxl().compress(b"\xff\xd8\xff\xd9", Context(Level.BEST, Kind.IMAGE))
