"""JPEG files come back to the byte through their coefficients."""

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from panini_daemon.compressors import Context, Device, Kind, Level
from panini_daemon.compressors.errors import NotApplicable, PayloadDamaged
from panini_daemon.compressors.image_jpeg import ImageJpeg

PLUGIN = ImageJpeg()
BEST = Context(Level.BEST, Kind.IMAGE)
GOLDEN = Path(__file__).parents[1] / "golden/compressors/image_jpeg_v1"


def picture(width: int = 90, height: int = 70, mode: str = "RGB") -> Image.Image:
    row, column = np.mgrid[0:height, 0:width]
    noise = np.random.default_rng(2).integers(0, 24, (height, width))
    plane = ((np.sin(row / 9) + np.cos(column / 7)) * 50 + 110 + noise).astype(np.uint8)
    image = Image.fromarray(np.stack([plane, plane // 2 + 30, 255 - plane], axis=-1))
    return image.convert(mode)


def jpeg(mode: str = "RGB", **options: object) -> bytes:
    out = io.BytesIO()
    picture(mode=mode).save(out, "JPEG", **{"quality": 80, **options})
    return out.getvalue()


FILES = {
    "usual": jpeg(),
    "full resolution": jpeg(subsampling=0),
    "halved": jpeg(subsampling=1),
    "progressive": jpeg(progressive=True),
    "progressive grey": jpeg("L", progressive=True),
    "optimised": jpeg(optimize=True),
    "grey": jpeg("L"),
    "four colours": jpeg("CMYK"),
    "restart markers": jpeg(restart_marker_blocks=3),
    "progressive with restarts": jpeg(progressive=True, restart_marker_blocks=2),
    "rough": jpeg(quality=8),
    "fine": jpeg(quality=98),
    "with EXIF and ICC": jpeg(exif=b"Exif\0\0" + bytes(200), icc_profile=bytes(range(256)) * 4),
    "bytes behind": jpeg() + b"and something behind it" * 50,
}


def round_trip(data: bytes) -> bytes:
    encoded = PLUGIN.compress(data, BEST)
    assert encoded.parameters == {}
    assert PLUGIN.decompress(encoded.payload, {}, len(data), Device()) == data
    return encoded.payload


@pytest.mark.parametrize("name", FILES)
def test_files_come_back_smaller(name: str) -> None:
    assert len(round_trip(FILES[name])) < 0.9 * len(FILES[name])


@pytest.mark.parametrize("end", [400, 900, 1500, -2])
@pytest.mark.parametrize("name", ["usual", "progressive", "restart markers"])
def test_cut_files_come_back_or_are_turned_down(name: str, end: int) -> None:
    try:
        round_trip(FILES[name][:end])
    except NotApplicable:
        return


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(["usual", "progressive", "grey"]), st.integers(2, 4000), st.integers(1, 255))
def test_damaged_files_come_back_or_are_turned_down(name: str, at: int, by: int) -> None:
    data = bytearray(FILES[name])
    data[at % len(data)] ^= by
    try:
        round_trip(bytes(data))
    except NotApplicable:
        return


@pytest.mark.parametrize(
    "data", [b"\x89PNG", b"\xff\xd8\xff", b"\xff\xd8\xff\xd9", b"\xff\xd8\xff\xe0\0\x04ab" * 20, b"text"]
)
def test_what_is_no_jpeg_is_not_applicable(data: bytes) -> None:
    with pytest.raises(NotApplicable):
        PLUGIN.compress(data, BEST)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_damaged_payload_gives_bytes_or_an_error(data: st.DataObject) -> None:
    original = FILES["grey"]
    payload = bytearray(PLUGIN.compress(original, BEST).payload)
    payload[data.draw(st.integers(0, len(payload) - 1))] ^= data.draw(st.integers(1, 255))
    cut = bytes(payload[: data.draw(st.integers(0, len(payload)))])
    try:
        assert len(PLUGIN.decompress(cut, {}, len(original), Device())) == len(original)
    except PayloadDamaged:
        return


@pytest.mark.parametrize("payload", [b"", b"\xff\xff\xff\xff\xff\xff", b"\x05\x50", b"\xff\xff\xff\x7f\x01\x00"])
def test_a_payload_whose_sizes_lie_is_refused(payload: bytes) -> None:
    with pytest.raises(PayloadDamaged):
        PLUGIN.decompress(payload, {}, 100, Device())


def test_it_offers_itself_for_images_at_the_upper_levels() -> None:
    assert PLUGIN.offer(BEST) is not None
    assert PLUGIN.offer(Context(Level.BALANCED, Kind.IMAGE)) is None
    assert PLUGIN.offer(Context(Level.BEST, Kind.TEXT)) is None


@pytest.mark.slow
def test_without_a_compiler_files_are_decoded_alike() -> None:
    script = (
        "import sys, pathlib; from panini_daemon.compressors.image_jpeg import ImageJpeg\n"
        "from panini_daemon.compressors import Device\n"
        "for folder in map(pathlib.Path, sys.argv[1:]):\n"
        " original = (folder / 'original.bin').read_bytes()\n"
        " made = ImageJpeg().decompress((folder / 'payload.bin').read_bytes(), {}, len(original), Device())\n"
        " assert made == original, folder\n"
    )
    folders = sorted(GOLDEN.iterdir())
    assert len(folders) >= 3
    environ = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    subprocess.run([sys.executable, "-c", script, *folders], check=True, env=environ, timeout=200)
